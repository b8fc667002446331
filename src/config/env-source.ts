import type { GivenValue, Source } from './given.ts';
import { envName, keys } from './keys.ts';

/** Reads the configuration's environment variables. An empty variable counts as not set. */
export function readEnv(env: Readonly<Record<string, string | undefined>>): Source {
  const values = new Map<string, GivenValue>();
  const take = (name: string): void => {
    const value = env[envName(name)];
    if (value !== undefined && value !== '') values.set(name, { texts: [value], where: envName(name) });
  };
  for (const key of Object.values(keys)) {
    take(key.name);
    if (key.secret) take(`${key.name}_file`);
  }
  return { values, problems: [] };
}

import { readFileSync } from 'node:fs';
import { MilenaError } from '../errors/milena-error.ts';
import type { Config } from './config.ts';
import { consistencyProblems } from './consistency.ts';
import { readEnv } from './env-source.ts';
import type { GivenValue, Source } from './given.ts';
import type { Key } from './key.ts';
import { keys } from './keys.ts';
import { readYaml } from './yaml-source.ts';

/** Where the configuration comes from. */
export interface ConfigSources {
  /** Path of a YAML file. The environment's values stand above the file's. */
  readonly file?: string | undefined;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** The command line's, by YAML name; they stand above the environment's. */
  readonly overrides?: ReadonlyMap<string, GivenValue>;
  /** The grammar of server names, handed in because this folder imports nothing of the protocol. */
  readonly isServerName: (text: string) => boolean;
}

/**
 * Reads, checks and completes the configuration.
 * @throws MilenaError BAD_CONFIG whose message has a line for each problem, beginning with the place:
 *   `milena.yaml:3:7: port: …` or `MILENA_PORT: …`. No message repeats a secret.
 */
export function loadConfig(sources: ConfigSources): Config {
  const file = sources.file === undefined ? undefined : readConfigFile(sources.file);
  const env = readEnv(sources.env);
  const problems = [...(file?.problems ?? []), ...env.problems];
  const given = layered([file?.values, env.values, sources.overrides]);
  const values = readKeys(given, problems, sources.isServerName);
  if (problems.length === 0) {
    const config = complete(values);
    problems.push(...consistencyProblems(config));
    if (problems.length === 0) return config;
  }
  throw new MilenaError('BAD_CONFIG', problems.join('\n'), { log: { problems } });
}

/** The weakest source first. A source that gives `x` or `x_file` replaces both of the weaker ones. */
function layered(sources: readonly (Source['values'] | undefined)[]): ReadonlyMap<string, GivenValue> {
  const given = new Map<string, GivenValue>();
  for (const values of sources) {
    for (const name of values?.keys() ?? []) {
      given.delete(name.replace(/_file$/, ''));
      given.delete(`${name.replace(/_file$/, '')}_file`);
    }
    for (const [name, value] of values ?? []) given.set(name, value);
  }
  return given;
}

/** The values as far as given or defaulted; what follows from other keys is still undefined. */
type Values = { readonly [K in keyof Config]: Config[K] | undefined };

function readKeys(
  given: ReadonlyMap<string, GivenValue>,
  problems: string[],
  isServerName: (text: string) => boolean,
): Values {
  const values = Object.entries(keys).map(([id, key]) => [id, readKey(key, given, problems)]);
  // The cast: `keys` has one entry for each key of Config, with a parser of that key's type.
  const read = Object.fromEntries(values) as Values;
  if (read.serverName !== undefined && !isServerName(read.serverName)) {
    const where = given.get('server_name')?.where ?? 'server_name';
    problems.push(`${where}: expected a name such as "example.org", not "${read.serverName}"`);
  }
  return read;
}

function readKey(key: Key<unknown>, given: ReadonlyMap<string, GivenValue>, problems: string[]): unknown {
  const value = given.get(key.name);
  const file = given.get(`${key.name}_file`);
  if (value !== undefined && file !== undefined) {
    problems.push(`${file.where}: ${key.name} is given too (${value.where}); one of them must go`);
    return undefined;
  }
  const where = (file ?? value)?.where ?? key.name;
  try {
    if (file !== undefined) return key.parse([readSecretFile(file)]);
    if (value !== undefined) return key.parse(value.texts);
    return key.default === undefined ? undefined : key.parse(defaultTexts(key.default));
  } catch (error) {
    problems.push(`${where}: ${error instanceof Error ? error.message : String(error)}`);
    return undefined;
  }
}

/** A default is written as in YAML; of that, only a flow list needs taking apart. */
function defaultTexts(text: string): readonly string[] {
  return [text.replace(/^\[(.*)\]$/, '$1')];
}

function readSecretFile(file: GivenValue): string {
  try {
    return readFileSync(file.texts.join(','), 'utf8').replace(/\r?\n$/, '');
  } catch (error) {
    throw new Error(`cannot be read: ${error instanceof Error ? error.message : String(error)}`);
  }
}

function readConfigFile(file: string): Source {
  try {
    return readYaml(readFileSync(file, 'utf8'), file);
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new MilenaError('BAD_CONFIG', `${file}: cannot be read: ${reason}`, { cause: error });
  }
}

/** Fills in the defaults that follow from other keys. */
function complete(values: Values): Config {
  const host = values.bind?.includes(':') ? `[${values.bind}]` : values.bind;
  const completed = {
    ...values,
    publicUrl: values.publicUrl ?? `http://${host}:${values.port}`,
    slots: values.slots ?? (values.log === 'kafka' ? 64 : 8),
    signingKey: values.signingKey ?? `${values.data}/signing.key`,
  };
  // The cast: every other key has a default, or may be undefined in Config; a test goes through them all.
  return completed as Config;
}

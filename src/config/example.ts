import { envName, keys } from './keys.ts';

/** The documented example: every key, its default in force, what has no default commented out. */
export function exampleYaml(): string {
  const head = [
    '# Milena’s configuration: milena serve --config milena.yaml; check it with: milena config check --config …',
    '# Every key can be left out; what stands here are the defaults. A # before a key: it has no default.',
    '# Every key can also be given by the environment, which stands above this file: the variable stands',
    '# beside the key. Lists are separated by commas there. Relative paths start at the working directory.',
  ];
  const blocks = Object.values(keys).map((key) => {
    const value = key.default === undefined || key.default === '' ? undefined : key.default;
    const line = value === undefined ? `# ${key.name}: ${key.sample ?? ''}` : `${key.name}: ${value}`;
    const variable = `# ${envName(key.name)}`;
    const file = key.secret ? `, or from a file: ${key.name}_file, ${envName(key.name)}_FILE` : '';
    return [...key.about.map((about) => `# ${about}`), `${variable}${file}`, line].join('\n');
  });
  return `${[head.join('\n'), ...blocks].join('\n\n')}\n`;
}

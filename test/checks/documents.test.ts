import assert from 'node:assert/strict';
import { existsSync, globSync, readFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { parseCommand } from '../../src/cli/arguments.ts';
import { envName, keys } from '../../src/config/keys.ts';

const root = fileURLToPath(new URL('../../', import.meta.url));
const documents = globSync(['*.md', 'docs/**/*.md', 'projections/**/*.md', 'test/**/*.md'], {
  cwd: root,
}).filter((name) => !name.includes('node_modules'));
const textOf = (name: string): string => readFileSync(join(root, name), 'utf8');

// The cast: package.json has scripts, each a text.
const { scripts } = JSON.parse(textOf('package.json')) as { scripts: Record<string, string> };

/** The lines of the fenced blocks marked `sh`: commands that someone will type. */
function commandsOf(text: string): readonly string[] {
  return [...text.matchAll(/^```sh\n([\s\S]*?)^```/gm)]
    .flatMap(([, block = '']) => block.replaceAll('\\\n', ' ').split('\n'))
    .flatMap((line) => line.split('&&'))
    .map((line) => line.replace(/(^|\s)#.*$/, '').trim())
    .filter((line) => line !== '');
}

/** Undefined when the command exists, else what is wrong with it. */
function problemWith(command: string): string | undefined {
  const words = command.split(/\s+/).filter((word) => !/^[A-Z_]+=/.test(word));
  const [program, ...rest] = words;
  switch (program) {
    case 'npm': {
      const script = rest[0] === 'run' ? rest[1] : rest[0];
      if (rest[0] !== 'run' && ['ci', 'install'].includes(script ?? '')) return undefined;
      return Object.hasOwn(scripts, script ?? '') ? undefined : `there is no npm script "${script}"`;
    }
    case 'milena':
      return parses(rest);
    case 'node': {
      const [file = '', option, script = ''] = rest;
      if (!existsSync(join(root, file))) return `there is no ${file}`;
      if (option === '--script') return existsSync(join(root, script)) ? undefined : `there is no ${script}`;
      return file === 'src/main/launch.js' ? parses(rest.slice(1)) : undefined;
    }
    case 'git':
    case 'cd':
    case 'curl':
      return undefined;
    default:
      return existsSync(join(root, program ?? ''))
        ? undefined
        : `"${program}" is not a command of this project`;
  }
}

function parses(args: readonly string[]): string | undefined {
  try {
    parseCommand(args);
    return undefined;
  } catch (error) {
    return String(error);
  }
}

test('every command in a block marked sh exists', () => {
  const commands = documents.flatMap((name) =>
    commandsOf(textOf(name)).map((command) => ({ name, command })),
  );
  assert.ok(commands.length >= 5, `only ${commands.length} commands were found`);
  const problems = commands.flatMap(({ name, command }) => {
    const problem = problemWith(command);
    return problem === undefined ? [] : [`${name}: ${command}: ${problem}`];
  });
  assert.deepEqual(problems, []);
});

test('a command that does not exist is found', () => {
  assert.deepEqual(commandsOf('```sh\nnpm ci && npm start # up\n```\n```text\nnot me\n```\n'), [
    'npm ci',
    'npm start',
  ]);
  for (const command of [
    'npm run dance',
    'milena dance',
    'node src/nothing.js',
    'docker up',
    'milena user add',
  ]) {
    assert.notEqual(problemWith(command), undefined, command);
  }
});

test('every link to a file leads somewhere', () => {
  const broken = documents.flatMap((name) =>
    [
      ...textOf(name)
        .replaceAll(/```[\s\S]*?```/g, '')
        .matchAll(/\]\(([^)\s#]+)(?:#[^)]*)?\)/g),
    ]
      .map(([, target = '']) => target)
      .filter((target) => !/^[a-z]+:/.test(target))
      .filter((target) => !existsSync(resolve(root, dirname(name), decodeURI(target))))
      .map((target) => `${name}: ${target}`),
  );
  assert.deepEqual(broken, []);
});

test('every MILENA_ variable in a document exists', () => {
  const known = new Set(
    Object.values(keys).flatMap((key) => [envName(key.name), `${envName(key.name)}_FILE`]),
  );
  // Of the tests alone.
  for (const name of [
    'MILENA_SPEC_DIR',
    'MILENA_CHROMIUM',
    'MILENA_UNREAD_ROOMS',
    'MILENA_KAFKA_VERSION',
    'MILENA_TEST_CRASH_AT',
  ])
    known.add(name);
  const unknown = documents.flatMap((name) =>
    [...textOf(name).matchAll(/\bMILENA_[A-Z_]*[A-Z]\b/g)]
      .map(([variable]) => variable)
      .filter((variable) => !known.has(variable))
      .map((variable) => `${name}: ${variable}`),
  );
  assert.deepEqual(unknown, []);
});

test('every source file can be read at a sitting', () => {
  const files = globSync(['{src,projections,test}/**/*.ts'], { cwd: root }).filter(
    (name) => !name.includes('node_modules'),
  );
  const long = files
    .filter((name) => !name.endsWith('.test.ts'))
    .map((name) => ({ name, lines: textOf(name).split('\n').length }))
    .filter(({ lines }) => lines > 350);
  assert.deepEqual(long, []);
});

import assert from 'node:assert/strict';
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import {
  accessSync,
  chmodSync,
  constants,
  cpSync,
  mkdirSync,
  mkdtempSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { isAlive } from './data-folder/process-identity.ts';
import { chooseNode, isNewEnough } from './launch.js';
import { oldNode } from './old-node.fixture.ts';

const launcher = fileURLToPath(new URL('launch.js', import.meta.url));
const folder = mkdtempSync(join(tmpdir(), 'milena-launch-'));
after(() => rmSync(folder, { recursive: true }));

const old = oldNode();
const needsOld = old === undefined ? { skip: 'there is no Node older than 24 on this machine' } : {};
/** The launcher under both: the old Node starts a child, the new one replaces itself. */
const ways = [
  { name: 'the machine’s old Node', node: old ?? '', options: needsOld },
  { name: 'a Node that is new enough', node: process.execPath, options: {} },
];

const script = join(folder, 'script.ts');
writeFileSync(
  script,
  `const answer: number = 3;
   process.on('SIGTERM', () => { console.log('SIGTERM'); setTimeout(() => process.exit(answer), 50); });
   process.on('SIGINT', () => { console.log('SIGINT'); process.exit(4); });
   console.log(JSON.stringify({ version: process.versions.node, pid: process.pid, args: process.argv.slice(2) }));
   setTimeout(() => undefined, 20_000);`,
);

interface Started {
  readonly child: ChildProcess;
  readonly version: string;
  readonly pid: number;
  readonly args: readonly string[];
  /** Everything printed after the first line. */
  readonly rest: () => string;
}

async function start(node: string, ...args: string[]): Promise<Started> {
  const child = spawn(node, [launcher, '--script', script, ...args], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let text = '';
  child.stdout.on('data', (chunk: Buffer) => {
    text += chunk.toString();
  });
  while (!text.includes('\n')) await once(child.stdout, 'data');
  const [first = ''] = text.split('\n');
  // The cast: the script above printed it.
  const said = JSON.parse(first) as { version: string; pid: number; args: string[] };
  return { child, ...said, rest: () => text.slice(first.length + 1) };
}

for (const { name, node, options } of ways) {
  test(`under ${name}, the script runs on Node 24 with its arguments`, options, async () => {
    const started = await start(node, 'a', '--b');
    assert.ok(isNewEnough(started.version), started.version);
    assert.deepEqual(started.args, ['a', '--b']);
    started.child.kill('SIGTERM');
    assert.deepEqual(await once(started.child, 'exit'), [3, null]);
    assert.equal(started.rest(), 'SIGTERM\n');
  });

  test(`under ${name}, SIGINT is passed on and the exit code comes back`, options, async () => {
    const started = await start(node);
    started.child.kill('SIGINT');
    assert.deepEqual(await once(started.child, 'exit'), [4, null]);
  });

  test(`under ${name}, the launcher's death by SIGKILL leaves nobody behind`, options, async () => {
    const started = await start(node);
    started.child.kill('SIGKILL');
    await once(started.child, 'exit');
    for (let tries = 0; tries < 100 && isAlive(started.pid); tries += 1) await sleep(20);
    assert.equal(isAlive(started.pid), false);
  });

  test(`under ${name}, a signal that kills the script is told to whoever waits`, options, async () => {
    const started = await start(node);
    process.kill(started.pid, 'SIGKILL');
    assert.deepEqual(await once(started.child, 'exit'), [null, 'SIGKILL']);
  });
}

test('without --script it is the command line', () => {
  const { status, stdout } = spawnSync(process.execPath, [launcher, '--version'], { encoding: 'utf8' });
  assert.equal(status, 0);
  assert.match(stdout, /^milena \d/);
});

test('a script that is not there is told', () => {
  const { status, stderr } = spawnSync(process.execPath, [launcher, '--script', 'none.ts'], {
    encoding: 'utf8',
  });
  assert.equal(status, 1);
  assert.match(stderr, /There is no .*none\.ts/);
});

test('Node 24.7 and later is new enough', () => {
  for (const version of ['24.7.0', '24.21.0', '25.0.0', '100.1.0']) assert.ok(isNewEnough(version), version);
  for (const version of ['20.20.2', '24.6.9', '4.25.0']) assert.ok(!isNewEnough(version), version);
});

const machine = {
  version: '20.20.2',
  execPath: '/usr/bin/node',
  platform: 'linux',
  arch: 'x64',
  root: folder,
};

test('the machine’s Node is taken when it is new enough', () => {
  assert.deepEqual(chooseNode({ ...machine, version: '24.8.0' }), { node: '/usr/bin/node' });
});

test('without any Node that fits, it says what to install', () => {
  const missing = chooseNode(machine);
  assert.ok('problem' in missing);
  assert.match(missing.problem, /Node 24\.7 or newer; this is Node 20\.20\.2/);
  assert.match(missing.problem, /npm ci/);
  const elsewhere = chooseNode({ ...machine, platform: 'freebsd' });
  assert.ok('problem' in elsewhere && /nodejs\.org/.test(elsewhere.problem));
  const mips = chooseNode({ ...machine, arch: 'mips' });
  assert.ok('problem' in mips && /nodejs\.org/.test(mips.problem) && !/npm ci/.test(mips.problem));
});

test('the Node that npm brought is taken for both machines, and made executable when npm did not', () => {
  for (const arch of ['x64', 'arm64']) {
    const bin = join(folder, 'node_modules', `node-linux-${arch}`, 'bin');
    mkdirSync(bin, { recursive: true });
    writeFileSync(join(bin, 'node'), '#!/bin/sh\n');
    chmodSync(join(bin, 'node'), 0o644);
    assert.deepEqual(chooseNode({ ...machine, arch }), { node: join(bin, 'node') });
    accessSync(join(bin, 'node'), constants.X_OK);
  }
});

test('a launcher without node_modules under an old Node ends with code 1', needsOld, () => {
  const bare = join(folder, 'bare');
  mkdirSync(join(bare, 'src', 'main'), { recursive: true });
  cpSync(launcher, join(bare, 'src', 'main', 'launch.js'));
  writeFileSync(join(bare, 'package.json'), '{"type":"module"}');
  const { status, stderr } = spawnSync(old ?? '', [join(bare, 'src', 'main', 'launch.js'), 'serve'], {
    encoding: 'utf8',
  });
  assert.equal(status, 1);
  assert.match(stderr, /^milena: Milena needs Node 24\.7/);
});

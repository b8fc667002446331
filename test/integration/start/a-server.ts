import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Client, login, register } from '../../support/client.ts';
import { freePort } from '../../support/free-port.ts';
import { Http } from '../../support/http.ts';
import { cleanEnvironment, LAUNCHER, MilenaProcess, ROOT } from '../../support/milena-process.ts';
import { endOrphans, testSettings } from '../../support/server.ts';

/** A folder for the servers of one test. Disposing ends them and whatever they left, and removes the folder. */
export interface TestFolder extends AsyncDisposable {
  readonly path: string;
  readonly servers: MilenaProcess[];
}

/** Makes one. */
export function folderForTest(): TestFolder {
  const path = mkdtempSync(join(tmpdir(), 'milena-start-'));
  const servers: MilenaProcess[] = [];
  return {
    path,
    servers,
    async [Symbol.asyncDispose]() {
      for (const server of servers) await server.kill();
      for (const connection of connections.splice(0)) connection.close();
      for (const entry of readdirSync(path, { withFileTypes: true })) {
        if (entry.isDirectory()) await endOrphans(join(path, entry.name));
      }
      rmSync(path, { recursive: true, force: true });
    },
  };
}

/** A server with its data in `folder/name`, started, with the settings of tests and some of its own. */
export async function serverIn(
  folder: TestFolder,
  name = 'data',
  env: Readonly<Record<string, string>> = {},
): Promise<MilenaProcess> {
  const server = await plannedIn(folder, name, env);
  await server.start();
  return server;
}

/** The same, not started yet. */
export async function plannedIn(
  folder: TestFolder,
  name = 'data',
  env: Readonly<Record<string, string>> = {},
): Promise<MilenaProcess> {
  const port = await freePort();
  const { MILENA_INTERNAL_SECRET: _, ...plain } = testSettings(join(folder.path, name), port, 0);
  const settings = { ...plain, ...env };
  const milena = new MilenaProcess({
    name,
    args: ['serve'],
    env: settings,
    logFile: join(folder.path, `${name}.log`),
    readyUrl: `http://127.0.0.1:${settings['MILENA_PORT'] ?? port}/_milena/ready`,
    readyWithin: 60_000,
  });
  folder.servers.push(milena);
  return milena;
}

/** The address of its client API. */
export function urlOf(server: MilenaProcess): string {
  return new URL(server.plan.readyUrl ?? '').origin;
}

/** Left open, they would keep a failed test's process from ending. */
const connections: Http[] = [];

/** A client's connection to it, closed with the test's folder at the latest. */
export function httpOf(server: MilenaProcess): Http {
  const http = new Http(urlOf(server));
  connections.push(http);
  return http;
}

/** A user with a room in which something was said, to be found again later. */
export async function someHistory(server: MilenaProcess, words: readonly string[]): Promise<string> {
  const http = httpOf(server);
  const alice = await register(http, 'alice', 'alices password');
  const room = await alice.createRoom();
  for (const word of words) await alice.say(room, word);
  http.close();
  return room;
}

/** What alice reads in the room after logging in anew. */
export async function wordsOf(server: MilenaProcess, room: string): Promise<readonly unknown[]> {
  const http = httpOf(server);
  const alice: Client = await login(http, 'alice', 'alices password');
  const events = await alice.history(room);
  http.close();
  return events.filter(({ type }) => type === 'm.room.message').map(({ content }) => content['body']);
}

/** Runs `milena …` of this software, or of another launcher's, with a server's settings and some text as input. */
export function milena(
  env: Readonly<Record<string, string>>,
  args: readonly string[],
  input = '',
  launcher = LAUNCHER,
): Promise<{ readonly code: number | null; readonly out: string; readonly err: string }> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [launcher, ...args], {
      cwd: ROOT,
      env: { ...cleanEnvironment(), ...env },
    });
    let [out, err] = ['', ''];
    child.stdout.on('data', (chunk: Buffer) => {
      out += chunk.toString();
    });
    child.stderr.on('data', (chunk: Buffer) => {
      err += chunk.toString();
    });
    child.on('error', reject);
    child.on('close', (code) => resolve({ code, out, err }));
    child.stdin.on('error', () => undefined);
    child.stdin.end(input);
  });
}

/** Copies a data folder with everything, owners and modes included, as docs/operate.md says. */
export function copyFolder(from: string, to: string): void {
  const { status, stderr } = spawnSync('cp', ['-a', from, to], { encoding: 'utf8' });
  assert.equal(status, 0, stderr);
}

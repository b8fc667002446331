import assert from 'node:assert/strict';
import { mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { isMilenaError } from '../../errors/milena-error.ts';
import { createFile } from './files.ts';
import { openDataFolder } from './folder.ts';
import { identityOfThisProcess, stateOf } from './process-identity.ts';
import { announceServer, runningServers } from './running.ts';
import { internalSecret, masterKey, signingKey } from './secrets.ts';

const base = await mkdtemp(join(tmpdir(), 'milena-data-'));
after(() => rmSync(base, { recursive: true }));
let count = 0;
const fresh = (): string => {
  count += 1;
  return join(base, `data-${count}`);
};

const wish = { serverName: 'a.org', log: 'postgres', postgresMajor: 18, version: '0.1.0' } as const;

test('a data folder is made private, and says its format, server name, log and Postgres major', async () => {
  const path = fresh();
  const made = await openDataFolder({ path, ...wish });
  assert.equal(made.isNew, true);
  assert.equal(statSync(path).mode & 0o777, 0o700);
  assert.equal(statSync(join(path, 'milena.json')).mode & 0o777, 0o600);
  const facts = { format: 1, serverName: 'a.org', log: 'postgres', postgresMajor: 18, madeBy: '0.1.0' };
  assert.deepEqual(JSON.parse(readFileSync(join(path, 'milena.json'), 'utf8')), facts);
  const again = await openDataFolder({ path, ...wish, version: '9.9.9' });
  assert.deepEqual([again.isNew, again.facts], [false, facts]);
});

test('a start that does not fit refuses and names the way out', async () => {
  const cases = [
    [{ serverName: 'b.org' }, /"a\.org", which is for good.*MILENA_SERVER_NAME=a\.org/],
    [
      { postgresMajor: 19 },
      /Postgres 18; this Milena brings Postgres 19.*milena log export.*milena log import/,
    ],
    [{ log: 'kafka' as const }, /its log in postgres, not in kafka.*milena log export/],
  ] as const;
  const path = fresh();
  await openDataFolder({ path, ...wish });
  for (const [change, message] of cases) {
    await assert.rejects(
      openDataFolder({ path, ...wish, ...change }),
      (error) => isMilenaError(error, 'DATA_MISMATCH') && message.test(error.message),
    );
  }
  const facts: object = JSON.parse(readFileSync(join(path, 'milena.json'), 'utf8'));
  writeFileSync(join(path, 'milena.json'), JSON.stringify({ ...facts, format: 2, madeBy: '7.0.0' }));
  await assert.rejects(
    openDataFolder({ path, ...wish }),
    /data format 2 \(made by Milena 7\.0\.0\).*log export/,
  );
});

test('a folder that used a Postgres elsewhere may get one of its own, and notes it', async () => {
  const path = fresh();
  await openDataFolder({ path, ...wish, postgresMajor: null });
  assert.equal((await openDataFolder({ path, ...wish })).facts.postgresMajor, 18);
  await assert.rejects(openDataFolder({ path, ...wish, postgresMajor: 17 }), /Postgres 18/);
});

test('a damaged milena.json is not overwritten', async () => {
  const path = fresh();
  await openDataFolder({ path, ...wish });
  writeFileSync(join(path, 'milena.json'), '{"format":');
  await assert.rejects(openDataFolder({ path, ...wish }), /damaged/);
  assert.equal(readFileSync(join(path, 'milena.json'), 'utf8'), '{"format":');
});

test('a database without its milena.json is not given another name', async () => {
  const path = fresh();
  await openDataFolder({ path, ...wish });
  mkdirSync(join(path, 'postgres'));
  writeFileSync(join(path, 'postgres', 'PG_VERSION'), '18\n');
  rmSync(join(path, 'milena.json'));
  await assert.rejects(
    openDataFolder({ path, ...wish, serverName: 'b.org' }),
    (error) =>
      isMilenaError(error, 'DATA_MISMATCH') && /The way out: restore milena\.json/.test(error.message),
  );
  assert.deepEqual(readdirSync(path), ['postgres']);
});

test('a folder that has served and lost its database does not begin anew', async () => {
  const path = fresh();
  await openDataFolder({ path, ...wish });
  assert.equal((await openDataFolder({ path, ...wish })).isNew, false, 'killed before it had one');
  mkdirSync(join(path, 'running'));
  await assert.rejects(
    openDataFolder({ path, ...wish }),
    (error) =>
      isMilenaError(error, 'DATA_MISMATCH') && /has lost its database.*The way out/.test(error.message),
  );
  assert.deepEqual(readdirSync(path).toSorted(), ['milena.json', 'running']);
});

test('a path that cannot be a folder is told in plain words', async () => {
  const file = fresh();
  writeFileSync(file, '');
  await assert.rejects(
    openDataFolder({ path: join(file, 'data'), ...wish }),
    (error) => isMilenaError(error, 'START_FAILED') && /not a folder/.test(error.message),
  );
});

test('secrets are made once, private, and read again', async () => {
  const path = fresh();
  await openDataFolder({ path, ...wish });
  const keyFile = join(path, 'signing.key');
  const [key, master, secret] = [
    await signingKey(keyFile),
    await masterKey(path),
    await internalSecret(path),
  ];
  assert.match(key.keyId, /^ed25519:a_[0-9a-f]{6}$/);
  assert.deepEqual([key.seed.length, master.length], [32, 32]);
  assert.ok(secret.length >= 40);
  for (const name of ['signing.key', 'master.key', 'internal.secret']) {
    assert.equal(statSync(join(path, name)).mode & 0o777, 0o600, name);
  }
  assert.deepEqual(await signingKey(keyFile), key);
  assert.deepEqual(await masterKey(path), master);
  assert.equal(await internalSecret(path), secret);
});

test('of many processes that make a secret at once, all read the same', async () => {
  const path = fresh();
  await openDataFolder({ path, ...wish });
  const secrets = await Promise.all(Array.from({ length: 20 }, () => internalSecret(path)));
  assert.equal(new Set(secrets).size, 1);
  assert.deepEqual(
    readdirSync(path).filter((name) => name.endsWith('.tmp')),
    [],
  );
});

test('a signing key of another server is read, a damaged one is refused and kept', async () => {
  const path = fresh();
  await openDataFolder({ path, ...wish });
  const file = join(path, 'signing.key');
  writeFileSync(file, `ed25519 auto ${'A'.repeat(43)}\n`);
  assert.equal((await signingKey(file)).keyId, 'ed25519:auto');
  for (const text of ['', 'ed25519 auto AAAA\n', 'rsa 1 AAAA\n']) {
    writeFileSync(file, text);
    await assert.rejects(signingKey(file), /not a signing key/);
    assert.equal(readFileSync(file, 'utf8'), text);
  }
});

test('a file is made whole or not at all, and never replaced', async () => {
  const file = fresh();
  assert.equal(await createFile(file, 'first'), true);
  assert.equal(await createFile(file, 'second'), false);
  assert.equal(readFileSync(file, 'utf8'), 'first');
  await assert.rejects(createFile(join(base, 'nowhere', 'x'), 'y'), (error) =>
    isMilenaError(error, 'START_FAILED'),
  );
});

test('the command line finds a server that runs, and not one that was killed or its number’s next holder', async () => {
  const path = fresh();
  await openDataFolder({ path, ...wish });
  const server = { address: 'http://127.0.0.1:4000', roles: ['owner'] };
  const announcement = await announceServer(path, server);
  assert.partialDeepStrictEqual(await runningServers(path), [server]);
  const impostor = { ...identityOfThisProcess(), startTime: 1, ...server };
  writeFileSync(join(path, 'running', '1.json'), JSON.stringify(impostor));
  assert.equal((await runningServers(path)).length, 1);
  assert.deepEqual(readdirSync(join(path, 'running')), [`${process.pid}.json`]);
  await announcement.withdraw();
  assert.deepEqual(await runningServers(path), []);
});

test('a process number that was used again is another process, and one of another boot is unknown', () => {
  const self = identityOfThisProcess();
  assert.equal(stateOf(self), 'running');
  assert.equal(stateOf({ ...self, startTime: self.startTime + 1 }), 'gone');
  assert.equal(stateOf({ ...self, pid: 2 ** 22 + 5 }), 'gone');
  assert.equal(stateOf({ ...self, realm: 'another boot' }), 'unknown');
});

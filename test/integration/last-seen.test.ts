import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';
import { type Apart, startApart } from '../support/apart.ts';
import { type Client, freshName, login, register } from '../support/client.ts';
import { Http } from '../support/http.ts';

const PASSWORD = 'a long enough password';

describe('what is known of when and where a device was seen', () => {
  let apart: Apart;
  let http: Http;

  before(async () => {
    apart = await startApart({ roles: ['api', 'owner,projector,manager'] });
    http = new Http(apart.url);
  });
  after(async () => {
    http?.close();
    await apart?.[Symbol.asyncDispose]();
  });

  /** The devices of a user of which an address is stored. */
  async function stored({ userId }: Client): Promise<readonly string[]> {
    const client = new pg.Client({ connectionString: apart.env('api')['MILENA_POSTGRES_URL'] });
    await client.connect();
    try {
      const text = `SELECT name FROM sessions.entries WHERE kind = 'last_seen' AND owner = $1 ORDER BY name`;
      return (await client.query<{ name: string }>(text, [userId])).rows.map(({ name }) => name);
    } finally {
      await client.end();
    }
  }

  async function until(user: Client, devices: readonly Client[]): Promise<void> {
    const wanted = devices.map(({ deviceId }) => deviceId).sort();
    const end = performance.now() + 20_000;
    while (performance.now() < end && String(await stored(user)) !== String(wanted)) await sleep(100);
    assert.deepEqual(await stored(user), wanted);
  }

  /** A user with two devices, both of which were seen, which is stored. */
  async function seen(): Promise<readonly [Client, Client]> {
    const one = await register(http, freshName('seen'), PASSWORD);
    const two = await login(http, one.userId, PASSWORD);
    for (const device of [one, two]) await device.get200('GET', '/_matrix/client/v3/account/whoami');
    // A node that stops writes what it knows.
    await apart.process('api').stop();
    await apart.process('api').start();
    await until(one, [one, two]);
    return [one, two];
  }

  it('ends when the device logs out', async () => {
    const [one, two] = await seen();
    await two.logout();
    await until(one, [one]);
  });

  it('ends when the user is deactivated while no node follows', async () => {
    const [one] = await seen();
    await apart.process('api').stop();
    const { code, stderr } = await apart.milena('owner', ['user', 'deactivate', one.userId]);
    assert.equal(code, 0, stderr);
    // The models know of it before the node comes back.
    await sleep(1_000);
    await apart.process('api').start();
    await until(one, []);
  });
});

import assert from 'node:assert/strict';
import type { AddressInfo } from 'node:net';
import { after, before, describe, it } from 'node:test';
import { CommandFailed, type House } from '../../cli/house.ts';
import { RemoteHouse } from '../../cli/remote-house.ts';
import { isMilenaError, MilenaError } from '../../errors/milena-error.ts';
import { asRoomId, asUserId } from '../../matrix/identifiers.ts';
import type { Command, CommandResult } from '../../owner/commands.ts';
import type { App } from '../context.ts';
import { buildInternalApp } from './app.ts';
import { CommandForwarder } from './forwarder.ts';

const SECRET = 'internal secret';

/** A house that says what it was asked. */
class AskedHouse implements House {
  readonly asked: unknown[] = [];

  async userAdd(request: object) {
    this.asked.push(request);
    return { userId: '@alice:test' };
  }
  async userList() {
    return [{ userId: '@alice:test', admin: false, deactivated: false, createdAt: 1 }];
  }
  async userSetPassword(request: object) {
    this.asked.push(request);
  }
  async userDeactivate() {
    throw new CommandFailed('There is no such user.');
  }
  async tokenAdd(request: object) {
    this.asked.push(request);
    return { token: 'made' };
  }
  async tokenList() {
    return [{ fingerprint: '0123456789ab', uses: 1, usesAllowed: 2, expiresAt: null }];
  }
  async tokenRemove() {
    throw new CommandFailed('There is no such registration token.');
  }
  async status() {
    return { version: '0', serverName: 'test', ready: true, reasons: [], slots: [], projectors: [] };
  }
  async *rebuild(model: string) {
    yield { phase: 'building' as const, records: 1, of: 2 };
    if (model === 'nothing') throw new CommandFailed('There is no such model.');
    yield { phase: 'switched' as const, records: 2, of: 2 };
  }
  async *exportLog() {
    yield Buffer.from('{"a":1}\n');
    yield Buffer.from('{"b":2}\n');
  }
  async importLog(source: AsyncIterable<Uint8Array>) {
    let text = '';
    for await (const chunk of source) text += Buffer.from(chunk).toString();
    this.asked.push(text);
    return { records: 2 };
  }
}

const send: Command = {
  kind: 'send_event',
  id: '0'.repeat(32),
  at: 1,
  room_id: asRoomId('!r:test'),
  sender: asUserId('@alice:test'),
  type: 'm.room.message',
  content: '{"body":"\\u0000","__proto__":1}',
};

describe('the internal listener', () => {
  let app: App;
  let address: string;
  let execute: (command: Command) => Promise<CommandResult>;
  const house = new AskedHouse();
  const forwarder = new CommandForwarder(SECRET, 5_000);

  before(async () => {
    app = buildInternalApp({
      secret: SECRET,
      execute: (command) => execute(command),
      house,
      metrics: { contentType: 'text/plain; version=0.0.4', text: async () => 'milena_up 1\n' },
      unready: async () => [],
      logger: { debug() {}, info() {}, warn() {}, error() {} },
    });
    await app.listen({ host: '127.0.0.1', port: 0 });
    const { port } = app.server.address() as AddressInfo; // A TCP server has one.
    address = `http://127.0.0.1:${port}`;
  });
  after(async () => {
    forwarder.close();
    await app.close();
  });

  it('hands a command to the owner as it was, and the result back', async () => {
    let seen: Command | undefined;
    execute = async (command) => {
      seen = command;
      return { written: { topic: 'rooms', partition: 3, offset: 9 } };
    };
    const result = await forwarder.forward(address, send);
    assert.deepEqual(result, { written: { topic: 'rooms', partition: 3, offset: 9 } });
    assert.deepEqual(seen, send);
  });

  it('carries an error over with its code, message and facts', async () => {
    execute = async () => {
      throw new MilenaError('LIMIT_EXCEEDED', 'Slowly.', {
        retryAfterMs: 7,
        expose: { a: 1 },
        cause: new Error('x'),
      });
    };
    await assert.rejects(forwarder.forward(address, send), (error) => {
      assert.ok(isMilenaError(error, 'LIMIT_EXCEEDED'));
      assert.equal(error.message, 'Slowly.');
      assert.deepEqual([error.facts.retryAfterMs, error.facts.expose], [7, { a: 1 }]);
      return true;
    });
  });

  it('answers 421 when this node does not own the slot', async () => {
    execute = async () => {
      throw new MilenaError('NOT_OWNER', undefined, { log: { owner: 'http://other' } });
    };
    const headers = { authorization: `Bearer ${SECRET}`, 'content-type': 'application/json' };
    const body = JSON.stringify(send);
    const reply = await fetch(`${address}/_milena/internal/v1/command`, { method: 'POST', headers, body });
    assert.equal(reply.status, 421);
    await assert.rejects(
      forwarder.forward(address, send),
      (error) => isMilenaError(error, 'NOT_OWNER') && error.facts.log?.['owner'] === 'http://other',
    );
  });

  it('does not show what went wrong inside', async () => {
    execute = async () => {
      throw new Error('the password is tiger');
    };
    await assert.rejects(
      forwarder.forward(address, send),
      (error) => isMilenaError(error, 'INTERNAL') && !error.message.includes('tiger'),
    );
  });

  it('lets nobody in without the secret', async () => {
    execute = async () => assert.fail('must not be asked');
    for (const secret of ['', 'wrong', `${SECRET}x`, SECRET.toUpperCase()]) {
      const other = new CommandForwarder(secret, 5_000);
      await assert.rejects(other.forward(address, send), (error) => isMilenaError(error, 'UNAVAILABLE'));
      other.close();
    }
    const bare = await fetch(`${address}/_milena/internal/v1/status`, { method: 'POST' });
    assert.equal(bare.status, 401);
  });

  it('shows metrics and liveness without it', async () => {
    const metrics = await fetch(`${address}/_milena/metrics`);
    assert.deepEqual([metrics.status, await metrics.text()], [200, 'milena_up 1\n']);
    assert.equal((await fetch(`${address}/_milena/ready`)).status, 200);
  });

  it('serves what the command line asks', async () => {
    const remote = new RemoteHouse(address, SECRET);
    const added = await remote.userAdd({ user: 'alice', password: 'p', admin: true });
    assert.deepEqual(added, { userId: '@alice:test' });
    assert.equal((await remote.userList())[0]?.userId, '@alice:test');
    await remote.userSetPassword({ user: 'alice', password: 'q', keepDevices: false });
    assert.deepEqual(house.asked, [
      { user: 'alice', password: 'p', admin: true },
      { user: 'alice', password: 'q', keepDevices: false },
    ]);
    await assert.rejects(remote.userDeactivate({ user: 'nobody' }), /There is no such user/);
    assert.equal((await remote.status()).serverName, 'test');
  });

  it('streams rebuilds, exports and imports', async () => {
    const remote = new RemoteHouse(address, SECRET);
    const phases: string[] = [];
    for await (const { phase } of remote.rebuild('timeline')) phases.push(phase);
    assert.deepEqual(phases, ['building', 'switched']);
    await assert.rejects(async () => {
      for await (const _ of remote.rebuild('nothing'));
    }, /There is no such model/);
    const exported = await Array.fromAsync(remote.exportLog());
    assert.equal(Buffer.concat(exported).toString(), '{"a":1}\n{"b":2}\n');
    const source = async function* () {
      yield Buffer.from('{"a":1}\n');
      yield Buffer.from('{"b":2}\n');
    };
    assert.deepEqual(await remote.importLog(source()), { records: 2 });
    assert.equal(house.asked.at(-1), '{"a":1}\n{"b":2}\n');
  });

  it('that is not there makes a command UNAVAILABLE', async () => {
    await assert.rejects(forwarder.forward('http://127.0.0.1:1', send), (error) =>
      isMilenaError(error, 'UNAVAILABLE'),
    );
  });
});

import { describe, it } from 'node:test';
import { Client, freshTransaction, login, path, register } from '../support/client.ts';
import { check, expectError, expectOk, same } from '../support/expect.ts';
import { Http } from '../support/http.ts';
import { INTERNAL_SECRET, internalUrl } from '../support/server.ts';
import { twoNodes } from '../support/two-nodes.ts';

const PASSWORD = 'a long enough password';

describe('roles in processes of their own', () => {
  const nodes = twoNodes();

  /** The same device at the other node. */
  const across = (client: Client, http = nodes.two): Client => new Client(http, client);

  it('a token from one node is good at the other at once', async () => {
    for (let i = 0; i < 20; i++) {
      const user = await register(nodes.one, undefined, PASSWORD);
      const seen = expectOk(
        await across(user).ask('GET', path('account', 'whoami')),
        'login on one, use on the other',
      );
      same(seen['user_id'], user.userId, 'login on one, use on the other');
      const device = await login(nodes.two, user.userId, PASSWORD);
      expectOk(
        await across(device, nodes.one).ask('GET', path('account', 'whoami')),
        'and the other way round',
      );
    }
  });

  it('a token that was logged out at one node is refused at the other as soon as its tail has it', async () => {
    const rule = 'architecture, section 6: a revocation acts from the tail at once';
    for (let i = 0; i < 20; i++) {
      const user = await register(nodes.one);
      expectOk(await across(user).ask('GET', path('account', 'whoami')), 'known at the other node');
      await user.logout();
      const start = performance.now();
      for (;;) {
        const answer = await across(user).ask('GET', path('account', 'whoami'));
        if (answer.status === 401) {
          expectError(answer, 401, 'M_UNKNOWN_TOKEN', rule);
          break;
        }
        check(performance.now() - start < 500, `${rule}: within half a second`, answer.text);
      }
    }
  });

  it('what was sent at one node can be read at the other at once', async () => {
    const rule = 'architecture, section 6: reading your own writes';
    const user = await register(nodes.one);
    const other = across(user);
    for (let i = 0; i < 10; i++) {
      const roomId = await user.createRoom({ name: `room ${i}` });
      same((await other.state(roomId, 'm.room.name'))['name'], `room ${i}`, `${rule}: a room`);
      const eventId = await user.say(roomId, 'hello');
      const event = expectOk(
        await other.ask('GET', path('rooms', roomId, 'event', eventId)),
        `${rule}: an event`,
      );
      same(event['event_id'], eventId, rule);
      const sync = await user.sync();
      expectOk(
        await other.ask('GET', `${path('sync')}?since=${encodeURIComponent(sync.next_batch)}`),
        `${rule}: a token`,
      );
    }
  });

  it('the same transaction at both nodes at once is one event', async () => {
    const user = await register(nodes.one);
    const roomId = await user.createRoom();
    for (let i = 0; i < 10; i++) {
      const txnId = freshTransaction();
      const ids = await Promise.all([user.say(roomId, 'x', txnId), across(user).say(roomId, 'x', txnId)]);
      same(ids[0], ids[1], 'CS API, Transaction identifiers');
    }
  });

  it('a send at one node wakes a sync that sleeps at the other', async () => {
    const [sender, sleeper] = [await register(nodes.one), await register(nodes.two)];
    const roomId = await sender.createRoom({ preset: 'public_chat' });
    await sleeper.join(roomId);
    let { next_batch } = await sleeper.sync();
    const times: number[] = [];
    for (let i = 0; i < 20; i++) {
      const waiting = sleeper.sync({ since: next_batch, timeout: 20_000 });
      await new Promise((resolve) => setTimeout(resolve, 20));
      const start = performance.now();
      const eventId = await sender.say(roomId, String(i));
      const answer = await waiting;
      times.push(performance.now() - start);
      const seen = answer.rooms?.join?.[roomId]?.timeline?.events.map((event) => event.event_id);
      same(seen, [eventId], 'CS API, GET /sync: returns when events come');
      next_batch = answer.next_batch;
    }
    const middle = times.sort((a, b) => a - b)[10] ?? 0;
    check(middle < 500, 'waking of sleepers without polling', `${middle} ms in the middle`);
  });

  it('typing at one node is seen at the other', async () => {
    const [typist, watcher] = [await register(nodes.one), await register(nodes.two)];
    const roomId = await typist.createRoom({ preset: 'public_chat' });
    await watcher.join(roomId);
    const { next_batch } = await watcher.sync();
    await typist.get200('PUT', path('rooms', roomId, 'typing', typist.userId), {
      json: { typing: true, timeout: 9000 },
    });
    await watcher.syncUntil(
      next_batch,
      (sync) =>
        sync.rooms?.join?.[roomId]?.ephemeral?.events.some((event) => event.type === 'm.typing') === true,
    );
  });

  it('a node that owns nothing answers a command with 421', async () => {
    const api = new Http(internalUrl(nodes.apart.env('api')));
    const answer = await api.ask('POST', '/_milena/internal/v1/command', {
      headers: { authorization: `Bearer ${INTERNAL_SECRET}` },
      json: {
        kind: 'list_room',
        id: '0'.repeat(32),
        at: 0,
        room_id: `!${'a'.repeat(43)}`,
        visibility: 'public',
        actor: 'x',
      },
    });
    same(
      answer.status,
      421,
      `architecture, section 4: 421 says that this node is no owner; got ${answer.text}`,
    );
    const stranger = await api.ask('POST', '/_milena/internal/v1/command', { json: {} });
    check(stranger.status === 401, 'without the secret nobody is heard', stranger.status);
    api.close();
  });

  it('milena status names the owner of every slot, from any node', async () => {
    for (const role of ['api', 'owner']) {
      const { code, stdout, stderr } = await nodes.apart.milena(role, ['status', '--json']);
      check(code === 0, `milena status from the node with ${role}`, stderr || stdout);
      const status: { slots: readonly { owner?: string }[] } = JSON.parse(stdout);
      check(
        status.slots.length > 0 && status.slots.every((slot) => slot.owner !== undefined),
        'every slot',
        status,
      );
    }
  });
});

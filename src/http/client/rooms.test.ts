import assert from 'node:assert/strict';
import { after, describe, it } from 'node:test';
import { createRoom, failures, register, sendText, testHouse } from '../house.fixture.ts';

after(() => assert.deepEqual(failures, []));

async function tea() {
  const house = await testHouse();
  const alice = await register(house, 'alice');
  const bob = await register(house, 'bob');
  const eve = await register(house, 'eve');
  const room = await createRoom(alice, { preset: 'public_chat', name: 'Tea' });
  await bob.ask('POST', `/join/${room}`, {});
  return { house, alice, bob, eve, room };
}

describe('sending', () => {
  it('the same transaction gives the same event, under either name of the endpoint', async () => {
    const { house, alice, room } = await tea();
    const send = (version: string, body: object) =>
      house.ask('PUT', `/_matrix/client/${version}/rooms/${room}/send/m.room.message/t1`, {
        token: alice.token,
        body,
      });
    const first = await send('v3', { body: 'one' });
    const before = house.log.records.length;
    assert.deepEqual((await send('r0', { body: 'one' })).json, first.json);
    assert.equal(house.log.records.length, before);
  });

  it('gives the transaction ID back to the device that sent, and to no other', async () => {
    const { alice, bob, room } = await tea();
    const event = await sendText(alice, room, 'hello');
    const seen = async (user: typeof alice) =>
      (await user.ask('GET', `/rooms/${room}/event/${event}`)).json.unsigned.transaction_id;
    assert.match(await seen(alice), /^txn-/);
    assert.equal(await seen(bob), undefined);
  });

  it('passes the content on byte for byte where it is small, and refuses an event that is too large', async () => {
    const { alice, room } = await tea();
    const { status, json } = await alice.ask('PUT', `/rooms/${room}/send/m.room.message/big`, {
      body: 'x'.repeat(65_000),
      more: 'y'.repeat(1_000),
    });
    assert.deepEqual([status, json.errcode], [413, 'M_TOO_LARGE']);
  });

  it('into a room one is not in is forbidden', async () => {
    const { eve, room } = await tea();
    await assert.rejects(sendText(eve, room, 'hello'), /403.*M_FORBIDDEN/);
  });
});

describe('redaction', () => {
  it('takes the content away and says why', async () => {
    const { alice, bob, room } = await tea();
    const event = await sendText(bob, room, 'rude');
    const redact = `/rooms/${room}/redact/${event}/t1`;
    const { json } = await alice.ask('PUT', redact, { reason: 'rude' });
    const seen = (await bob.ask('GET', `/rooms/${room}/event/${event}`)).json;
    assert.deepEqual(seen.content, {});
    assert.equal(seen.unsigned.redacted_because.event_id, json.event_id);
    const redaction = (await bob.ask('GET', `/rooms/${room}/event/${json.event_id}`)).json;
    assert.deepEqual([redaction.redacts, redaction.content.reason], [event, 'rude']);
  });

  it('of what does not exist is not found, and of others’ events needs the power', async () => {
    const { alice, bob, room } = await tea();
    const event = await sendText(alice, room, 'mine');
    assert.equal((await bob.ask('PUT', `/rooms/${room}/redact/${event}/t1`, {})).json.errcode, 'M_FORBIDDEN');
    assert.equal((await bob.ask('PUT', `/rooms/${room}/redact/$nothing/t2`, {})).json.errcode, 'M_NOT_FOUND');
  });
});

describe('state', () => {
  it('is set and read, with an empty state key in any form of the path', async () => {
    const { alice, bob, room } = await tea();
    for (const [index, path] of ['m.room.topic', 'm.room.topic/'].entries()) {
      const { status, json } = await alice.ask('PUT', `/rooms/${room}/state/${path}`, { topic: `t${index}` });
      assert.equal(status, 200);
      assert.deepEqual((await bob.ask('GET', `/rooms/${room}/state/${path}`)).json, { topic: `t${index}` });
      const event = await bob.ask('GET', `/rooms/${room}/state/m.room.topic?format=event`);
      assert.equal(event.json.event_id, json.event_id);
    }
    await alice.ask('PUT', `/rooms/${room}/state/org.example.thing/key`, { a: 1 });
    assert.deepEqual((await bob.ask('GET', `/rooms/${room}/state/org.example.thing/key`)).json, { a: 1 });
    assert.equal(
      (await bob.ask('GET', `/rooms/${room}/state/org.example.thing`)).json.errcode,
      'M_NOT_FOUND',
    );
    const all = await bob.ask('GET', `/rooms/${room}/state`);
    assert.ok(all.json.some((event: { type: string }) => event.type === 'org.example.thing'));
  });

  it('is not shown to strangers, and to former members only as it was', async () => {
    const { alice, bob, eve, room } = await tea();
    assert.equal((await eve.ask('GET', `/rooms/${room}/state`)).json.errcode, 'M_FORBIDDEN');
    assert.equal((await eve.ask('GET', `/rooms/!none:test.example/state`)).json.errcode, 'M_FORBIDDEN');
    await bob.ask('POST', `/rooms/${room}/leave`, {});
    await alice.ask('PUT', `/rooms/${room}/state/m.room.name`, { name: 'Coffee' });
    assert.deepEqual((await bob.ask('GET', `/rooms/${room}/state/m.room.name`)).json, { name: 'Tea' });
  });

  it('is not shown to who was only invited and said no', async () => {
    const { alice, eve, room } = await tea();
    await alice.ask('POST', `/rooms/${room}/invite`, { user_id: eve.id });
    await eve.ask('POST', `/rooms/${room}/leave`, {});
    assert.equal((await eve.ask('GET', `/rooms/${room}/state`)).json.errcode, 'M_FORBIDDEN');
  });

  it('refuses canonical aliases that are none, or point elsewhere', async () => {
    const { alice, room } = await tea();
    const set = (content: object) => alice.ask('PUT', `/rooms/${room}/state/m.room.canonical_alias`, content);
    assert.equal((await set({ alias: 'tea' })).json.errcode, 'M_INVALID_PARAM');
    assert.equal((await set({ alias: '#tea:test.example' })).json.errcode, 'M_BAD_ALIAS');
    assert.equal((await set({ alt_aliases: ['#tea:test.example'] })).json.errcode, 'M_BAD_ALIAS');
    await alice.ask('PUT', '/directory/room/%23tea:test.example', { room_id: room });
    assert.equal((await set({ alias: '#tea:test.example' })).status, 200);
    await alice.ask('DELETE', '/directory/room/%23tea:test.example');
    // What was there before may stay, though it points nowhere now.
    assert.equal((await set({ alias: '#tea:test.example', more: 1 })).status, 200);
    assert.equal((await set({})).status, 200);
  });
});

describe('messages', () => {
  it('are paged back to the first and forth to the last, each once', async () => {
    const { alice, bob, room } = await tea();
    const sent: string[] = [];
    for (let i = 0; i < 7; i += 1) sent.push(await sendText(alice, room, `text ${i}`));
    for (const dir of ['b', 'f'] as const) {
      const seen: string[] = [];
      let from = '';
      for (let pages = 0; pages < 20; pages += 1) {
        const filter = encodeURIComponent('{"types":["m.room.message"]}');
        const { json } = await bob.ask(
          'GET',
          `/rooms/${room}/messages?dir=${dir}&limit=3&filter=${filter}${from}`,
        );
        seen.push(...json.chunk.map((event: { event_id: string }) => event.event_id));
        if (json.end === undefined) break;
        from = `&from=${json.end}`;
      }
      assert.deepEqual(dir === 'b' ? seen.reverse() : seen, sent);
    }
  });

  it('come with the members who sent them when these are loaded lazily', async () => {
    const { alice, bob, room } = await tea();
    await sendText(bob, room, 'hello');
    const filter = encodeURIComponent('{"lazy_load_members":true}');
    const { json } = await alice.ask('GET', `/rooms/${room}/messages?dir=b&limit=1&filter=${filter}`);
    assert.deepEqual(
      json.state.map((event: { state_key: string }) => event.state_key),
      [bob.id],
    );
  });

  it('are refused to strangers, and with parameters that are none', async () => {
    const { alice, eve, room } = await tea();
    const errcode = async (user: typeof alice, query: string) =>
      (await user.ask('GET', `/rooms/${room}/messages${query}`)).json.errcode;
    assert.equal(await errcode(eve, '?dir=b'), 'M_FORBIDDEN');
    assert.equal(await errcode(alice, ''), 'M_MISSING_PARAM');
    assert.equal(await errcode(alice, '?dir=x'), 'M_INVALID_PARAM');
    assert.equal(await errcode(alice, '?dir=b&limit=x'), 'M_INVALID_PARAM');
    assert.equal(await errcode(alice, '?dir=b&limit=-1'), 'M_INVALID_PARAM');
    assert.equal(await errcode(alice, '?dir=b&from=nonsense'), 'M_INVALID_PARAM');
    assert.equal(await errcode(alice, '?dir=b&filter=nonsense'), 'M_INVALID_PARAM');
    assert.equal(
      await errcode(alice, `?dir=b&filter=${encodeURIComponent('{"types":7}')}`),
      'M_INVALID_PARAM',
    );
  });

  it('around an event are shown with the tokens to go on from', async () => {
    const { alice, room } = await tea();
    const sent: string[] = [];
    for (let i = 0; i < 5; i += 1) sent.push(await sendText(alice, room, `text ${i}`));
    const { json } = await alice.ask('GET', `/rooms/${room}/context/${sent[2]}?limit=2`);
    assert.equal(json.event.event_id, sent[2]);
    assert.deepEqual([json.events_before[0].event_id, json.events_after[0].event_id], [sent[1], sent[3]]);
    const before = await alice.ask('GET', `/rooms/${room}/messages?dir=b&limit=1&from=${json.start}`);
    const after = await alice.ask('GET', `/rooms/${room}/messages?dir=f&limit=1&from=${json.end}`);
    assert.deepEqual([before.json.chunk[0].event_id, after.json.chunk[0].event_id], [sent[0], sent[4]]);
  });
});

describe('membership', () => {
  it('an invited user joins, leaves, and is no longer among the members', async () => {
    const { alice, eve, room } = await tea();
    assert.equal(
      (await alice.ask('POST', `/rooms/${room}/invite`, { user_id: eve.id, reason: 'tea' })).status,
      200,
    );
    assert.deepEqual((await eve.ask('POST', `/rooms/${room}/join`, {})).json, { room_id: room });
    assert.deepEqual((await eve.ask('GET', '/joined_rooms')).json, { joined_rooms: [room] });
    assert.ok(eve.id in (await alice.ask('GET', `/rooms/${room}/joined_members`)).json.joined);
    assert.equal((await eve.ask('POST', `/rooms/${room}/leave`)).status, 200);
    assert.deepEqual((await eve.ask('GET', '/joined_rooms')).json, { joined_rooms: [] });
    const members = async (query: string) => {
      const { json } = await alice.ask('GET', `/rooms/${room}/members${query}`);
      return json.chunk.map((event: { state_key: string }) => event.state_key).includes(eve.id);
    };
    assert.deepEqual(
      [await members(''), await members('?membership=join'), await members('?not_membership=leave')],
      [true, false, false],
    );
  });

  it('members are shown as they were at a token', async () => {
    const { alice, eve, room } = await tea();
    const { json } = await alice.ask('GET', `/rooms/${room}/messages?dir=b&limit=1`);
    await eve.ask('POST', `/join/${room}`);
    const then = await alice.ask('GET', `/rooms/${room}/members?at=${json.start}`);
    const now = await alice.ask('GET', `/rooms/${room}/members`);
    assert.equal(then.json.chunk.length, 2);
    assert.equal(now.json.chunk.length, 3);
  });

  it('kicks, bans and unbans, and says M_FORBIDDEN where there is nobody to kick or unban', async () => {
    const { alice, bob, eve, room } = await tea();
    const does = async (user: typeof alice, verb: string, target: typeof alice) => {
      const { status, json } = await user.ask('POST', `/rooms/${room}/${verb}`, {
        user_id: target.id,
        reason: 'r',
      });
      return status === 200 ? 200 : `${status} ${json.errcode}`;
    };
    assert.equal(await does(alice, 'kick', eve), '403 M_FORBIDDEN');
    assert.equal(await does(alice, 'unban', eve), '403 M_FORBIDDEN');
    assert.equal(await does(bob, 'ban', eve), '403 M_FORBIDDEN');
    assert.equal(await does(alice, 'kick', bob), 200);
    assert.equal(await does(alice, 'ban', bob), 200);
    assert.equal((await bob.ask('POST', `/join/${room}`)).json.errcode, 'M_FORBIDDEN');
    assert.equal(await does(alice, 'unban', bob), 200);
    assert.equal((await bob.ask('POST', `/join/${room}`)).status, 200);
  });

  it('refuses invitations that would never arrive', async () => {
    const { alice, room } = await tea();
    const invite = async (body: object) =>
      (await alice.ask('POST', `/rooms/${room}/invite`, body)).json.errcode;
    assert.equal(await invite({ user_id: '@bob:elsewhere.example' }), 'M_FORBIDDEN');
    assert.equal(await invite({ medium: 'email', address: 'a@b', id_server: 'c' }), 'M_FORBIDDEN');
    assert.equal(await invite({}), 'M_MISSING_PARAM');
  });

  it('joins by alias; what is neither alias nor ID, or is not there, is told apart', async () => {
    const { alice, eve, room } = await tea();
    await alice.ask('PUT', '/directory/room/%23tea:test.example', { room_id: room });
    assert.deepEqual((await eve.ask('POST', '/join/%23tea:test.example?via=a&via=b')).json, {
      room_id: room,
    });
    assert.equal((await eve.ask('POST', '/join/%23no:test.example')).json.errcode, 'M_NOT_FOUND');
    assert.equal((await eve.ask('POST', '/join/tea')).json.errcode, 'M_INVALID_PARAM');
  });
});

describe('aliases and the directory', () => {
  it('an alias is set once, listed, and removed by who made it', async () => {
    const { house, alice, bob, eve, room } = await tea();
    const path = '/directory/room/%23tea:test.example';
    assert.equal((await eve.ask('PUT', path, { room_id: room })).json.errcode, 'M_FORBIDDEN');
    assert.equal((await bob.ask('PUT', path, { room_id: room })).status, 200);
    assert.equal((await alice.ask('PUT', path, { room_id: room })).status, 409);
    assert.deepEqual((await bob.ask('GET', `/rooms/${room}/aliases`)).json, {
      aliases: ['#tea:test.example'],
    });
    assert.equal((await eve.ask('DELETE', path)).json.errcode, 'M_FORBIDDEN');
    assert.equal((await bob.ask('DELETE', path)).status, 200);
    assert.equal((await house.ask('GET', house.client(path))).json.errcode, 'M_NOT_FOUND');
    const elsewhere = await alice.ask('PUT', '/directory/room/%23tea:elsewhere.example', { room_id: room });
    assert.equal(elsewhere.json.errcode, 'M_INVALID_PARAM');
  });

  it('an alias may be removed by who may change the canonical alias', async () => {
    const { alice, bob, room } = await tea();
    await bob.ask('PUT', '/directory/room/%23tea:test.example', { room_id: room });
    assert.equal((await alice.ask('DELETE', '/directory/room/%23tea:test.example')).status, 200);
  });

  it('a room is listed and hidden by who has the power, and pages go on where they ended', async () => {
    const { house, alice, bob, room } = await tea();
    const path = `/directory/list/room/${room}`;
    assert.equal((await bob.ask('PUT', path, { visibility: 'public' })).json.errcode, 'M_FORBIDDEN');
    assert.equal((await alice.ask('PUT', path, { visibility: 'public' })).status, 200);
    assert.deepEqual((await house.ask('GET', house.client(path))).json, { visibility: 'public' });
    const other = await createRoom(alice, { visibility: 'public' });
    const first = (await house.ask('GET', house.client('/publicRooms?limit=1'))).json;
    assert.deepEqual([first.chunk.length, first.total_room_count_estimate], [1, 2]);
    const second = (await bob.ask('POST', '/publicRooms', { limit: 1, since: first.next_batch })).json;
    const ids = [...first.chunk, ...second.chunk].map(({ room_id }: { room_id: string }) => room_id);
    assert.deepEqual(ids.sort(), [room, other].sort());
    assert.equal(second.next_batch, undefined);
    await alice.ask('PUT', path, { visibility: 'private' });
    assert.equal((await bob.ask('POST', '/publicRooms', {})).json.chunk.length, 1);
    assert.equal((await bob.ask('POST', '/publicRooms?server=elsewhere.example', {})).status, 404);
  });
});

import assert from 'node:assert/strict';
import { after, describe, it } from 'node:test';
import { pduOfRecord } from '../../rooms/pdu-of-record.ts';
import { createRoom, failures, register, type TestHouse, testHouse } from '../house.fixture.ts';
import { factsOf } from '../memory-accounts.fixture.ts';

after(() => assert.deepEqual(failures, []));

/** The room's events in their order, as `type/state key`. */
function order(house: TestHouse, room: string): readonly string[] {
  return pdus(house, room).map(({ type, state_key }) => `${type}/${state_key}`);
}

function pdus(house: TestHouse, room: string) {
  return factsOf(house.log, 'room_event')
    .filter(({ key }) => key === room)
    .map(({ value }) => pduOfRecord(value));
}

function contentOf(house: TestHouse, room: string, type: string, stateKey = '') {
  return pdus(house, room).findLast((pdu) => pdu.type === type && pdu.state_key === stateKey)?.content;
}

describe('createRoom', () => {
  it('makes the events in the order of the spec', async () => {
    const house = await testHouse();
    const alice = await register(house, 'alice');
    const bob = await register(house, 'bob');
    const room = await createRoom(alice, {
      room_alias_name: 'tea',
      preset: 'public_chat',
      initial_state: [{ type: 'm.room.encryption', content: { algorithm: 'm.megolm.v1.aes-sha2' } }],
      name: 'Tea',
      topic: 'Leaves',
      invite: [bob.id],
    });
    assert.deepEqual(order(house, room), [
      'm.room.create/',
      `m.room.member/${alice.id}`,
      'm.room.power_levels/',
      'm.room.canonical_alias/',
      'm.room.join_rules/',
      'm.room.history_visibility/',
      'm.room.guest_access/',
      'm.room.encryption/',
      'm.room.name/',
      'm.room.topic/',
      `m.room.member/${bob.id}`,
    ]);
    assert.deepEqual(contentOf(house, room, 'm.room.canonical_alias'), { alias: '#tea:test.example' });
    const { json } = await house.ask('GET', house.client('/directory/room/%23tea:test.example'));
    assert.deepEqual(json, { room_id: room, servers: ['test.example'] });
  });

  it('takes each preset’s rules, and from the visibility where none is named', async () => {
    const house = await testHouse();
    const alice = await register(house, 'alice');
    for (const [options, join, guests] of [
      [{}, 'invite', 'can_join'],
      [{ visibility: 'public' }, 'public', 'forbidden'],
      [{ visibility: 'public', preset: 'private_chat' }, 'invite', 'can_join'],
      [{ preset: 'trusted_private_chat' }, 'invite', 'can_join'],
    ] as const) {
      const room = await createRoom(alice, options);
      assert.deepEqual(contentOf(house, room, 'm.room.join_rules'), { join_rule: join });
      assert.deepEqual(contentOf(house, room, 'm.room.guest_access'), { guest_access: guests });
      assert.deepEqual(contentOf(house, room, 'm.room.history_visibility'), { history_visibility: 'shared' });
    }
  });

  it('lets initial_state take the place of the preset’s events', async () => {
    const house = await testHouse();
    const alice = await register(house, 'alice');
    const content = { history_visibility: 'world_readable' };
    const room = await createRoom(alice, { initial_state: [{ type: 'm.room.history_visibility', content }] });
    assert.deepEqual(contentOf(house, room, 'm.room.history_visibility'), content);
    assert.equal(order(house, room).filter((name) => name === 'm.room.history_visibility/').length, 1);
  });

  it('in version 12 lists no creator in the power levels and gives tombstones 150', async () => {
    const house = await testHouse();
    const alice = await register(house, 'alice');
    const bob = await register(house, 'bob');
    const room = await createRoom(alice, {
      preset: 'trusted_private_chat',
      invite: [bob.id],
      creation_content: { additional_creators: ['@carol:test.example', bob.id], 'm.federate': false },
      is_direct: true,
    });
    assert.match(room, /^![A-Za-z0-9_-]{43}$/);
    assert.deepEqual(contentOf(house, room, 'm.room.create'), {
      'm.federate': false,
      room_version: '12',
      additional_creators: ['@carol:test.example', bob.id],
    });
    const levels = contentOf(house, room, 'm.room.power_levels');
    assert.deepEqual(levels?.['users'], {});
    assert.equal(Object(levels?.['events'])['m.room.tombstone'], 150);
    assert.deepEqual(contentOf(house, room, 'm.room.member', bob.id), {
      membership: 'invite',
      is_direct: true,
    });
  });

  it('in version 11 gives the creator, and who is trusted, level 100', async () => {
    const house = await testHouse();
    const alice = await register(house, 'alice');
    const bob = await register(house, 'bob');
    const options = { room_version: '11', preset: 'trusted_private_chat', invite: [bob.id] };
    const room = await createRoom(alice, options);
    assert.match(room, /^!.+:test\.example$/);
    const levels = contentOf(house, room, 'm.room.power_levels');
    assert.deepEqual(levels?.['users'], { [alice.id]: 100, [bob.id]: 100 });
    assert.deepEqual(contentOf(house, room, 'm.room.create'), { room_version: '11' });
  });

  it('puts the override over the power levels key by key', async () => {
    const house = await testHouse();
    const alice = await register(house, 'alice');
    const override = { events_default: 10, users: { '@bob:test.example': 50 } };
    const room = await createRoom(alice, { power_level_content_override: override });
    const levels = contentOf(house, room, 'm.room.power_levels');
    assert.equal(levels?.['events_default'], 10);
    assert.deepEqual(levels?.['users'], override.users);
    assert.equal(levels?.['ban'], 50);
  });

  it('makes two rooms of two equal requests in the same millisecond', async () => {
    const house = await testHouse({}, { now: () => 1_000 });
    const alice = await register(house, 'alice');
    const rooms = await Promise.all([createRoom(alice), createRoom(alice), createRoom(alice)]);
    assert.equal(new Set(rooms).size, 3);
  });

  it('puts the profiles of those whom it names into the membership events', async () => {
    const house = await testHouse();
    const alice = await register(house, 'alice');
    const bob = await register(house, 'bob');
    await alice.ask('PUT', `/profile/${alice.id}/displayname`, { displayname: 'Alice' });
    await bob.ask('PUT', `/profile/${bob.id}/avatar_url`, { avatar_url: 'mxc://test.example/b' });
    const room = await createRoom(alice, { invite: [bob.id] });
    assert.deepEqual(contentOf(house, room, 'm.room.member', alice.id), {
      membership: 'join',
      displayname: 'Alice',
    });
    assert.deepEqual(contentOf(house, room, 'm.room.member', bob.id), {
      membership: 'invite',
      avatar_url: 'mxc://test.example/b',
    });
  });

  it('refuses as a whole what cannot be', async () => {
    const house = await testHouse();
    const alice = await register(house, 'alice');
    await createRoom(alice, { room_alias_name: 'taken' });
    const before = house.log.records.length;
    const refused = async (options: object) => {
      const { status, json } = await alice.ask('POST', '/createRoom', options);
      return `${status} ${json.errcode}`;
    };
    for (const [options, expected] of [
      [{ room_version: '99' }, '400 M_UNSUPPORTED_ROOM_VERSION'],
      [{ room_alias_name: 'taken' }, '400 M_ROOM_IN_USE'],
      [{ room_alias_name: 'a:b' }, '400 M_INVALID_PARAM'],
      [{ invite: ['nobody'] }, '400 M_BAD_JSON'],
      [{ invite: [alice.id] }, '400 M_INVALID_PARAM'],
      [{ invite: ['@bob:elsewhere.example'] }, '403 M_FORBIDDEN'],
      [{ invite_3pid: [{ medium: 'email', address: 'a@b', id_server: 'c' }] }, '403 M_FORBIDDEN'],
      [{ preset: 'unknown' }, '400 M_BAD_JSON'],
      [{ visibility: 'secret' }, '400 M_BAD_JSON'],
      [{ creation_content: { additional_creators: 'bob' } }, '400 M_INVALID_PARAM'],
      [{ power_level_content_override: { users: { [alice.id]: 100 } } }, '400 M_INVALID_ROOM_STATE'],
      [{ initial_state: [{ type: 'm.room.create', content: {} }] }, '400 M_INVALID_ROOM_STATE'],
      [{ initial_state: [{ type: 'm.room.name' }] }, '400 M_BAD_JSON'],
      [{ name: 7 }, '400 M_BAD_JSON'],
    ] as const) {
      assert.equal(await refused(options), expected, JSON.stringify(options));
    }
    assert.equal(house.log.records.length, before);
  });
});

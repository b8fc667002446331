import { describe, it } from 'node:test';
import { type Client, type ClientEvent, freshName, isObject, path } from '../../support/client.ts';
import { check, expectError, expectOk, same } from '../../support/expect.ts';
import { sharedServer } from '../../support/shared-server.ts';

const shared = sharedServer();
const section = 'CS API, POST /createRoom';

/** The events of a new room as its creator pages through them, oldest first. */
async function events(user: Client, roomId: string): Promise<readonly ClientEvent[]> {
  return user.history(roomId);
}

function find(all: readonly ClientEvent[], type: string, stateKey = ''): ClientEvent | undefined {
  return all.findLast((event) => event.type === type && event.state_key === stateKey);
}

describe('presets of createRoom', () => {
  const table = [
    ['private_chat', 'invite', 'shared', 'can_join'],
    ['trusted_private_chat', 'invite', 'shared', 'can_join'],
    ['public_chat', 'public', 'shared', 'forbidden'],
  ] as const;

  for (const [preset, joinRule, visibility, guests] of table)
    it(`${preset} sets join rule ${joinRule}, history ${visibility}, guests ${guests}`, async () => {
      const user = await shared.user();
      const roomId = await user.createRoom({ preset });
      const rule = `${section}, presets, ${preset}`;
      same((await user.state(roomId, 'm.room.join_rules'))['join_rule'], joinRule, rule);
      same((await user.state(roomId, 'm.room.history_visibility'))['history_visibility'], visibility, rule);
      const access = await user.ask('GET', path('rooms', roomId, 'state', 'm.room.guest_access', ''));
      // "forbidden" is what holds where the event is missing (CS API, m.room.guest_access).
      if (guests === 'can_join') same(expectOk(access, rule)['guest_access'], guests, rule);
      else if (access.status === 200) same(expectOk(access, rule)['guest_access'], guests, rule);
    });

  it('takes the preset from the visibility where none is given', async () => {
    const user = await shared.user();
    const open = await user.createRoom({ visibility: 'public' });
    same(
      (await user.state(open, 'm.room.join_rules'))['join_rule'],
      'public',
      `${section}, preset: from visibility`,
    );
    const closed = await user.createRoom({});
    same(
      (await user.state(closed, 'm.room.join_rules'))['join_rule'],
      'invite',
      `${section}, preset: from visibility`,
    );
  });

  it('makes those invited to a trusted_private_chat creators too', async () => {
    const [user, friend] = [await shared.user(), await shared.user()];
    const roomId = await user.createRoom({ preset: 'trusted_private_chat', invite: [friend.userId] });
    const create = await user.state(roomId, 'm.room.create');
    same(
      create['additional_creators'],
      [friend.userId],
      `${section}, trusted_private_chat: SHOULD be appended`,
    );
  });

  it('refuses a preset that does not exist', async () => {
    const user = await shared.user();
    const answer = await user.ask('POST', path('createRoom'), { json: { preset: 'party' } });
    expectError(answer, 400, ['M_BAD_JSON', 'M_INVALID_PARAM', 'M_UNKNOWN'], `${section}, 400`);
  });
});

describe('a room of version 12', () => {
  it('has an ID that is its create event’s hash, without a server part', async () => {
    const user = await shared.user();
    const roomId = await user.createRoom({});
    const rule = 'Room version 12, Room IDs as hashes of the create event';
    check(/^![A-Za-z0-9_-]{43}$/.test(roomId), rule, roomId);
    const create = find(await events(user, roomId), 'm.room.create');
    same(create?.event_id, `$${roomId.slice(1)}`, rule);
    same(create?.content['room_version'], '12', rule);
    check(!('creator' in (create?.content ?? {})), 'Room version 11: no creator in the create event', create);
  });

  it('lets tombstones need more than state_default whatever is put over the levels', async () => {
    const rule = `${section}, step 3: m.room.tombstone MUST explicitly be higher than state_default`;
    const user = await shared.user();
    for (const override of [
      { events: { 'm.room.name': 0 } },
      { events: {} },
      { state_default: 150 },
      { state_default: 9_000, events: { 'm.room.topic': 7 } },
      { state_default: -1 },
    ]) {
      const roomId = await user.createRoom({ room_version: '12', power_level_content_override: override });
      const levels = await user.state(roomId, 'm.room.power_levels');
      const tombstone = Object(levels['events'])['m.room.tombstone'];
      check(
        Number.isInteger(tombstone) && tombstone > Number(levels['state_default'] ?? 50),
        `${rule}: ${JSON.stringify(override)}`,
        levels,
      );
      if (override.events === undefined) continue;
      same(
        levels['events'],
        { ...override.events, 'm.room.tombstone': tombstone },
        `${section}: the override's`,
      );
    }
  });

  it('leaves what the override says about tombstones, and older rooms, as they are asked for', async () => {
    const user = await shared.user();
    const levelsOf = async (room_version: string, events: object) => {
      const asked = { room_version, power_level_content_override: { events } };
      return (await user.state(await user.createRoom(asked), 'm.room.power_levels'))['events'];
    };
    same(await levelsOf('12', { 'm.room.tombstone': 170 }), { 'm.room.tombstone': 170 }, section);
    same(await levelsOf('11', { 'm.room.name': 1 }), { 'm.room.name': 1 }, section);
  });

  it('does not list its creator in the power levels, and tombstones need more than state_default', async () => {
    const user = await shared.user();
    const roomId = await user.createRoom({});
    const levels = await user.state(roomId, 'm.room.power_levels');
    const users = levels['users'] ?? {};
    check(isObject(users) && !(user.userId in users), `${section}, step 3: not in users`, levels);
    const eventLevels = levels['events'];
    check(isObject(eventLevels), `${section}, step 3: events`, levels);
    check(
      Number(eventLevels['m.room.tombstone']) > Number(levels['state_default'] ?? 50),
      `${section}, step 3: m.room.tombstone MUST be explicitly higher than state_default`,
      levels,
    );
  });

  it('refuses power levels that name a creator', async () => {
    const user = await shared.user();
    const roomId = await user.createRoom({});
    const levels = await user.state(roomId, 'm.room.power_levels');
    const answer = await user.ask('PUT', path('rooms', roomId, 'state', 'm.room.power_levels', ''), {
      json: { ...levels, users: { [user.userId]: 100 } },
    });
    expectError(
      answer,
      [400, 403],
      ['M_FORBIDDEN', 'M_BAD_JSON', 'M_INVALID_PARAM'],
      'Room version 12, auth rule 10.4',
    );
  });
});

describe('what createRoom puts into a room', () => {
  it('keeps the order of the spec', async () => {
    const [user, guest] = [await shared.user(), await shared.user()];
    const roomId = await user.createRoom({
      preset: 'private_chat',
      room_alias_name: freshName('order'),
      initial_state: [{ type: 'org.example.first', state_key: 'k', content: { a: 1 } }],
      name: 'A name',
      topic: 'A topic',
      invite: [guest.userId],
    });
    const types = (await events(user, roomId)).map((event) => event.type);
    const expected = [
      'm.room.create',
      'm.room.member',
      'm.room.power_levels',
      'm.room.canonical_alias',
      'm.room.join_rules',
      'org.example.first',
      'm.room.name',
      'm.room.topic',
    ];
    const at = expected.map((type) => types.indexOf(type));
    check(
      at.every((place) => place >= 0),
      `${section}: every step's events are there`,
      types,
    );
    same(
      [...at].sort((a, b) => a - b),
      at,
      `${section}: MUST apply the events in this order: ${expected}`,
    );
    same(
      types.lastIndexOf('m.room.member'),
      types.length - 1,
      `${section}, step 8: invites are last: ${types}`,
    );
  });

  it('sets name, topic, alias and invitations', async () => {
    const [user, guest] = [await shared.user(), await shared.user()];
    const name = freshName('alias');
    const alias = `#${name}:${shared.serverName}`;
    const roomId = await user.createRoom({
      room_alias_name: name,
      name: 'N',
      topic: 'T',
      invite: [guest.userId],
    });
    same((await user.state(roomId, 'm.room.name'))['name'], 'N', section);
    same((await user.state(roomId, 'm.room.topic'))['topic'], 'T', section);
    same((await user.state(roomId, 'm.room.canonical_alias'))['alias'], alias, `${section}, room_alias_name`);
    same(
      (await user.state(roomId, 'm.room.member', guest.userId))['membership'],
      'invite',
      `${section}, invite`,
    );
    const found = expectOk(await user.ask('GET', path('directory', 'room', alias)), section);
    same(found['room_id'], roomId, `${section}: the alias is mapped to the new room`);
  });

  it('marks invitations to a direct chat', async () => {
    const [user, guest] = [await shared.user(), await shared.user()];
    const roomId = await user.createRoom({ is_direct: true, invite: [guest.userId] });
    const member = await user.state(roomId, 'm.room.member', guest.userId);
    same(member['is_direct'], true, `${section}, is_direct`);
  });

  it('lets initial_state win over the preset and lose to name and topic', async () => {
    const user = await shared.user();
    const roomId = await user.createRoom({
      preset: 'public_chat',
      name: 'from name',
      initial_state: [
        { type: 'm.room.join_rules', state_key: '', content: { join_rule: 'invite' } },
        { type: 'm.room.name', content: { name: 'from initial_state' } },
      ],
    });
    same((await user.state(roomId, 'm.room.join_rules'))['join_rule'], 'invite', `${section}, initial_state`);
    same((await user.state(roomId, 'm.room.name'))['name'], 'from name', `${section}, name`);
  });

  it('puts creation_content into the create event but not over room_version', async () => {
    const user = await shared.user();
    const roomId = await user.createRoom({
      creation_content: { 'm.federate': false, type: 'm.space', room_version: '1', creator: '@x:y' },
    });
    const create = await user.state(roomId, 'm.room.create');
    same(create['m.federate'], false, `${section}, creation_content`);
    same(create['type'], 'm.space', `${section}, creation_content`);
    same(create['room_version'], '12', `${section}, creation_content: the server overwrites room_version`);
  });

  it('applies power_level_content_override', async () => {
    const [user, friend] = [await shared.user(), await shared.user()];
    const roomId = await user.createRoom({
      power_level_content_override: { users: { [friend.userId]: 50 }, events_default: 10 },
    });
    const levels = await user.state(roomId, 'm.room.power_levels');
    same(levels['events_default'], 10, `${section}, power_level_content_override`);
    check(isObject(levels['users']) && levels['users'][friend.userId] === 50, `${section}, override`, levels);
  });

  it('makes rooms of version 11 whose creator has level 100', async () => {
    const user = await shared.user();
    const roomId = await user.createRoom({ room_version: '11' });
    check(roomId.endsWith(`:${shared.serverName}`), 'Room version 11: room IDs name a server', roomId);
    same((await user.state(roomId, 'm.room.create'))['room_version'], '11', section);
    const levels = await user.state(roomId, 'm.room.power_levels');
    check(isObject(levels['users']) && levels['users'][user.userId] === 100, `${section}, step 3`, levels);
  });
});

describe('what createRoom refuses', () => {
  it('an alias that is taken, with M_ROOM_IN_USE, and makes no room', async () => {
    const user = await shared.user();
    const name = freshName('taken');
    await user.createRoom({ room_alias_name: name });
    const before = (await user.get200('GET', path('joined_rooms')))['joined_rooms'];
    const answer = await user.ask('POST', path('createRoom'), { json: { room_alias_name: name } });
    expectError(answer, [400, 409], 'M_ROOM_IN_USE', `${section}, 400`);
    same(
      (await user.get200('GET', path('joined_rooms')))['joined_rooms'],
      before,
      `${section}: no room is left over`,
    );
  });

  it('a room version that it does not support, with M_UNSUPPORTED_ROOM_VERSION', async () => {
    const user = await shared.user();
    const answer = await user.ask('POST', path('createRoom'), { json: { room_version: 'org.example.none' } });
    expectError(answer, 400, 'M_UNSUPPORTED_ROOM_VERSION', `${section}, 400`);
  });

  it('an initial state that the room would not allow, with M_INVALID_ROOM_STATE', async () => {
    const user = await shared.user();
    const answer = await user.ask('POST', path('createRoom'), {
      json: { room_version: '11', power_level_content_override: { users: { [user.userId]: 0 } }, name: 'N' },
    });
    expectError(answer, 400, 'M_INVALID_ROOM_STATE', `${section}, 400`);
  });

  it('wrongly typed parameters, with M_BAD_JSON', async () => {
    const user = await shared.user();
    const wrong = [
      { name: 1 },
      { topic: [] },
      { invite: 'everyone' },
      { invite: ['nobody'] },
      { initial_state: [{ content: {} }] },
      { initial_state: [{ type: 'm.x' }] },
      { creation_content: 'x' },
      { visibility: 'hidden' },
      { room_version: 12 },
      { power_level_content_override: [] },
    ];
    for (const json of wrong)
      expectError(
        await user.ask('POST', path('createRoom'), { json }),
        400,
        ['M_BAD_JSON', 'M_INVALID_PARAM', 'M_MISSING_PARAM', 'M_INVALID_ROOM_STATE'],
        `${section}, 400: the request body is malformed (${JSON.stringify(json)})`,
      );
  });

  it('an alias name that is no localpart', async () => {
    const user = await shared.user();
    const answer = await user.ask('POST', path('createRoom'), { json: { room_alias_name: '#a:b' } });
    expectError(
      answer,
      400,
      ['M_INVALID_PARAM', 'M_BAD_JSON'],
      `${section}, room_alias_name is a local part`,
    );
  });
});

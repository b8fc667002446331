import { describe, it } from 'node:test';
import { type Client, type ClientEvent, freshName, isObject, type Json, path } from '../../support/client.ts';
import { check, expectError, expectOk, same } from '../../support/expect.ts';
import { sharedServer } from '../../support/shared-server.ts';

const shared = sharedServer();
const section = 'CS API, POST /createRoom';

const create = (user: Client, json: Json) => user.ask('POST', path('createRoom'), { json });

/** `type` for each event of a room, oldest first; members with their membership. */
async function order(user: Client, roomId: string): Promise<readonly string[]> {
  return (await user.history(roomId)).map((event) =>
    event.type === 'm.room.member' ? `${event.type} ${event.content['membership']}` : event.type,
  );
}

describe('the order of a new room’s events', () => {
  const base = ['m.room.create', 'm.room.member join', 'm.room.power_levels'];
  const preset = ['m.room.join_rules', 'm.room.history_visibility', 'm.room.guest_access'];

  for (const version of ['11', '12'])
    it(`is create, join, power levels and the preset’s where nothing else is asked for (version ${version})`, async () => {
      const user = await shared.user();
      const types = await order(user, await user.createRoom({ room_version: version }));
      same(types.slice(0, 3), base, `${section}, steps 1 to 3`);
      same([...types.slice(3)].sort(), [...preset].sort(), `${section}, step 5`);
    });

  it('is that of the spec with everything asked for, initial_state in the order of the list', async () => {
    const [user, one, two] = await Promise.all([shared.user(), shared.user(), shared.user()]);
    const roomId = await user.createRoom({
      preset: 'public_chat',
      room_alias_name: freshName('order'),
      initial_state: [
        { type: 'org.example.z', content: {} },
        { type: 'org.example.a', state_key: 'x', content: {} },
        { type: 'm.room.encryption', content: { algorithm: 'm.megolm.v1.aes-sha2' } },
      ],
      name: 'Name',
      topic: 'Topic',
      invite: [one.userId, two.userId],
    });
    const types = await order(user, roomId);
    same(types.slice(0, 4), [...base, 'm.room.canonical_alias'], `${section}, steps 1 to 4`);
    same([...types.slice(4, 7)].sort(), [...preset].sort(), `${section}, step 5`);
    same(types.slice(7, 10), ['org.example.z', 'org.example.a', 'm.room.encryption'], `${section}, step 6`);
    same([...types.slice(10, 12)].sort(), ['m.room.name', 'm.room.topic'], `${section}, step 7`);
    same(types.slice(12), ['m.room.member invite', 'm.room.member invite'], `${section}, step 8`);
  });

  it('has one event only where initial_state replaces what the preset, the name or the topic says', async () => {
    const user = await shared.user();
    const roomId = await user.createRoom({
      name: 'wins',
      topic: 'wins',
      initial_state: [
        { type: 'm.room.history_visibility', content: { history_visibility: 'joined' } },
        { type: 'm.room.guest_access', content: { guest_access: 'forbidden' } },
        { type: 'm.room.topic', content: { topic: 'loses' } },
      ],
    });
    const state = await user.state(roomId, 'm.room.history_visibility');
    same(state['history_visibility'], 'joined', `${section}, initial_state takes precedence over the preset`);
    same((await user.state(roomId, 'm.room.topic'))['topic'], 'wins', `${section}, topic overwrites`);
    same(
      (await user.state(roomId, 'm.room.guest_access'))['guest_access'],
      'forbidden',
      `${section}, initial_state`,
    );
  });
});

describe('options of createRoom', () => {
  it('topic is a plain text of m.topic too', async () => {
    const user = await shared.user();
    const roomId = await user.createRoom({ topic: 'Plain words' });
    const topic = await user.state(roomId, 'm.room.topic');
    same(topic['topic'], 'Plain words', `${section}, topic`);
    const block = topic['m.topic'];
    check(isObject(block), `${section}, topic: with a text/plain mimetype (m.topic, v1.15)`, topic);
    const texts = block['m.text'] as readonly Json[];
    const plain = texts.find((text) => (text['mimetype'] ?? 'text/plain') === 'text/plain');
    same(plain?.['body'], 'Plain words', `${section}, topic: with a text/plain mimetype`);
  });

  it('visibility and preset are two things', async () => {
    const user = await shared.user();
    const roomId = await user.createRoom({ visibility: 'public', preset: 'private_chat' });
    same((await user.state(roomId, 'm.room.join_rules'))['join_rule'], 'invite', `${section}, preset`);
    const listed = await user.get200('GET', path('directory', 'list', 'room', roomId));
    same(listed['visibility'], 'public', `${section}, visibility`);
  });

  it('trusted_private_chat gives invitees the creator’s level in version 11', async () => {
    const [user, friend] = [await shared.user(), await shared.user()];
    const roomId = await user.createRoom({
      room_version: '11',
      preset: 'trusted_private_chat',
      invite: [friend.userId],
    });
    const levels = await user.state(roomId, 'm.room.power_levels');
    const users = levels['users'];
    check(isObject(users), section, levels);
    same(users[friend.userId], users[user.userId], `${section}: all invitees are given the same power level`);
    const made = await user.state(roomId, 'm.room.create');
    check(!('additional_creators' in made), 'Room version 12 brought additional_creators', made);
  });

  it('trusted_private_chat joins additional_creators and the invited, each once', async () => {
    const [user, friend, other] = await Promise.all([shared.user(), shared.user(), shared.user()]);
    const roomId = await user.createRoom({
      preset: 'trusted_private_chat',
      invite: [friend.userId, other.userId],
      creation_content: { additional_creators: [friend.userId] },
    });
    const made = await user.state(roomId, 'm.room.create');
    same(
      [...(made['additional_creators'] as string[])].sort(),
      [friend.userId, other.userId].sort(),
      `${section}, creation_content: SHOULD combine, deduplicating`,
    );
  });

  it('additional_creators that are no user IDs are refused', async () => {
    const user = await shared.user();
    for (const additional_creators of [['nobody'], 'text', [7]])
      expectError(
        await create(user, { creation_content: { additional_creators } }),
        400,
        ['M_INVALID_PARAM', 'M_BAD_JSON', 'M_INVALID_ROOM_STATE'],
        'Room version 12, auth rule 1: additional_creators',
      );
  });

  it('power_level_content_override goes on top of the defaults, key by key', async () => {
    const [user, friend] = [await shared.user(), await shared.user()];
    const plain = await user.state(await user.createRoom(), 'm.room.power_levels');
    const roomId = await user.createRoom({
      power_level_content_override: { users: { [friend.userId]: 50 }, invite: 75 },
    });
    const levels = await user.state(roomId, 'm.room.power_levels');
    same([levels['users'], levels['invite']], [{ [friend.userId]: 50 }, 75], `${section}, override`);
    same(
      [levels['ban'], levels['state_default'], levels['events']],
      [plain['ban'], plain['state_default'], plain['events']],
      `${section}, override: the rest stays as generated`,
    );
  });

  it('power levels that name a creator in version 12 are refused', async () => {
    const user = await shared.user();
    expectError(
      await create(user, { power_level_content_override: { users: { [user.userId]: 100 } } }),
      400,
      ['M_INVALID_ROOM_STATE', 'M_BAD_JSON', 'M_INVALID_PARAM'],
      'Room version 12, auth rule 10.4',
    );
  });

  it('an empty or oversized name or topic is treated as the spec says', async () => {
    const user = await shared.user();
    const roomId = await user.createRoom({ name: '', topic: '' });
    const name = await user.ask('GET', path('rooms', roomId, 'state', 'm.room.name', ''));
    check(
      name.status === 404 || (isObject(name.json) && name.json['name'] === ''),
      'CS API, m.room.name: empty is as absent',
      name.text,
    );
    expectError(
      await create(user, { topic: 'x'.repeat(70_000) }),
      [400, 413],
      ['M_TOO_LARGE', 'M_INVALID_ROOM_STATE', 'M_BAD_JSON'],
      'CS API, Size limits',
    );
  });

  it('inviting oneself or someone twice makes no second membership', async () => {
    const [user, friend] = [await shared.user(), await shared.user()];
    const answer = await create(user, { invite: [friend.userId, friend.userId] });
    const roomId = String(expectOk(answer, `${section}, invite`)['room_id']);
    const types = await order(user, roomId);
    same(
      types.filter((type) => type === 'm.room.member invite').length,
      1,
      `${section}, invite: everyone in the list`,
    );
    const own = await create(user, { invite: [user.userId] });
    if (own.status === 200) {
      const room = String((own.json as Json)['room_id']);
      same((await user.state(room, 'm.room.member', user.userId))['membership'], 'join', section);
    } else expectError(own, [400, 403], ['M_FORBIDDEN', 'M_INVALID_PARAM', 'M_INVALID_ROOM_STATE'], section);
  });

  it('third-party invitations are refused where they cannot be delivered', async () => {
    const user = await shared.user();
    const invite_3pid = [
      { id_server: 'id.example', id_access_token: 't', medium: 'email', address: 'a@example.org' },
    ];
    expectError(
      await create(user, { invite_3pid }),
      [400, 403],
      ['M_FORBIDDEN', 'M_UNKNOWN', 'M_SERVER_NOT_TRUSTED', 'M_THREEPID_MEDIUM_NOT_SUPPORTED'],
      `${section}, 403`,
    );
  });

  it('unknown options are ignored', async () => {
    const user = await shared.user();
    expectOk(await create(user, { 'org.example.option': [1, 2] }), 'CS API, API Standards');
  });
});

describe('invitations', () => {
  const rule = 'CS API, POST /rooms/{roomId}/invite';
  const invite = (user: Client, roomId: string, json: Json) =>
    user.ask('POST', path('rooms', roomId, 'invite'), { json });

  function inviteState(answer: object, roomId: string): readonly ClientEvent[] {
    const rooms = 'rooms' in answer && isObject(answer.rooms) ? answer.rooms : {};
    const invites = isObject(rooms['invite']) ? rooms['invite'] : {};
    const room = invites[roomId];
    const state = isObject(room) && isObject(room['invite_state']) ? room['invite_state'] : {};
    return (state['events'] ?? []) as readonly ClientEvent[];
  }

  it('to a direct chat reach the invited with the flag, the reason and the room’s create event', async () => {
    const [owner, guest] = [await shared.user(), await shared.user()];
    const { next_batch } = await guest.sync();
    const roomId = await owner.createRoom({ is_direct: true, invite: [guest.userId], name: 'Us' });
    const answer = await guest.syncUntil(next_batch, (sync) => inviteState(sync, roomId).length > 0);
    const events = inviteState(answer, roomId);
    const own = events.find((event) => event.type === 'm.room.member' && event.state_key === guest.userId);
    same(own?.content['is_direct'], true, `${section}, is_direct`);
    check(
      events.some((event) => event.type === 'm.room.create'),
      'CS API, Stripped state: required',
      events,
    );
    check(
      events.some((event) => event.type === 'm.room.name'),
      'CS API, Stripped state',
      events,
    );
  });

  it('may be repeated: 200 for whom is invited already', async () => {
    const [owner, guest] = [await shared.user(), await shared.user()];
    const roomId = await owner.createRoom();
    expectOk(await invite(owner, roomId, { user_id: guest.userId }), rule);
    expectOk(await invite(owner, roomId, { user_id: guest.userId }), `${rule}, 200: or was already invited`);
  });

  it('are not marked direct by /invite', async () => {
    const [owner, guest] = [await shared.user(), await shared.user()];
    const roomId = await owner.createRoom();
    expectOk(await invite(owner, roomId, { user_id: guest.userId, reason: 'for you' }), rule);
    const member = await owner.state(roomId, 'm.room.member', guest.userId);
    same([member['is_direct'], member['reason']], [undefined, 'for you'], rule);
  });

  it('of someone in a room that nobody knows are refused', async () => {
    const [owner, guest] = [await shared.user(), await shared.user()];
    expectError(
      await invite(owner, `!${'i'.repeat(43)}`, { user_id: guest.userId }),
      [403, 404],
      ['M_FORBIDDEN', 'M_NOT_FOUND'],
      rule,
    );
    expectError(
      await invite(owner, 'noroom', { user_id: guest.userId }),
      400,
      ['M_INVALID_PARAM'],
      `${rule}, 400`,
    );
  });

  it('can be rejected with a reason', async () => {
    const [owner, guest] = [await shared.user(), await shared.user()];
    const roomId = await owner.createRoom({ invite: [guest.userId] });
    expectOk(
      await guest.ask('POST', path('rooms', roomId, 'leave'), { json: { reason: 'no, thanks' } }),
      'CS API, POST leave: serves to reject the invite',
    );
    const member = await owner.state(roomId, 'm.room.member', guest.userId);
    same(
      [member['membership'], member['reason']],
      ['leave', 'no, thanks'],
      'CS API, POST leave, reason (added in v1.1)',
    );
  });

  it('open a restricted room without the conditions being met', async () => {
    const [owner, guest] = [await shared.user(), await shared.user()];
    const space = await owner.createRoom();
    const roomId = await owner.createRoom({
      initial_state: [
        {
          type: 'm.room.join_rules',
          content: { join_rule: 'restricted', allow: [{ type: 'm.room_membership', room_id: space }] },
        },
      ],
    });
    expectError(
      await guest.ask('POST', path('rooms', roomId, 'join'), { json: {} }),
      403,
      'M_FORBIDDEN',
      'CS API, POST join, 403: the user failed to satisfy any of the conditions',
    );
    await owner.invite(roomId, guest.userId);
    await guest.join(roomId);
  });

  it('are not needed for a restricted room by members of a room that it allows', async () => {
    const [owner, guest] = [await shared.user(), await shared.user()];
    const space = await owner.createRoom({ preset: 'public_chat' });
    await guest.join(space);
    const roomId = await owner.createRoom({
      initial_state: [
        {
          type: 'm.room.join_rules',
          content: { join_rule: 'restricted', allow: [{ type: 'm.room_membership', room_id: space }] },
        },
      ],
    });
    const answer = await guest.ask('POST', path('rooms', roomId, 'join'), { json: {} });
    expectOk(answer, 'CS API, Restricted rooms: joined members of a room that is listed');
    const member = await owner.state(roomId, 'm.room.member', guest.userId);
    same(
      member['join_authorised_via_users_server'],
      owner.userId,
      'Room version 8, auth rules: a user with the power to invite',
    );
  });

  it('cannot be had by saying oneself who vouches for the join', async () => {
    const [owner, guest] = [await shared.user(), await shared.user()];
    const roomId = await owner.createRoom({
      initial_state: [{ type: 'm.room.join_rules', content: { join_rule: 'restricted', allow: [] } }],
    });
    const content = { membership: 'join', join_authorised_via_users_server: owner.userId };
    expectError(
      await guest.ask('PUT', path('rooms', roomId, 'state', 'm.room.member', guest.userId), {
        json: content,
      }),
      403,
      'M_FORBIDDEN',
      'CS API, Restricted rooms: the server MUST verify that the user meets a condition',
    );
    expectError(
      await guest.ask('POST', path('rooms', roomId, 'join'), { json: content }),
      403,
      'M_FORBIDDEN',
      'CS API, Restricted rooms',
    );
  });
});

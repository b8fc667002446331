import { describe, it } from 'node:test';
import { type Client, path } from '../../support/client.ts';
import { check, expectError, expectOk, same } from '../../support/expect.ts';
import { sharedServer } from '../../support/shared-server.ts';

const shared = sharedServer();

async function trio(): Promise<readonly [Client, Client, Client]> {
  return Promise.all([shared.user('owner'), shared.user('guest'), shared.user('third')]);
}

async function membership(user: Client, roomId: string, of: string): Promise<unknown> {
  return (await user.state(roomId, 'm.room.member', of))['membership'];
}

const act = (user: Client, roomId: string, what: string, json: object) =>
  user.ask('POST', path('rooms', roomId, what), { json });

describe('joining', () => {
  const section = 'CS API, Joining rooms';

  it('lets anyone into a public room, by ID and by alias, with both endpoints', async () => {
    const [owner, guest, third] = await trio();
    const name = `join-${process.pid}-${Date.now()}`;
    const roomId = await owner.createRoom({ preset: 'public_chat', room_alias_name: name });
    same(await guest.join(roomId), roomId, `${section}, POST /join/{roomIdOrAlias}`);
    same(await third.join(`#${name}:${shared.serverName}`), roomId, `${section}, by alias`);
    same(await membership(owner, roomId, guest.userId), 'join', section);
    const fourth = await shared.user();
    const body = expectOk(await act(fourth, roomId, 'join', {}), `${section}, POST /rooms/{roomId}/join`);
    same(body['room_id'], roomId, section);
  });

  it('keeps others out of an invite-only room with 403 M_FORBIDDEN', async () => {
    const [owner, guest] = await trio();
    const roomId = await owner.createRoom({ preset: 'private_chat' });
    expectError(await act(guest, roomId, 'join', {}), 403, 'M_FORBIDDEN', `${section}, 403: invite-only`);
  });

  it('is the same when done twice', async () => {
    const [owner, guest] = await trio();
    const roomId = await owner.createRoom({ preset: 'public_chat' });
    same(await guest.join(roomId), roomId, section);
    same(await guest.join(roomId), roomId, `${section}: a member who joins stays joined`);
  });

  it('carries the reason and the display name in the member event', async () => {
    const [owner, guest] = await trio();
    await guest.get200('PUT', path('profile', guest.userId, 'displayname'), {
      json: { displayname: 'Gast' },
    });
    const roomId = await owner.createRoom({ preset: 'public_chat' });
    expectOk(await act(guest, roomId, 'join', { reason: 'curious' }), section);
    const member = await owner.state(roomId, 'm.room.member', guest.userId);
    same(member['reason'], 'curious', `${section}, reason (added in v1.1)`);
    same(member['displayname'], 'Gast', 'CS API, Profiles: membership events include the display name');
  });

  it('answers for a room that nobody knows with 404 or 403', async () => {
    const guest = await shared.user();
    expectError(
      await act(guest, `!${'a'.repeat(43)}`, 'join', {}),
      [403, 404],
      ['M_NOT_FOUND', 'M_FORBIDDEN', 'M_UNKNOWN'],
      section,
    );
    expectError(
      await guest.ask('POST', path('join', `#nobody-made-this:${shared.serverName}`), { json: {} }),
      404,
      'M_NOT_FOUND',
      `${section}, an alias that is not mapped`,
    );
  });

  it('refuses what is neither an ID nor an alias with 400', async () => {
    const guest = await shared.user();
    const answer = await guest.ask('POST', path('join', 'a room'), { json: {} });
    expectError(answer, 400, ['M_INVALID_PARAM', 'M_BAD_JSON'], section);
  });
});

describe('inviting', () => {
  const section = 'CS API, POST /rooms/{roomId}/invite';

  it('lets the invited join', async () => {
    const [owner, guest] = await trio();
    const roomId = await owner.createRoom({ preset: 'private_chat' });
    expectOk(await act(owner, roomId, 'invite', { user_id: guest.userId, reason: 'come' }), section);
    const member = await owner.state(roomId, 'm.room.member', guest.userId);
    same([member['membership'], member['reason']], ['invite', 'come'], section);
    await guest.join(roomId);
    same(await membership(owner, roomId, guest.userId), 'join', section);
  });

  it('is for members only', async () => {
    const [owner, guest, third] = await trio();
    const roomId = await owner.createRoom({ preset: 'public_chat' });
    const answer = await act(guest, roomId, 'invite', { user_id: third.userId });
    expectError(answer, 403, 'M_FORBIDDEN', `${section}, 403: the invitor is not in the room`);
  });

  it('is refused to members without the power', async () => {
    const [owner, guest, third] = await trio();
    const roomId = await owner.createRoom({
      preset: 'public_chat',
      power_level_content_override: { invite: 50 },
    });
    await guest.join(roomId);
    const answer = await act(guest, roomId, 'invite', { user_id: third.userId });
    expectError(answer, 403, 'M_FORBIDDEN', `${section}, 403: the invitor lacks power`);
  });

  it('is refused for those who are in already, and for the banned', async () => {
    const [owner, guest, third] = await trio();
    const roomId = await owner.createRoom({ preset: 'public_chat' });
    await guest.join(roomId);
    expectError(
      await act(owner, roomId, 'invite', { user_id: guest.userId }),
      403,
      'M_FORBIDDEN',
      `${section}, 403`,
    );
    expectOk(await act(owner, roomId, 'ban', { user_id: third.userId }), section);
    expectError(
      await act(owner, roomId, 'invite', { user_id: third.userId }),
      403,
      'M_FORBIDDEN',
      `${section}, 403`,
    );
  });

  it('wants a user_id, and a valid one', async () => {
    const owner = await shared.user();
    const roomId = await owner.createRoom();
    expectError(
      await act(owner, roomId, 'invite', {}),
      400,
      ['M_MISSING_PARAM', 'M_BAD_JSON'],
      `${section}, 400`,
    );
    for (const user_id of [1, 'nobody', '', '@', '@a', 'a:b'])
      expectError(
        await act(owner, roomId, 'invite', { user_id }),
        400,
        ['M_INVALID_PARAM', 'M_BAD_JSON'],
        `${section}, 400 (${user_id})`,
      );
  });
});

describe('leaving', () => {
  const section = 'CS API, Leaving rooms';

  it('ends a membership, and a private room wants a new invitation then', async () => {
    const [owner, guest] = await trio();
    const roomId = await owner.createRoom({ invite: [guest.userId] });
    await guest.join(roomId);
    expectOk(await act(guest, roomId, 'leave', { reason: 'tired' }), section);
    const member = await owner.state(roomId, 'm.room.member', guest.userId);
    same([member['membership'], member['reason']], ['leave', 'tired'], section);
    expectError(
      await act(guest, roomId, 'join', {}),
      403,
      'M_FORBIDDEN',
      `${section}: needs to be re-invited`,
    );
  });

  it('rejects an invitation', async () => {
    const [owner, guest] = await trio();
    const roomId = await owner.createRoom({ invite: [guest.userId] });
    expectOk(await act(guest, roomId, 'leave', {}), `${section}: leaving rejects the invite`);
    same(await membership(owner, roomId, guest.userId), 'leave', section);
  });

  it('is refused to those who never were in the room', async () => {
    const [owner, guest] = await trio();
    const roomId = await owner.createRoom({ preset: 'public_chat' });
    const answer = await act(guest, roomId, 'leave', {});
    expectError(
      answer,
      [403, 404],
      ['M_FORBIDDEN', 'M_NOT_FOUND'],
      `${section}: must have been invited or joined before`,
    );
  });

  it('takes the right to send', async () => {
    const [owner, guest] = await trio();
    const roomId = await owner.createRoom({ preset: 'public_chat' });
    await guest.join(roomId);
    await guest.leave(roomId);
    const answer = await guest.ask('PUT', path('rooms', roomId, 'send', 'm.room.message', 't1'), {
      json: { msgtype: 'm.text', body: 'still here?' },
    });
    expectError(answer, 403, 'M_FORBIDDEN', 'Room version 12, auth rule 5: the sender must be joined');
  });
});

describe('kicking and banning', () => {
  it('puts a member out, who may come back into a public room', async () => {
    const section = 'CS API, POST /rooms/{roomId}/kick';
    const [owner, guest] = await trio();
    const roomId = await owner.createRoom({ preset: 'public_chat' });
    await guest.join(roomId);
    expectOk(await act(owner, roomId, 'kick', { user_id: guest.userId, reason: 'rude' }), section);
    const member = await owner.state(roomId, 'm.room.member', guest.userId);
    same([member['membership'], member['reason']], ['leave', 'rude'], section);
    same(await guest.join(roomId), roomId, `${section}: free to re-join a public room`);
  });

  it('withdraws an invitation by a kick', async () => {
    const [owner, guest] = await trio();
    const roomId = await owner.createRoom({ invite: [guest.userId] });
    expectOk(
      await act(owner, roomId, 'kick', { user_id: guest.userId }),
      'CS API, POST kick: retracts an invite',
    );
    same(await membership(owner, roomId, guest.userId), 'leave', 'CS API, POST kick');
  });

  it('is refused to those without the power, and on those with more', async () => {
    const [owner, guest, third] = await trio();
    const roomId = await owner.createRoom({ preset: 'public_chat' });
    await guest.join(roomId);
    await third.join(roomId);
    for (const what of ['kick', 'ban'])
      for (const target of [third.userId, owner.userId])
        expectError(
          await act(guest, roomId, what, { user_id: target }),
          403,
          'M_FORBIDDEN',
          `CS API, POST ${what}, 403: not enough power`,
        );
  });

  it('refuses to kick someone who is not in the room with 403 M_FORBIDDEN', async () => {
    const [owner, guest] = await trio();
    const roomId = await owner.createRoom();
    const answer = await act(owner, roomId, 'kick', { user_id: guest.userId });
    expectError(answer, 403, 'M_FORBIDDEN', 'CS API, POST kick, 403: the kickee is not in the room');
  });

  it('keeps the banned out until they are unbanned', async () => {
    const section = 'CS API, Banning users in a room';
    const [owner, guest] = await trio();
    const roomId = await owner.createRoom({ preset: 'public_chat' });
    await guest.join(roomId);
    expectOk(await act(owner, roomId, 'ban', { user_id: guest.userId, reason: 'spam' }), section);
    const member = await owner.state(roomId, 'm.room.member', guest.userId);
    same([member['membership'], member['reason']], ['ban', 'spam'], section);
    expectError(
      await act(guest, roomId, 'join', {}),
      403,
      'M_FORBIDDEN',
      `${section}: must be unbanned first`,
    );
    expectOk(await act(owner, roomId, 'unban', { user_id: guest.userId }), section);
    same(await membership(owner, roomId, guest.userId), 'leave', `${section}: unban leads to leave`);
    same(await guest.join(roomId), roomId, section);
  });

  it('bans someone who never was there', async () => {
    const [owner, guest] = await trio();
    const roomId = await owner.createRoom({ preset: 'public_chat' });
    expectOk(await act(owner, roomId, 'ban', { user_id: guest.userId }), 'CS API, POST ban');
    expectError(await act(guest, roomId, 'join', {}), 403, 'M_FORBIDDEN', 'CS API, POST ban');
  });

  it('refuses to unban someone who is not banned', async () => {
    const [owner, guest] = await trio();
    const roomId = await owner.createRoom({ preset: 'public_chat' });
    await guest.join(roomId);
    const answer = await act(owner, roomId, 'unban', { user_id: guest.userId });
    expectError(answer, [400, 403], ['M_BAD_STATE', 'M_FORBIDDEN'], 'CS API, Other error codes, M_BAD_STATE');
    same(await membership(owner, roomId, guest.userId), 'join', 'a refused unban changes nothing');
  });

  it('changes membership through the state endpoint as well', async () => {
    const [owner, guest] = await trio();
    const roomId = await owner.createRoom({ preset: 'public_chat' });
    await guest.join(roomId);
    await owner.setState(roomId, 'm.room.member', guest.userId, { membership: 'ban' });
    same(await membership(owner, roomId, guest.userId), 'ban', 'CS API, Banning users in a room: directly');
    check(
      (await guest
        .ask('PUT', path('rooms', roomId, 'state', 'm.room.member', guest.userId), {
          json: { membership: 'join' },
        })
        .then((answer) => answer.status)) === 403,
      'Room version 12, auth rule 5.3.3: a banned user cannot join',
    );
  });
});

describe('lists of members', () => {
  it('names the rooms that one has joined', async () => {
    const section = 'CS API, GET /joined_rooms';
    const [owner, guest] = await trio();
    const one = await owner.createRoom({ preset: 'public_chat' });
    const two = await owner.createRoom({ invite: [guest.userId] });
    await guest.join(one);
    const list = async () => expectOk(await guest.ask('GET', path('joined_rooms')), section)['joined_rooms'];
    same(await list(), [one], `${section}: an invitation is no membership`);
    await guest.join(two);
    same(new Set((await list()) as string[]), new Set([one, two]), section);
    await guest.leave(one);
    same(await list(), [two], section);
  });

  it('gives the member events, by membership', async () => {
    const section = 'CS API, GET /rooms/{roomId}/members';
    const [owner, guest, third] = await trio();
    const roomId = await owner.createRoom({ preset: 'public_chat', invite: [third.userId] });
    await guest.join(roomId);
    const keys = async (query: string): Promise<unknown> => {
      const body = expectOk(await owner.ask('GET', `${path('rooms', roomId, 'members')}${query}`), section);
      check(Array.isArray(body['chunk']), `${section}: chunk`, body);
      for (const event of body['chunk'])
        check(event.type === 'm.room.member' && event.room_id === roomId, `${section}: client events`, event);
      return new Set(body['chunk'].map((event: { state_key: string }) => event.state_key));
    };
    same(await keys(''), new Set([owner.userId, guest.userId, third.userId]), section);
    same(await keys('?membership=join'), new Set([owner.userId, guest.userId]), `${section}?membership=join`);
    same(await keys('?not_membership=join'), new Set([third.userId]), `${section}?not_membership=join`);
    same(await keys('?membership=invite'), new Set([third.userId]), `${section}?membership=invite`);
  });

  it('shows members to members only', async () => {
    const [owner, guest] = await trio();
    const roomId = await owner.createRoom();
    const answer = await guest.ask('GET', path('rooms', roomId, 'members'));
    expectError(answer, 403, 'M_FORBIDDEN', 'CS API, GET /rooms/{roomId}/members, 403');
  });

  it('shows those who left the members of that time', async () => {
    const section = 'CS API, GET /rooms/{roomId}/members: the members of the room when you left';
    const [owner, guest, third] = await trio();
    const roomId = await owner.createRoom({ preset: 'public_chat' });
    await guest.join(roomId);
    await guest.leave(roomId);
    await third.join(roomId);
    const body = expectOk(await guest.ask('GET', path('rooms', roomId, 'members')), section);
    const chunk = body['chunk'];
    check(Array.isArray(chunk), section, body);
    check(
      !chunk.some((event) => event.state_key === third.userId),
      `${section}; who came later is not shown`,
      chunk,
    );
  });
});

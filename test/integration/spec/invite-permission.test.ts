import { describe, it } from 'node:test';
import { type Client, type Json, path, type SyncAnswer } from '../../support/client.ts';
import { check, expectError, expectOk, same } from '../../support/expect.ts';
import { sharedServer } from '../../support/shared-server.ts';

const SECTION = 'CS API, Invite permission';

const server = sharedServer();

async function permit(user: Client, content: Json): Promise<void> {
  const where = path('user', user.userId, 'account_data', 'm.invite_permission_config');
  expectOk(await user.ask('PUT', where, { json: content }), SECTION);
}

const block = (user: Client) => permit(user, { default_action: 'block' });

const memberPath = (roomId: string, stateKey: string) =>
  path('rooms', roomId, 'state', 'm.room.member', stateKey);

function inviteBy(inviter: Client, roomId: string, target: string) {
  return inviter.ask('POST', path('rooms', roomId, 'invite'), { json: { user_id: target } });
}

const invitations = ({ rooms }: SyncAnswer) => Object.keys(rooms?.invite ?? {});

/** All rooms to which syncs invite up to one that has an event. */
async function invitedUntil(user: Client, since: string, roomId: string, last: string) {
  const seen: string[] = [];
  await user.syncUntil(since, (sync) => {
    seen.push(...invitations(sync));
    const events = sync.rooms?.join?.[roomId]?.timeline?.events ?? [];
    return events.some(({ event_id }) => event_id === last);
  });
  return seen;
}

describe('whoever blocks invitations', () => {
  it('cannot be invited by any endpoint: 403 M_INVITE_BLOCKED, and the room stays as it was', async () => {
    const [owner, user] = [await server.user(), await server.user()];
    await block(user);
    const roomId = await owner.createRoom();
    const refused = (answer: Parameters<typeof expectError>[0], what: string) =>
      expectError(answer, 403, 'M_INVITE_BLOCKED', `${SECTION}: ${what}`);
    refused(await inviteBy(owner, roomId, user.userId), 'POST invite');
    const json = { membership: 'invite' };
    refused(await owner.ask('PUT', memberPath(roomId, user.userId), { json }), 'PUT state');
    const none = await owner.ask('GET', memberPath(roomId, user.userId));
    expectError(none, 404, 'M_NOT_FOUND', `${SECTION}: no membership was made`);
    const { next_batch } = await owner.sync();
    for (const body of [
      { invite: [user.userId] },
      { invite: [(await server.user()).userId, user.userId] },
      { initial_state: [{ type: 'm.room.member', state_key: user.userId, content: json }] },
    ])
      refused(await owner.ask('POST', path('createRoom'), { json: body }), 'createRoom');
    const later = await owner.sync({ since: next_batch });
    same(Object.keys(later.rooms?.join ?? {}), [], `${SECTION}: what is refused makes no room`);
  });

  it('can be invited again once default_action is gone', async () => {
    const [owner, user] = [await server.user(), await server.user()];
    await block(user);
    const roomId = await owner.createRoom();
    expectError(await inviteBy(owner, roomId, user.userId), 403, 'M_INVITE_BLOCKED', SECTION);
    await permit(user, {});
    expectOk(await inviteBy(owner, roomId, user.userId), `${SECTION}: to stop rejecting all invites`);
    same(invitations(await user.sync()), [roomId], SECTION);
  });

  it('is one who says block: nothing else counts', async () => {
    const owner = await server.user();
    const roomId = await owner.createRoom();
    for (const content of [
      { default_action: 'allow' },
      { default_action: 'BLOCK' },
      { default_action: ['block'] },
      { default_action: null },
      { content: { default_action: 'block' } },
    ]) {
      const user = await server.user();
      await permit(user, content);
      const rule = `${SECTION}: a missing, invalid or unsupported value: ${JSON.stringify(content)}`;
      expectOk(await inviteBy(owner, roomId, user.userId), rule);
    }
  });

  it('is told of no invitation in a sync, of those that were there neither, until all are taken again', async () => {
    const [owner, user] = [await server.user(), await server.user()];
    const [roomId, own] = [await owner.createRoom(), await user.createRoom()];
    const { next_batch } = await user.sync();
    await owner.invite(roomId, user.userId);
    same(invitations(await user.sync()), [roomId], SECTION);
    await block(user);
    const rule = `${SECTION}: invite events already in the database MUST NOT be served`;
    same(invitations(await user.sync()), [], `${rule}: a first sync`);
    same(invitations(await user.sync({ since: next_batch })), [], `${rule}: an incremental sync`);
    same(invitations(await user.sync({ since: next_batch, fullState: true })), [], `${rule}: full state`);
    const initial = await user.get200('GET', path('initialSync'));
    check(!JSON.stringify(initial['rooms']).includes(roomId), `${rule}: initialSync`, initial['rooms']);
    const last = await user.say(own, 'to myself');
    same(await invitedUntil(user, next_batch, own, last), [], rule);
    const member = await owner.state(roomId, 'm.room.member', user.userId);
    same(member['membership'], 'invite', `${SECTION}: GET state is not affected`);
    await permit(user, {});
    same(invitations(await user.sync()), [roomId], `${SECTION}: once blocking is disabled`);
    same(await user.join(roomId), roomId, SECTION);
  });

  it('may accept what was there, leave, knock and join as everybody else', async () => {
    const [owner, user] = [await server.user(), await server.user()];
    const roomId = await owner.createRoom({ invite: [user.userId] });
    const open = await owner.createRoom({ preset: 'public_chat' });
    await block(user);
    same(await user.join(roomId), roomId, `${SECTION}: other endpoints are not affected`);
    same(await user.join(open), open, SECTION);
    await user.leave(open);
    const knockable = await owner.createRoom({
      initial_state: [{ type: 'm.room.join_rules', state_key: '', content: { join_rule: 'knock' } }],
    });
    expectOk(await user.ask('POST', path('knock', knockable), { json: {} }), `${SECTION}: knocking`);
    const answer = await inviteBy(owner, knockable, user.userId);
    expectError(answer, 403, 'M_INVITE_BLOCKED', `${SECTION}: who knocks is invited, too`);
    const json = { membership: 'ban' };
    const ban = await owner.ask('PUT', memberPath(roomId, user.userId), { json });
    expectOk(ban, `${SECTION}: invitations alone are refused`);
  });
});

describe('the state key of a membership', () => {
  const section = 'CS API, m.room.member: the state_key is the user’s ID';

  it('is a user ID, whatever the membership: 400 M_INVALID_PARAM', async () => {
    const owner = await server.user();
    const roomId = await owner.createRoom();
    for (const key of ['foo', '@foo', 'foo:localhost', '#a:localhost', ''])
      for (const membership of ['invite', 'join', 'ban', 'leave', 'knock']) {
        const answer = await owner.ask('PUT', memberPath(roomId, key), { json: { membership } });
        expectError(answer, 400, 'M_INVALID_PARAM', `${section}: ${key} ${membership}`);
      }
    const initial_state = [{ type: 'm.room.member', state_key: 'foo', content: { membership: 'invite' } }];
    const created = await owner.ask('POST', path('createRoom'), { json: { initial_state } });
    expectError(created, 400, 'M_INVALID_PARAM', `${section}: initial_state`);
    const { chunk } = await owner.get200('GET', path('rooms', roomId, 'members'));
    check(Array.isArray(chunk) && chunk.length === 1, section, chunk);
  });
});

describe('users of other servers', () => {
  it('cannot be invited by any endpoint, while there is no way to them', async () => {
    const owner = await server.user();
    const roomId = await owner.createRoom();
    const remote = '@somebody:elsewhere.example';
    const json = { membership: 'invite' };
    const state = [{ type: 'm.room.member', state_key: remote, content: json }];
    for (const answer of [
      await inviteBy(owner, roomId, remote),
      await owner.ask('PUT', memberPath(roomId, remote), { json }),
      await owner.ask('POST', path('createRoom'), { json: { invite: [remote] } }),
      await owner.ask('POST', path('createRoom'), { json: { initial_state: state } }),
    ])
      expectError(answer, 403, 'M_FORBIDDEN', 'CS API, POST /rooms/{roomId}/invite, 403');
    const ban = await owner.ask('PUT', memberPath(roomId, remote), { json: { membership: 'ban' } });
    expectOk(ban, 'CS API, Banning users in a room: they can be kept out');
  });
});

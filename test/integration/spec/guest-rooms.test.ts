import { describe, it } from 'node:test';
import { type Client, path } from '../../support/client.ts';
import { check, expectError, expectOk, same } from '../../support/expect.ts';
import { sharedServer } from '../../support/shared-server.ts';

const shared = sharedServer({ env: { MILENA_GUESTS: 'on' } });
const section = 'CS API, Guest Access, Server behaviour';

async function room(access: string | undefined, visibility = 'shared'): Promise<readonly [Client, string]> {
  const owner = await shared.user('owner');
  const roomId = await owner.createRoom({
    preset: 'public_chat',
    initial_state: [
      { type: 'm.room.history_visibility', content: { history_visibility: visibility } },
      ...(access === undefined ? [] : [{ type: 'm.room.guest_access', content: { guest_access: access } }]),
    ],
  });
  return [owner, roomId];
}

const join = (user: Client, roomId: string) => user.ask('POST', path('rooms', roomId, 'join'), { json: {} });

const membership = async (user: Client, roomId: string, of: string) =>
  (await user.state(roomId, 'm.room.member', of))['membership'];

describe('guests', () => {
  it('join rooms whose guest_access is can_join, and no others', async () => {
    const visitor = await shared.guest();
    const [owner, open] = await room('can_join');
    expectOk(await join(visitor, open), section);
    same(await membership(owner, open, visitor.userId), 'join', section);
    for (const access of ['forbidden', undefined, 'org.example.odd']) {
      const [, closed] = await room(access);
      expectError(
        await join(visitor, closed),
        403,
        ['M_GUEST_ACCESS_FORBIDDEN', 'M_FORBIDDEN'],
        `${section}: MUST only allow guest users to join if can_join (${access})`,
      );
    }
  });

  it('do not get around that by setting their own membership', async () => {
    const visitor = await shared.guest();
    const [, closed] = await room('forbidden');
    expectError(
      await visitor.ask('PUT', path('rooms', closed, 'state', 'm.room.member', visitor.userId), {
        json: { membership: 'join' },
      }),
      403,
      ['M_GUEST_ACCESS_FORBIDDEN', 'M_FORBIDDEN'],
      section,
    );
  });

  it('speak and leave in rooms that let them in', async () => {
    const visitor = await shared.guest();
    const [owner, roomId] = await room('can_join');
    expectOk(await join(visitor, roomId), section);
    const said = await visitor.say(roomId, 'hello');
    const seen = await owner.get200('GET', path('rooms', roomId, 'event', said));
    same(seen['sender'], visitor.userId, section);
    await visitor.leave(roomId);
    same(await membership(owner, roomId, visitor.userId), 'leave', section);
  });

  it('peek into world-readable rooms without joining, and into no others', async () => {
    const rule = 'CS API, Room history visibility: world_readable includes guest users';
    const visitor = await shared.guest();
    const [owner, glass] = await room('forbidden', 'world_readable');
    const [host, closed] = await room('forbidden');
    const said = await owner.say(glass, 'for all to read');
    const hidden = await host.say(closed, 'for members');
    const page = await visitor.messages(glass, { dir: 'b', limit: '5' });
    check(
      page.chunk.some((event) => event.event_id === said),
      rule,
      page,
    );
    expectOk(await visitor.ask('GET', path('rooms', glass, 'context', said)), rule);
    expectOk(await visitor.ask('GET', path('rooms', glass, 'event', said)), rule);
    same((await visitor.ask('GET', path('rooms', glass, 'state'))).status, 200, rule);
    expectError(
      await visitor.ask('GET', `${path('rooms', closed, 'messages')}?dir=b`),
      403,
      'M_FORBIDDEN',
      rule,
    );
    expectError(await visitor.ask('GET', path('rooms', closed, 'event', hidden)), 404, 'M_NOT_FOUND', rule);
  });
});

import { describe, it } from 'node:test';
import { type Client, path, type SyncAnswer } from '../../support/client.ts';
import { check, expectError, expectOk, same } from '../../support/expect.ts';
import { sharedServer } from '../../support/shared-server.ts';

const shared = sharedServer();
const section = 'CS API, POST /rooms/{roomId}/forget';

const forget = (user: Client, roomId: string) =>
  user.ask('POST', path('rooms', roomId, 'forget'), { json: {} });

const withLeft = { filter: { room: { include_leave: true } } } as const;

const leftRoom = (answer: SyncAnswer, roomId: string) => answer.rooms?.leave?.[roomId];

async function left(): Promise<readonly [Client, Client, string, string]> {
  const [owner, guest] = await Promise.all([shared.user('owner'), shared.user('guest')]);
  const roomId = await owner.createRoom({ preset: 'public_chat' });
  await guest.join(roomId);
  const said = await owner.say(roomId, 'remember this');
  await guest.leave(roomId);
  return [owner, guest, roomId, said];
}

describe('forgetting a room', () => {
  it('is possible once the user has left it, and may be repeated', async () => {
    const [, guest, roomId] = await left();
    same(expectOk(await forget(guest, roomId), section), {}, `${section}, 200`);
    same(expectOk(await forget(guest, roomId), section), {}, `${section}: twice is the same`);
  });

  it('is refused with 400 while the user is joined', async () => {
    const [owner, , roomId] = await left();
    expectError(await forget(owner, roomId), 400, 'M_UNKNOWN', `${section}, 400`);
    await owner.say(roomId, 'still here');
  });

  it('is refused while the user is invited', async () => {
    const [owner, guest] = [await shared.user(), await shared.user()];
    const roomId = await owner.createRoom({ invite: [guest.userId] });
    expectError(await forget(guest, roomId), 400, 'M_UNKNOWN', `${section}, 400: the user has not left`);
  });

  it('takes an empty body, and needs a token', async () => {
    const [, guest, roomId] = await left();
    expectOk(await guest.ask('POST', path('rooms', roomId, 'forget')), `${section}: has no body`);
    expectError(
      await shared.http.ask('POST', path('rooms', roomId, 'forget')),
      401,
      'M_MISSING_TOKEN',
      section,
    );
  });

  it('is refused for a room in which the user never was', async () => {
    const [, , roomId] = await left();
    const stranger = await shared.user();
    const answer = await forget(stranger, roomId);
    expectError(answer, [400, 403, 404], ['M_UNKNOWN', 'M_FORBIDDEN', 'M_NOT_FOUND'], section);
    expectError(
      await forget(stranger, `!${'f'.repeat(43)}`),
      [400, 403, 404],
      ['M_UNKNOWN', 'M_FORBIDDEN', 'M_NOT_FOUND'],
      section,
    );
  });

  it('is open to those who were banned', async () => {
    const [owner, guest, roomId] = await left();
    await owner.get200('POST', path('rooms', roomId, 'ban'), { json: { user_id: guest.userId } });
    expectOk(await forget(guest, roomId), section);
    same(leftRoom(await guest.sync(withLeft), roomId), undefined, section);
  });

  it('ends the access to the room’s history', async () => {
    const [, guest, roomId, said] = await left();
    const routes = [
      `${path('rooms', roomId, 'messages')}?dir=b`,
      path('rooms', roomId, 'state'),
      path('rooms', roomId, 'state', 'm.room.create', ''),
      path('rooms', roomId, 'members'),
      path('rooms', roomId, 'context', said),
      path('rooms', roomId, 'event', said),
    ];
    for (const where of routes) expectOk2xx(await guest.ask('GET', where), `before: ${where}`);
    expectOk(await forget(guest, roomId), section);
    for (const where of routes) {
      const answer = await guest.ask('GET', where);
      expectError(
        answer,
        [403, 404],
        ['M_FORBIDDEN', 'M_NOT_FOUND'],
        `${section}: no longer able to retrieve history (${where})`,
      );
    }
  });

  it('hides the room from /sync, also with include_leave', async () => {
    const [, guest, roomId] = await left();
    check(
      leftRoom(await guest.sync(withLeft), roomId) !== undefined,
      'CS API, Leaving rooms: include_leave',
      roomId,
    );
    expectOk(await forget(guest, roomId), section);
    same(
      leftRoom(await guest.sync(withLeft), roomId),
      undefined,
      'CS API, Leaving rooms: forgotten rooms never appear in /sync',
    );
  });

  it('ends when the user joins again, is invited again or knocks', async () => {
    const rule = 'CS API, Leaving rooms: until the user re-joins, is re-invited, or knocks';
    const [owner, guest, roomId, said] = await left();
    expectOk(await forget(guest, roomId), section);
    await guest.join(roomId);
    check((await guest.sync()).rooms?.join?.[roomId] !== undefined, rule, roomId);
    expectOk2xx(await guest.ask('GET', path('rooms', roomId, 'event', said)), rule);
    await guest.leave(roomId);
    check(
      leftRoom(await guest.sync(withLeft), roomId) !== undefined,
      `${rule}; leaving again does not forget again`,
      roomId,
    );
    expectOk(await forget(guest, roomId), section);
    await owner.invite(roomId, guest.userId);
    check((await guest.sync()).rooms?.invite?.[roomId] !== undefined, rule, roomId);
  });

  it('concerns nobody but the user', async () => {
    const [owner, guest, roomId] = await left();
    const third = await shared.user();
    await third.join(roomId);
    await third.leave(roomId);
    expectOk(await forget(guest, roomId), section);
    check(leftRoom(await third.sync(withLeft), roomId) !== undefined, section, roomId);
    check((await owner.history(roomId)).length > 0, section, roomId);
  });

  it('tells the truth in the capabilities', async () => {
    const rule = 'CS API, m.forget_forced_upon_leave capability';
    const user = await shared.user();
    const body = await user.get200('GET', path('capabilities'));
    const all = body['capabilities'] as { [name: string]: { enabled?: boolean } | undefined };
    check(all['m.forget_forced_upon_leave']?.enabled !== true, rule, all);
  });
});

function expectOk2xx(answer: { readonly status: number; readonly text: string }, what: string): void {
  same(answer.status, 200, `${what} ${answer.text.slice(0, 200)}`);
}

import { describe, it } from 'node:test';
import { type Client, type ClientEvent, type Json, path, V3 } from '../../support/client.ts';
import { check, expectError, expectOk, same } from '../../support/expect.ts';
import { sharedServer } from '../../support/shared-server.ts';

const shared = sharedServer();
const section = 'CS API, GET /notifications';

interface Notification {
  readonly room_id: string;
  readonly event: ClientEvent;
  readonly actions: readonly unknown[];
  readonly read: boolean;
  readonly ts: number;
}

interface Page {
  readonly notifications: readonly Notification[];
  readonly next_token?: string;
}

async function page(user: Client, query: Readonly<Record<string, string>> = {}): Promise<Page> {
  const answer = await user.ask('GET', `${V3}/notifications?${new URLSearchParams(query)}`);
  // Its shape is what the tests then look at.
  return expectOk(answer, section) as unknown as Page;
}

/** All pages, one after the other. */
async function all(user: Client, query: Readonly<Record<string, string>> = {}): Promise<Notification[]> {
  const found: Notification[] = [];
  let from: Readonly<Record<string, string>> = {};
  for (let pages = 0; pages < 50; pages += 1) {
    const { notifications, next_token } = await page(user, { ...query, ...from });
    found.push(...notifications);
    if (next_token === undefined) return found;
    from = { from: next_token };
  }
  throw new Error('the pages have no end');
}

const bodies = (notifications: readonly Notification[]) =>
  notifications.map(({ event }) => event.content['body']);
const mention = (user: Client): Json => ({ 'm.mentions': { user_ids: [user.userId] } });
const say = (user: Client, roomId: string, body: string, more: Json = {}) =>
  user.send(roomId, 'm.room.message', { msgtype: 'm.text', body, ...more });

describe('GET /notifications', () => {
  it('lists what one was notified of, the newest first, with event, room, time and actions', async () => {
    const [owner, guest, roomId] = await shared.pair();
    same(await page(guest), { notifications: [] }, `${section}: nothing yet`);
    await say(owner, roomId, 'one');
    const eventId = await say(owner, roomId, 'you', mention(guest));
    const { notifications, next_token } = await page(guest);
    same(bodies(notifications), ['you', 'one'], section);
    same(next_token, undefined, `${section}: there are no more`);
    const [first] = notifications;
    check(first !== undefined, section);
    same([first.room_id, first.event.event_id, first.read], [roomId, eventId, false], section);
    same(first.ts, first.event.origin_server_ts, `${section}: ts`);
    check(!('room_id' in first.event), `${section}: an event without room_id`, first.event);
    same(
      first.actions,
      ['notify', { set_tweak: 'sound', value: 'default' }, { set_tweak: 'highlight' }],
      `${section}: the actions of the rule`,
    );
  });

  it('has nothing that was redacted', async () => {
    const [owner, guest, roomId] = await shared.pair();
    const gone = await say(owner, roomId, 'gone', mention(guest));
    await say(owner, roomId, 'stays');
    same(bodies(await all(guest)), ['stays', 'gone'], section);
    await owner.redact(roomId, gone);
    same(bodies(await all(guest)), ['stays'], `${section}: what is redacted notifies nobody`);
    same(bodies(await all(guest, { only: 'highlight' })), [], section);
  });

  it('tells apart who reads: nothing of one’s own', async () => {
    const [owner, guest, roomId] = await shared.pair();
    await say(owner, roomId, 'mine');
    same(bodies(await all(owner)), [], section);
    same(bodies(await all(guest)), ['mine'], section);
  });

  it('gives pages that have each once, over several rooms', async () => {
    const [owner, guest, roomId] = await shared.pair();
    const other = await owner.createRoom({ preset: 'public_chat' });
    await guest.join(other);
    const sent: string[] = [];
    for (let i = 0; i < 11; i += 1) {
      await say(owner, i % 3 === 0 ? other : roomId, `text ${i}`);
      sent.unshift(`text ${i}`);
    }
    const first = await page(guest, { limit: '4' });
    same(bodies(first.notifications), sent.slice(0, 4), `${section}: limit`);
    check(first.next_token !== undefined, `${section}: next_token`);
    await say(owner, other, 'meanwhile');
    const second = await page(guest, { limit: '4', from: first.next_token });
    same(bodies(second.notifications), sent.slice(4, 8), `${section}: from`);
    same(bodies(await all(guest, { limit: '5' })), ['meanwhile', ...sent], `${section}: all pages`);
  });

  it('gives only highlights where those are asked for', async () => {
    const [owner, guest, roomId] = await shared.pair();
    await say(owner, roomId, 'one');
    await say(owner, roomId, 'you', mention(guest));
    await say(owner, roomId, 'two');
    same(bodies(await all(guest, { only: 'highlight' })), ['you'], `${section}: only=highlight`);
    same(bodies(await all(guest, { only: 'highlight', limit: '1' })), ['you'], `${section}: only=highlight`);
  });

  it('says what was read', async () => {
    const [owner, guest, roomId] = await shared.pair();
    const eventId = await say(owner, roomId, 'one');
    await say(owner, roomId, 'two');
    const json = {};
    expectOk(await guest.ask('POST', path('rooms', roomId, 'receipt', 'm.read', eventId), { json }), section);
    const read = (await all(guest)).map((one) => [one.event.content['body'], one.read]);
    same(
      read,
      [
        ['two', false],
        ['one', true],
      ],
      `${section}: read`,
    );
  });

  it('goes by the user’s rules as they are', async () => {
    const [owner, guest, roomId] = await shared.pair();
    const rule = path('pushrules', 'global', 'room', roomId);
    await say(owner, roomId, 'one');
    await owner.send(roomId, 'm.room.message', { msgtype: 'm.notice', body: 'bot' });
    await owner.setState(roomId, 'm.room.topic', '', { topic: 'quiet' });
    same(bodies(await all(guest)), ['one'], section);
    expectOk(await guest.ask('PUT', rule, { json: { actions: [] } }), section);
    await say(owner, roomId, 'you', mention(guest));
    same(bodies(await all(guest)), ['you'], `${section}: mentions only`);
    const content = path('pushrules', 'global', 'content', 'one');
    const json = { pattern: 'one', actions: ['notify'] };
    expectOk(await guest.ask('PUT', content, { json }), section);
    same(bodies(await all(guest)), ['you', 'one'], `${section}: a keyword`);
  });

  it('has invitations, and nothing of before one was there', async () => {
    const [owner, guest] = await Promise.all([shared.user('owner'), shared.user('guest')]);
    const roomId = await owner.createRoom({ preset: 'private_chat' });
    await say(owner, roomId, 'before', mention(guest));
    await owner.invite(roomId, guest.userId);
    const [invitation, ...more] = await all(guest);
    same(more, [], section);
    same(invitation?.event.content['membership'], 'invite', 'CS API, .m.rule.invite_for_me');
    await guest.join(roomId);
    await say(owner, roomId, 'after');
    same(bodies(await all(guest)), ['after'], section);
  });

  it('has nothing of rooms that one has left', async () => {
    const [owner, guest, roomId] = await shared.pair();
    await say(owner, roomId, 'one');
    await guest.leave(roomId);
    same(await all(guest), [], section);
  });

  it('has no words that were redacted', async () => {
    const [owner, guest, roomId] = await shared.pair();
    const eventId = await say(owner, roomId, 'secret', mention(guest));
    await owner.redact(roomId, eventId);
    check(!JSON.stringify(await all(guest)).includes('secret'), section);
    same(await all(guest, { only: 'highlight' }), [], section);
  });

  it('has nothing by those who are ignored', async () => {
    const [owner, guest, roomId] = await shared.pair();
    await say(owner, roomId, 'one');
    const where = path('user', guest.userId, 'account_data', 'm.ignored_user_list');
    expectOk(await guest.ask('PUT', where, { json: { ignored_users: { [owner.userId]: {} } } }), section);
    same(await all(guest), [], 'CS API, Ignoring Users');
  });

  it('refuses tokens that are none, limits that are none, and those without a token', async () => {
    const user = await shared.user();
    for (const query of ['from=x!', 'from=zzz', 'from=n-', 'from=n-zzzzzzzzzzzzzz', 'limit=-1', 'limit=x'])
      expectError(await user.ask('GET', `${V3}/notifications?${query}`), 400, 'M_INVALID_PARAM', section);
    expectError(await shared.http.ask('GET', `${V3}/notifications`), 401, 'M_MISSING_TOKEN', section);
  });
});

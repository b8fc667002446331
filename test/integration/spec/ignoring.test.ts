import { describe, it } from 'node:test';
import { type Client, path, type SyncAnswer } from '../../support/client.ts';
import { check, expectOk, same } from '../../support/expect.ts';
import { sharedServer } from '../../support/shared-server.ts';

const SECTION = 'CS API, Ignoring Users';

const server = sharedServer();

async function ignore(user: Client, ...others: readonly Client[]): Promise<void> {
  const ignored_users = Object.fromEntries(others.map(({ userId }) => [userId, {}]));
  const where = path('user', user.userId, 'account_data', 'm.ignored_user_list');
  expectOk(await user.ask('PUT', where, { json: { ignored_users } }), SECTION);
}

/** A room with somebody who ignores, somebody who is ignored, and somebody else. */
async function scene() {
  const [user, pest, friend] = [await server.user(), await server.user(), await server.user()];
  const roomId = await friend.createRoom({
    preset: 'public_chat',
    power_level_content_override: { state_default: 0 },
  });
  for (const one of [user, pest]) await one.join(roomId);
  return { user, pest, friend, roomId };
}

function timelineOf(sync: SyncAnswer, roomId: string): readonly string[] {
  return sync.rooms?.join?.[roomId]?.timeline?.events.map(({ event_id }) => event_id) ?? [];
}

/** What comes down a sync up to an event, and that event. */
async function until(user: Client, roomId: string, since: string, last: string) {
  const seen: string[] = [];
  const end = await user.syncUntil(since, (sync) => {
    seen.push(...timelineOf(sync, roomId));
    return seen.includes(last);
  });
  return { seen, next_batch: end.next_batch };
}

describe('whoever ignores a user', () => {
  it('gets no messages of that user from the next sync on, and those of others', async () => {
    const { user, pest, friend, roomId } = await scene();
    const { next_batch } = await user.sync();
    await ignore(user, pest);
    const noise = [
      await pest.say(roomId, 'buy'),
      await pest.send(roomId, 'm.sticker', { body: 'x', url: 'x' }),
    ];
    const wanted = await friend.say(roomId, 'hello');
    const { seen } = await until(user, roomId, next_batch, wanted);
    same(
      seen.filter((id) => noise.includes(id)),
      [],
      `${SECTION}: an incremental sync`,
    );
    const first = timelineOf(await user.sync(), roomId);
    check(first.includes(wanted), SECTION, first);
    same(
      first.filter((id) => noise.includes(id)),
      [],
      `${SECTION}: a first sync`,
    );
    const old = timelineOf(await user.sync({ since: next_batch }), roomId);
    same(
      old.filter((id) => noise.includes(id)),
      [],
      `${SECTION}: an old token again`,
    );
  });

  it('has what was said before left out of a sync without a token, too', async () => {
    const { user, pest, roomId } = await scene();
    const before = await pest.say(roomId, 'buy');
    check(timelineOf(await user.sync(), roomId).includes(before), SECTION);
    await ignore(user, pest);
    check(!timelineOf(await user.sync(), roomId).includes(before), SECTION);
  });

  it('has none of that user’s messages counted, mentions and keywords neither, until the user is heard again', async () => {
    const { user, pest, friend, roomId } = await scene();
    const rule = `${SECTION}; Receiving notifications`;
    const put = { json: { actions: ['notify', { set_tweak: 'highlight' }], pattern: 'cake' } };
    const text = (body: string, more = {}) => ({ msgtype: 'm.text', body, ...more });
    const mentions = { 'm.mentions': { user_ids: [user.userId] } };
    let since: string | undefined;
    let last: unknown;
    const are = async (notifications: number, highlights: number, what: string) => {
      const next = await user.sync({ since, timeout: 0 });
      last = next.rooms?.join?.[roomId]?.unread_notifications ?? last;
      since = next.next_batch;
      const counts = { notification_count: notifications, highlight_count: highlights };
      same(last, counts, `${rule}: ${what} (incremental sync)`);
      same((await user.sync()).rooms?.join?.[roomId]?.unread_notifications, counts, `${rule}: ${what}`);
    };
    await are(0, 0, 'nothing yet');
    await pest.say(roomId, 'buy');
    await friend.say(roomId, 'hello');
    await pest.send(roomId, 'm.room.message', text('you', mentions));
    await are(3, 1, 'of all');
    await ignore(user, pest);
    await are(1, 0, 'once ignored');
    await pest.say(roomId, 'more');
    await pest.send(roomId, 'm.reaction', { ...mentions, 'm.relates_to': {} });
    await are(1, 0, 'while ignored');
    expectOk(await user.ask('PUT', path('pushrules', 'global', 'content', 'cake'), put), rule);
    await pest.say(roomId, 'cake');
    await are(1, 0, 'keywords');
    await pest.setState(roomId, 'org.example.state', '', mentions);
    await are(2, 1, 'state events are still sent');
    await ignore(user);
    await are(7, 4, 'heard again');
  });

  it('has none of that user’s messages among the notifications', async () => {
    const { user, pest, friend, roomId } = await scene();
    await ignore(user, pest);
    await pest.say(roomId, 'buy');
    const wanted = await friend.say(roomId, 'hello');
    const { notifications } = await user.get200('GET', path('notifications'));
    check(Array.isArray(notifications) && notifications.length === 1, `${SECTION}: GET /notifications`);
    same(notifications[0].event.event_id, wanted, `${SECTION}: GET /notifications`);
  });

  it('still gets state events of that user', async () => {
    const { user, pest, roomId } = await scene();
    await ignore(user, pest);
    const { next_batch } = await user.sync();
    const topic = await pest.setState(roomId, 'm.room.topic', '', { topic: 'mine' });
    await until(user, roomId, next_batch, topic);
    const { chunk } = await user.messages(roomId, { dir: 'b', limit: '5' });
    check(
      chunk.some(({ event_id }) => event_id === topic),
      `${SECTION}: state events in /messages`,
    );
    same((await user.state(roomId, 'm.room.topic'))['topic'], 'mine', SECTION);
  });

  it('finds no messages of that user in /messages, both ways, nor in /context', async () => {
    const { user, pest, friend, roomId } = await scene();
    const one = await friend.say(roomId, 'one');
    const noise = await pest.say(roomId, 'buy');
    const two = await friend.say(roomId, 'two');
    await ignore(user, pest);
    const of = async (dir: string) =>
      (await user.messages(roomId, { dir, limit: '100' })).chunk.map(({ event_id }) => event_id);
    for (const dir of ['b', 'f']) {
      const ids = await of(dir);
      check(ids.includes(one) && ids.includes(two), `${SECTION}: /messages ${dir}`, ids);
      check(!ids.includes(noise), `${SECTION}: /messages ${dir}`, ids);
    }
    const around = await user.get200('GET', path('rooms', roomId, 'context', two));
    check(!JSON.stringify(around).includes(noise), `${SECTION}: /context`);
    check(JSON.stringify(around).includes(one), `${SECTION}: /context, others`);
  });

  it('pages through whole pages of what is left out', async () => {
    const { user, pest, friend, roomId } = await scene();
    const wanted = [await friend.say(roomId, 'first')];
    for (let i = 0; i < 30; i++) await pest.say(roomId, `buy ${i}`);
    wanted.push(await friend.say(roomId, 'last'));
    await ignore(user, pest);
    const said = (await user.history(roomId, 5)).filter(({ type }) => type === 'm.room.message');
    same(
      said.map(({ event_id }) => event_id),
      wanted,
      `${SECTION}: /messages`,
    );
  });

  it('is told of no invitation by that user', async () => {
    const [user, pest, friend] = [await server.user(), await server.user(), await server.user()];
    await ignore(user, pest);
    const { next_batch } = await user.sync();
    const unwanted = await pest.createRoom();
    await pest.invite(unwanted, user.userId);
    const wanted = await friend.createRoom({ invite: [user.userId] });
    const seen: string[] = [];
    await user.syncUntil(next_batch, (sync) => {
      seen.push(...Object.keys(sync.rooms?.invite ?? {}));
      return seen.includes(wanted);
    });
    same(seen, [wanted], `${SECTION}: Servers must not send room invites from ignored users`);
    same(Object.keys((await user.sync()).rooms?.invite ?? {}), [wanted], `${SECTION}: a first sync`);
  });

  it('does not see that user type', async () => {
    const { user, pest, friend, roomId } = await scene();
    await ignore(user, pest);
    const { next_batch } = await user.sync();
    for (const one of [pest, friend]) {
      const where = path('rooms', roomId, 'typing', one.userId);
      await one.get200('PUT', where, { json: { typing: true, timeout: 20_000 } });
    }
    const typing: unknown[] = [];
    await user.syncUntil(next_batch, (sync) => {
      const events = sync.rooms?.join?.[roomId]?.ephemeral?.events ?? [];
      for (const { type, content } of events) if (type === 'm.typing') typing.push(content['user_ids']);
      return JSON.stringify(typing).includes(friend.userId);
    });
    check(!JSON.stringify(typing).includes(pest.userId), SECTION, typing);
  });

  it('gets that user’s messages again once the list says so, not those that were missed', async () => {
    const { user, pest, roomId } = await scene();
    await ignore(user, pest);
    let { next_batch } = await user.sync();
    const missed = await pest.say(roomId, 'buy');
    // The list is told as account data, by which time the message has gone by.
    await ignore(user, pest);
    ({ next_batch } = await user.sync({ since: next_batch }));
    await ignore(user);
    const again = await pest.say(roomId, 'sorry');
    const { seen } = await until(user, roomId, next_batch, again);
    check(!seen.includes(missed), `${SECTION}: it should not send events that were missed`, seen);
    check(timelineOf(await user.sync(), roomId).includes(missed), `${SECTION}: a fresh sync has them`);
  });

  it('cannot be the one who is ignored', async () => {
    const { user, pest, friend, roomId } = await scene();
    await ignore(user, user, pest);
    const { next_batch } = await user.sync();
    const rule = `${SECTION}: oneself`;
    const own = await user.say(roomId, 'I am here');
    const noise = await pest.say(roomId, 'buy');
    const last = await friend.say(roomId, 'hello');
    const { seen } = await until(user, roomId, next_batch, last);
    check(seen.includes(own) && !seen.includes(noise), `${rule}: an incremental sync`, seen);
    check(timelineOf(await user.sync(), roomId).includes(own), `${rule}: a first sync`);
    const { chunk } = await user.messages(roomId, { dir: 'b' });
    check(
      chunk.some(({ event_id }) => event_id === own),
      `${rule}: /messages`,
      chunk,
    );
    const found = await user.history(roomId);
    check(
      found.some(({ event_id }) => event_id === own),
      `${rule}: paging`,
    );
  });

  it('may have anything in the list, and nothing else breaks', async () => {
    const { user, friend, roomId } = await scene();
    const where = path('user', user.userId, 'account_data', 'm.ignored_user_list');
    for (const json of [
      {},
      { ignored_users: 7 },
      { ignored_users: [] },
      { ignored_users: { x: 1, __proto__: {} } },
    ]) {
      expectOk(await user.ask('PUT', where, { json }), SECTION);
      const said = await friend.say(roomId, 'hello');
      check(timelineOf(await user.sync(), roomId).includes(said), SECTION, json);
      await user.messages(roomId, { dir: 'b' });
    }
  });
});

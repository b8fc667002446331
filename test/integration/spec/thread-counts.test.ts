import { describe, it } from 'node:test';
import { type Client, type Json, path } from '../../support/client.ts';
import { check, expectOk, same } from '../../support/expect.ts';
import { sharedServer } from '../../support/shared-server.ts';

const shared = sharedServer();
const section = 'CS API, Receiving notifications, threads';
const FILTER = { room: { timeline: { limit: 50, unread_thread_notifications: true } } };

const inThread = (user: Client, roomId: string, root: string, more: Json = {}): Promise<string> =>
  user.send(roomId, 'm.room.message', {
    msgtype: 'm.text',
    body: 'in the thread',
    'm.relates_to': { rel_type: 'm.thread', event_id: root },
    ...more,
  });

const read = async (user: Client, roomId: string, eventId: string, thread_id?: string): Promise<void> => {
  const json = thread_id === undefined ? {} : { thread_id };
  expectOk(await user.ask('POST', path('rooms', roomId, 'receipt', 'm.read', eventId), { json }), section);
};

interface Counts {
  readonly main: readonly [number, number];
  readonly threads: Readonly<Record<string, readonly [number, number]>>;
}

function countsOf(room: Json | undefined): Counts {
  const pairOf = (counts: unknown): readonly [number, number] => {
    // Its shape is what the tests check.
    const { notification_count = 0, highlight_count = 0 } = (counts ?? {}) as Record<string, number>;
    return [notification_count, highlight_count];
  };
  const threads = Object.entries((room?.['unread_thread_notifications'] ?? {}) as Json);
  const counted = threads.map(([root, counts]) => [root, pairOf(counts)] as const);
  return {
    main: pairOf(room?.['unread_notifications']),
    threads: Object.fromEntries(counted.filter(([, [count]]) => count !== 0)),
  };
}

async function byThread(user: Client, roomId: string): Promise<Counts> {
  const room = (await user.sync({ filter: FILTER })).rooms?.join?.[roomId];
  return countsOf(room as unknown as Json);
}

async function whole(user: Client, roomId: string): Promise<readonly [number, number]> {
  const room = (await user.sync()).rooms?.join?.[roomId] as unknown as Json;
  check(!('unread_thread_notifications' in room), 'RoomEventFilter: defaults to false', room);
  return countsOf(room).main;
}

describe('unread counts by thread', () => {
  it('are told with the filter; without it all are told together', async () => {
    const [owner, guest, roomId] = await shared.pair();
    const root = await owner.say(roomId, 'root');
    const other = await owner.say(roomId, 'another root');
    await inThread(owner, roomId, root);
    await inThread(owner, roomId, root);
    await inThread(owner, roomId, other);
    same(
      await byThread(guest, roomId),
      { main: [2, 0], threads: { [root]: [2, 0], [other]: [1, 0] } },
      `${section}: thread roots are in the main timeline`,
    );
    same(await whole(guest, roomId), [5, 0], `${section}: all events in the room`);
  });

  it('come in the same incremental sync as the event', async () => {
    const [owner, guest, roomId] = await shared.pair();
    const root = await owner.say(roomId, 'root');
    let { next_batch } = await guest.sync({ filter: FILTER });
    for (let count = 1; count <= 3; count += 1) {
      await inThread(owner, roomId, root);
      const answer = await guest.sync({ since: next_batch, filter: FILTER, timeout: 10_000 });
      same(
        countsOf(answer.rooms?.join?.[roomId] as unknown as Json),
        { main: [1, 0], threads: { [root]: [count, 0] } },
        'CS API, Push notifications: the updated count MUST appear in the same /sync',
      );
      next_batch = answer.next_batch;
    }
  });

  it('fall with a receipt in the thread, and no other does', async () => {
    const [owner, guest, roomId] = await shared.pair();
    const root = await owner.say(roomId, 'root');
    const one = await inThread(owner, roomId, root);
    const two = await inThread(owner, roomId, root);
    await read(guest, roomId, one, root);
    same(await byThread(guest, roomId), { main: [1, 0], threads: { [root]: [1, 0] } }, section);
    await read(guest, roomId, two, root);
    same(await byThread(guest, roomId), { main: [1, 0], threads: {} }, section);
    same(await whole(guest, roomId), [1, 0], section);
  });

  it('of the main timeline fall with a receipt in main, threads do not', async () => {
    const [owner, guest, roomId] = await shared.pair();
    const root = await owner.say(roomId, 'root');
    await inThread(owner, roomId, root);
    const last = await owner.say(roomId, 'later');
    await read(guest, roomId, last, 'main');
    same(
      await byThread(guest, roomId),
      { main: [0, 0], threads: { [root]: [1, 0] } },
      'CS API, Threaded read receipts: a receipt on I marks A, B and I',
    );
  });

  it('all fall with an unthreaded receipt, up to its event', async () => {
    const [owner, guest, roomId] = await shared.pair();
    const root = await owner.say(roomId, 'root');
    const reply = await inThread(owner, roomId, root);
    await inThread(owner, roomId, root);
    await owner.say(roomId, 'later');
    await read(guest, roomId, reply);
    same(
      await byThread(guest, roomId),
      { main: [1, 0], threads: { [root]: [1, 0] } },
      'CS API, Threaded read receipts: an unthreaded receipt on D marks A, B, C and D',
    );
  });

  it('fall within an incremental sync when a threaded receipt is set', async () => {
    const [owner, guest, roomId] = await shared.pair();
    const root = await owner.say(roomId, 'root');
    const reply = await inThread(owner, roomId, root);
    const { next_batch } = await guest.sync({ filter: FILTER });
    await read(guest, roomId, reply, root);
    const answer = await guest.sync({ since: next_batch, filter: FILTER, timeout: 10_000 });
    same(
      countsOf(answer.rooms?.join?.[roomId] as unknown as Json),
      { main: [1, 0], threads: {} },
      'CS API, Receiving notifications: servers MUST update it as it changes',
    );
  });

  it('count what is related to an event of a thread as in the thread, three relations far', async () => {
    const [owner, guest, roomId] = await shared.pair();
    const root = await owner.say(roomId, 'root');
    let parent = await inThread(owner, roomId, root);
    const refer = (event_id: string) =>
      owner.send(roomId, 'm.room.message', {
        msgtype: 'm.text',
        body: 'refers',
        'm.relates_to': { rel_type: 'm.reference', event_id },
      });
    for (let hop = 0; hop < 3; hop += 1) parent = await refer(parent);
    same(
      await byThread(guest, roomId),
      { main: [1, 0], threads: { [root]: [4, 0] } },
      'CS API, Threaded read receipts: following the event relationships',
    );
    await refer(root);
    same(
      (await byThread(guest, roomId)).main,
      [2, 0],
      'CS API, Threads: what is related to a root otherwise is in main',
    );
  });

  it('tell mentions in a thread as highlights of that thread', async () => {
    const [owner, guest, roomId] = await shared.pair();
    const root = await owner.say(roomId, 'root');
    await inThread(owner, roomId, root, { 'm.mentions': { user_ids: [guest.userId] } });
    same(await byThread(guest, roomId), { main: [1, 0], threads: { [root]: [1, 1] } }, section);
    same(await whole(guest, roomId), [2, 1], section);
  });

  it('of a thread fall when one sends something into it', async () => {
    const [owner, guest, roomId] = await shared.pair();
    const root = await owner.say(roomId, 'root');
    const other = await owner.say(roomId, 'another');
    await inThread(owner, roomId, root);
    await inThread(owner, roomId, other);
    await inThread(guest, roomId, root);
    same(
      await byThread(guest, roomId),
      { main: [2, 0], threads: { [other]: [1, 0] } },
      'CS API, Marking notifications as read: or by sending an event',
    );
  });

  it('name their thread in the receipts that others see', async () => {
    const [owner, guest, roomId] = await shared.pair();
    const root = await owner.say(roomId, 'root');
    const reply = await inThread(owner, roomId, root);
    const { next_batch } = await owner.sync();
    await read(guest, roomId, reply, root);
    await read(guest, roomId, root, 'main');
    const answer = await owner.syncUntil(next_batch, (sync) =>
      JSON.stringify(sync.rooms?.join?.[roomId]?.ephemeral ?? {}).includes('"main"'),
    );
    const event = answer.rooms?.join?.[roomId]?.ephemeral?.events.find(({ type }) => type === 'm.receipt');
    const thread = (eventId: string) => {
      // Its shape is what is checked.
      const byUser = event?.content[eventId] as Record<string, Record<string, Json>> | undefined;
      return byUser?.['m.read']?.[guest.userId]?.['thread_id'];
    };
    same(thread(root), 'main', 'CS API, m.receipt: thread_id');
    check(
      [root, undefined].includes(thread(reply) as string | undefined),
      'CS API, m.receipt: thread_id',
      event,
    );
  });
});

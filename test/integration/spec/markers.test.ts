import { describe, it } from 'node:test';
import { type Client, isObject, type Json, login, path, type SyncAnswer } from '../../support/client.ts';
import { check, expectError, expectOk, same } from '../../support/expect.ts';
import { sharedServer } from '../../support/shared-server.ts';

const shared = sharedServer();

const receipt = (user: Client, roomId: string, type: string, eventId: string, json: Json = {}) =>
  user.ask('POST', path('rooms', roomId, 'receipt', type, eventId), { json });

const markers = (user: Client, roomId: string, json: Json) =>
  user.ask('POST', path('rooms', roomId, 'read_markers'), { json });

/** Every receipt of a room in an answer: `[event, type, user, thread]`. */
function receipts(answer: SyncAnswer, roomId: string): readonly (readonly unknown[])[] {
  const events = answer.rooms?.join?.[roomId]?.ephemeral?.events ?? [];
  return events
    .filter((event) => event.type === 'm.receipt')
    .flatMap((event) =>
      Object.entries(event.content).flatMap(([eventId, byType]) =>
        Object.entries(isObject(byType) ? byType : {}).flatMap(([type, byUser]) =>
          Object.entries(isObject(byUser) ? byUser : {}).map(([user, data]) => [
            eventId,
            type,
            user,
            isObject(data) ? data['thread_id'] : 'no data',
          ]),
        ),
      ),
    );
}

const roomData = (answer: SyncAnswer, roomId: string, type: string) =>
  answer.rooms?.join?.[roomId]?.account_data?.events.find((event) => event.type === type)?.content;

describe('receipts', () => {
  const section = 'CS API, Receipts';

  it('that are private are told to their user and to nobody else', async () => {
    const [owner, guest, roomId] = await shared.pair();
    const said = await owner.say(roomId, 'x');
    const before = [await owner.sync(), await guest.sync()] as const;
    expectOk(await receipt(guest, roomId, 'm.read.private', said), section);
    const mine = await guest.syncUntil(before[1].next_batch, (answer) => receipts(answer, roomId).length > 0);
    same(
      receipts(mine, roomId),
      [[said, 'm.read.private', guest.userId, undefined]],
      'CS API, Private read receipts',
    );
    await guest.say(roomId, 'a later event');
    const theirs = await owner.syncUntil(
      before[0].next_batch,
      (answer) => (answer.rooms?.join?.[roomId]?.timeline?.events.length ?? 0) > 0,
    );
    const rule = 'CS API, Private read receipts: MUST NOT send them to any other user';
    same(receipts(theirs, roomId), [], rule);
    same(receipts(await owner.sync(), roomId), [], `${rule}; not in an initial sync either`);
  });

  it('of main, of a thread and of neither stand beside each other', async () => {
    const [owner, guest, roomId] = await shared.pair();
    const root = await owner.say(roomId, 'root');
    const inThread = await owner.send(roomId, 'm.room.message', {
      msgtype: 'm.text',
      body: 'in the thread',
      'm.relates_to': { rel_type: 'm.thread', event_id: root },
    });
    const last = await owner.say(roomId, 'main again');
    expectOk(await receipt(guest, roomId, 'm.read', root), section);
    expectOk(await receipt(guest, roomId, 'm.read', inThread, { thread_id: root }), section);
    expectOk(await receipt(guest, roomId, 'm.read', last, { thread_id: 'main' }), section);
    const rule = `${section}: each user, type and thread has a single event`;
    const answer = await owner.syncUntil(undefined, (sync) => receipts(sync, roomId).length >= 3);
    const found = receipts(answer, roomId).map(([event, , , thread]) => `${thread} ${event}`);
    same(found.sort(), [`undefined ${root}`, `${root} ${inThread}`, `main ${last}`].sort(), rule);
  });

  it('take the place of an earlier one of the same type and thread', async () => {
    const [owner, guest, roomId] = await shared.pair();
    const [one, two] = [await owner.say(roomId, '1'), await owner.say(roomId, '2')];
    expectOk(await receipt(guest, roomId, 'm.read', one), section);
    expectOk(await receipt(guest, roomId, 'm.read', two), section);
    const found = receipts(await owner.sync(), roomId);
    same(found, [[two, 'm.read', guest.userId, undefined]], section);
  });

  it('that are older than the one there is change nothing, per type and thread', async () => {
    const rule = `${section}: "up to and including": the newer one says more`;
    const [owner, guest, roomId] = await shared.pair();
    const [one, two] = [await owner.say(roomId, '1'), await owner.say(roomId, '2')];
    expectOk(await receipt(guest, roomId, 'm.read', two), section);
    const seen = await owner.syncUntil(undefined, (sync) => receipts(sync, roomId).length > 0);
    same(expectOk(await receipt(guest, roomId, 'm.read', one), rule), {}, `${rule}; no error`);
    expectOk(await markers(guest, roomId, { 'm.read': one }), rule);
    expectOk(await receipt(guest, roomId, 'm.read', one, { thread_id: 'main' }), rule);
    const next = await owner.syncUntil(seen.next_batch, (sync) => receipts(sync, roomId).length > 0);
    same(
      receipts(next, roomId),
      [[one, 'm.read', guest.userId, 'main']],
      `${rule}; another thread stands alone`,
    );
    const all = receipts(await owner.sync(), roomId).map(([event, , , thread]) => `${thread} ${event}`);
    same(all.sort(), [`undefined ${two}`, `main ${one}`].sort(), rule);
    const three = await owner.say(roomId, '3');
    expectOk(await receipt(guest, roomId, 'm.read', three), rule);
    await owner.syncUntil(next.next_batch, (sync) => receipts(sync, roomId).length > 0);
  });

  it('have the time at which the server got them, whatever the client says', async () => {
    const [owner, guest, roomId] = await shared.pair();
    const said = await owner.say(roomId, 'x');
    const before = Date.now();
    expectOk(await receipt(guest, roomId, 'm.read', said, { ts: 5 }), section);
    const sync = await owner.syncUntil(undefined, (answer) => receipts(answer, roomId).length > 0);
    const events = sync.rooms?.join?.[roomId]?.ephemeral?.events.filter(({ type }) => type === 'm.receipt');
    const byType = events?.[0]?.content[said];
    const byUser = isObject(byType) ? byType['m.read'] : undefined;
    const data = isObject(byUser) ? byUser[guest.userId] : undefined;
    check(
      isObject(data) && Number(data['ts']) >= before - 1_000,
      'CS API, POST receipt: the server sets ts',
      data,
    );
  });

  it('are refused with a thread that is none, or for a marker that has none', async () => {
    const rule = 'CS API, POST receipt, 400: the thread_id is invalid in some way';
    const [owner, guest, roomId] = await shared.pair();
    const said = await owner.say(roomId, 'x');
    for (const thread_id of ['', 7, null, {}])
      expectError(
        await receipt(guest, roomId, 'm.read', said, { thread_id }),
        400,
        ['M_INVALID_PARAM', 'M_BAD_JSON'],
        `${rule} (${JSON.stringify(thread_id)})`,
      );
    const marker = await receipt(guest, roomId, 'm.fully_read', said, { thread_id: 'main' });
    expectError(marker, 400, 'M_INVALID_PARAM', `${rule}: an incompatible receipt type`);
    const unknown = await receipt(guest, roomId, 'org.example.seen', said);
    expectError(unknown, 400, 'M_INVALID_PARAM', 'CS API, POST receipt: receiptType');
    same(receipts(await owner.sync(), roomId), [], `${rule}; nothing has changed`);
  });

  it('that lag behind the private one are told, and do not bring the count back', async () => {
    const [owner, guest, roomId] = await shared.pair();
    const [one, two] = [await owner.say(roomId, '1'), await owner.say(roomId, '2')];
    expectOk(await receipt(guest, roomId, 'm.read.private', two), section);
    const { next_batch } = await owner.sync();
    expectOk(await receipt(guest, roomId, 'm.read', one), section);
    const seen = await owner.syncUntil(next_batch, (answer) => receipts(answer, roomId).length > 0);
    same(receipts(seen, roomId), [[one, 'm.read', guest.userId, undefined]], 'CS API, Private read receipts');
    const unread = (await guest.sync()).rooms?.join?.[roomId]?.unread_notifications?.notification_count ?? 0;
    same(unread, 0, 'CS API, Private read receipts: counts are not rewound');
  });

  it('are refused for a thread to which the event does not belong', async () => {
    const [owner, guest, roomId] = await shared.pair();
    const [root, other] = [await owner.say(roomId, 'root'), await owner.say(roomId, 'other')];
    const inThread = await owner.send(roomId, 'm.room.message', {
      msgtype: 'm.text',
      body: 't',
      'm.relates_to': { rel_type: 'm.thread', event_id: root },
    });
    const rule = 'CS API, POST receipt, 400: the event_id is not related to the thread_id';
    for (const [event, thread_id] of [
      [other, root],
      [inThread, 'main'],
      [inThread, other],
    ] as const)
      expectError(
        await receipt(guest, roomId, 'm.read', event, { thread_id }),
        400,
        'M_INVALID_PARAM',
        `${rule} (${thread_id === 'main' ? 'main' : 'a thread'})`,
      );
    expectOk(await receipt(guest, roomId, 'm.read', inThread, { thread_id: root }), rule);
    expectOk(
      await receipt(guest, roomId, 'm.read', root, { thread_id: 'main' }),
      'CS API, Threaded read receipts: thread roots are in the main timeline',
    );
    expectOk(
      await receipt(guest, roomId, 'm.read', root, { thread_id: root }),
      'MSC3771 in v1.4: a thread’s root may be acknowledged in its thread',
    );
  });

  it('on a reaction to an event of a thread belong to that thread', async () => {
    const [owner, guest, roomId] = await shared.pair();
    const root = await owner.say(roomId, 'root');
    const inThread = await owner.send(roomId, 'm.room.message', {
      msgtype: 'm.text',
      body: 't',
      'm.relates_to': { rel_type: 'm.thread', event_id: root },
    });
    const reaction = await owner.send(roomId, 'm.reaction', {
      'm.relates_to': { rel_type: 'm.annotation', event_id: inThread, key: 'x' },
    });
    const onRoot = await owner.send(roomId, 'm.reaction', {
      'm.relates_to': { rel_type: 'm.annotation', event_id: root, key: 'x' },
    });
    const rule = 'CS API, Threaded read receipts: following the event relationships';
    expectOk(await receipt(guest, roomId, 'm.read', reaction, { thread_id: root }), rule);
    expectOk(
      await receipt(guest, roomId, 'm.read', onRoot, { thread_id: 'main' }),
      `${rule}; what relates to a root otherwise is in the main timeline`,
    );
  });

  it('are refused for events that the room does not have', async () => {
    const [owner, guest, roomId] = await shared.pair();
    const elsewhere = await owner.createRoom();
    const said = await owner.say(elsewhere, 'x');
    for (const eventId of [said, `$${'r'.repeat(43)}`])
      expectError(
        await receipt(guest, roomId, 'm.read', eventId),
        [400, 403, 404],
        ['M_NOT_FOUND', 'M_INVALID_PARAM', 'M_FORBIDDEN'],
        'CS API, POST receipt',
      );
    expectError(
      await shared.http.ask('POST', path('rooms', roomId, 'receipt', 'm.read', said), { json: {} }),
      401,
      'M_MISSING_TOKEN',
      'CS API, POST receipt',
    );
  });
});

describe('the fully-read marker', () => {
  const section = 'CS API, Fully read markers';

  it('moves with read_markers, and so do both receipts, in one request', async () => {
    const [owner, guest, roomId] = await shared.pair();
    const [one, two, three] = [
      await owner.say(roomId, '1'),
      await owner.say(roomId, '2'),
      await owner.say(roomId, '3'),
    ];
    const { next_batch } = await guest.sync();
    const body = { 'm.fully_read': one, 'm.read': two, 'm.read.private': three };
    same(expectOk(await markers(guest, roomId, body), section), {}, 'CS API, POST read_markers, 200');
    let token = next_batch;
    const seen: (readonly unknown[])[] = [];
    let marker: unknown;
    for (let i = 0; i < 20 && (seen.length < 2 || marker === undefined); i++) {
      const answer = await guest.sync({ since: token, timeout: 500 });
      seen.push(...receipts(answer, roomId));
      marker ??= roomData(answer, roomId, 'm.fully_read');
      token = answer.next_batch;
    }
    same(marker, { event_id: one }, `${section}: MUST be sent through the event stream`);
    same(
      seen.map(([event, type]) => `${type} ${event}`).sort(),
      [`m.read ${two}`, `m.read.private ${three}`].sort(),
      `${section}: m.read and m.read.private as by /receipt`,
    );
    const stored = path('user', guest.userId, 'rooms', roomId, 'account_data', 'm.fully_read');
    same(await guest.get200('GET', stored), { event_id: one }, `${section}: kept as room account data`);
  });

  it('is set by a receipt of its type, too, which nobody is told as a receipt', async () => {
    const rule = 'CS API, POST receipt: m.fully_read does not appear under m.receipt';
    const [owner, guest, roomId] = await shared.pair();
    const said = await owner.say(roomId, 'x');
    const since = (await guest.sync()).next_batch;
    expectOk(await receipt(guest, roomId, 'm.fully_read', said), rule);
    const answer = await guest.syncUntil(
      since,
      (sync) => roomData(sync, roomId, 'm.fully_read') !== undefined,
    );
    same(roomData(answer, roomId, 'm.fully_read'), { event_id: said }, rule);
    for (const user of [guest, owner]) {
      const sync = await user.sync();
      same(receipts(sync, roomId), [], rule);
    }
    same(roomData(await owner.sync(), roomId, 'm.fully_read'), undefined, `${section}: the user’s own`);
  });

  it('is put where the user wants it, back too', async () => {
    const rule = 'CS API, POST read_markers: the event ID the read marker should be located at';
    const [owner, guest, roomId] = await shared.pair();
    const [one, two] = [await owner.say(roomId, '1'), await owner.say(roomId, '2')];
    const stored = path('user', guest.userId, 'rooms', roomId, 'account_data', 'm.fully_read');
    for (const event_id of [two, one]) {
      expectOk(await markers(guest, roomId, { 'm.fully_read': event_id }), rule);
      same(await guest.get200('GET', stored), { event_id }, rule);
    }
  });

  it('needs no property at all', async () => {
    const [, guest, roomId] = await shared.pair();
    expectOk(await markers(guest, roomId, {}), 'CS API, POST read_markers: m.fully_read is not required');
  });

  it('goes to events of the room only, and moves nothing when one is wrong', async () => {
    const [owner, guest, roomId] = await shared.pair();
    const said = await owner.say(roomId, 'x');
    const elsewhere = await owner.createRoom();
    const other = await owner.say(elsewhere, 'y');
    expectError(
      await markers(guest, roomId, { 'm.fully_read': other, 'm.read': said }),
      [400, 404],
      ['M_INVALID_PARAM', 'M_NOT_FOUND'],
      `${section}: the event MUST belong to the room`,
    );
    expectError(
      await markers(guest, roomId, { 'm.fully_read': 7 }),
      400,
      ['M_BAD_JSON', 'M_INVALID_PARAM'],
      section,
    );
    const stored = path('user', guest.userId, 'rooms', roomId, 'account_data', 'm.fully_read');
    expectError(await guest.ask('GET', stored), 404, 'M_NOT_FOUND', section);
    same(receipts(await owner.sync(), roomId), [], `${section}: a request is done as a whole or not at all`);
  });

  it('is for members of the room', async () => {
    const [owner, , roomId] = await shared.pair();
    const said = await owner.say(roomId, 'x');
    const stranger = await shared.user();
    expectError(await markers(stranger, roomId, { 'm.fully_read': said }), 403, 'M_FORBIDDEN', section);
  });
});

describe('the unread marker', () => {
  it('is room account data that the client sets itself', async () => {
    const section = 'CS API, Unread markers';
    const [, guest, roomId] = await shared.pair();
    const where = path('user', guest.userId, 'rooms', roomId, 'account_data', 'm.marked_unread');
    expectError(await guest.ask('GET', where), 404, 'M_NOT_FOUND', section);
    const { next_batch } = await guest.sync();
    expectOk(await guest.ask('PUT', where, { json: { unread: true } }), section);
    const answer = await guest.syncUntil(
      next_batch,
      (sync) => roomData(sync, roomId, 'm.marked_unread') !== undefined,
    );
    same(roomData(answer, roomId, 'm.marked_unread'), { unread: true }, `${section}: pushed when updated`);
    expectOk(await guest.ask('PUT', where, { json: { unread: false } }), section);
    same(await guest.get200('GET', where), { unread: false }, section);
  });
});

describe('typing', () => {
  const section = 'CS API, PUT /rooms/{roomId}/typing/{userId}';
  const type = (user: Client, roomId: string, json: Json) =>
    user.ask('PUT', path('rooms', roomId, 'typing', user.userId), { json });
  const typists = (answer: SyncAnswer, roomId: string) =>
    answer.rooms?.join?.[roomId]?.ephemeral?.events.find((event) => event.type === 'm.typing')?.content[
      'user_ids'
    ];

  it('names everyone who types, and each who stops is left out', async () => {
    const [owner, guest, roomId] = await shared.pair();
    const third = await shared.user();
    await third.join(roomId);
    const start = await owner.sync();
    expectOk(await type(guest, roomId, { typing: true, timeout: 30_000 }), section);
    expectOk(await type(third, roomId, { typing: true, timeout: 30_000 }), section);
    const is = (wanted: readonly string[]) => (answer: SyncAnswer) => {
      const found = typists(answer, roomId);
      return Array.isArray(found) && JSON.stringify([...found].sort()) === JSON.stringify([...wanted].sort());
    };
    const both = await owner.syncUntil(start.next_batch, is([guest.userId, third.userId]));
    expectOk(await type(guest, roomId, { typing: false }), section);
    const one = await owner.syncUntil(both.next_batch, is([third.userId]));
    expectOk(await type(third, roomId, { typing: false }), section);
    await owner.syncUntil(one.next_batch, is([]));
  });

  it('ends at once for who leaves, is kicked or banned, and not for the others', async () => {
    const ends: Readonly<Record<string, (owner: Client, guest: Client, roomId: string) => Promise<unknown>>> =
      {
        leave: (_, guest, roomId) => guest.leave(roomId),
        kick: (owner, guest, roomId) =>
          owner.get200('POST', path('rooms', roomId, 'kick'), { json: { user_id: guest.userId } }),
        ban: (owner, guest, roomId) =>
          owner.get200('POST', path('rooms', roomId, 'ban'), { json: { user_id: guest.userId } }),
      };
    for (const [how, end] of Object.entries(ends)) {
      const [owner, guest, roomId] = await shared.pair();
      const third = await shared.user();
      await third.join(roomId);
      for (const user of [guest, third]) expectOk(await type(user, roomId, { typing: true }), section);
      const both = await owner.syncUntil(undefined, (sync) => {
        const found = typists(sync, roomId);
        return Array.isArray(found) && found.length === 2;
      });
      await end(owner, guest, roomId);
      const rule = `CS API, m.typing: the users typing in this room (${how})`;
      const next = await owner.syncUntil(both.next_batch, (sync) => typists(sync, roomId) !== undefined);
      same(typists(next, roomId), [third.userId], rule);
      const left = next.rooms?.join?.[roomId]?.timeline?.events.at(-1);
      same(left?.state_key, guest.userId, `${rule}: not later than the leave`);
      same(typists(await owner.sync(), roomId), [third.userId], `${rule}, first sync`);
      const after = await owner.sync({ since: next.next_batch });
      same(typists(after, roomId), undefined, `${rule}: told once`);
      if (how === 'ban') continue;
      await guest.join(roomId);
      expectOk(await type(guest, roomId, { typing: true }), section);
      await owner.syncUntil(after.next_batch, (sync) => {
        const found = typists(sync, roomId);
        return Array.isArray(found) && found.includes(guest.userId);
      });
    }
  });

  it('ends with the device on which it was', async () => {
    const [owner, guest, roomId] = await shared.pair();
    const other = await login(shared.http, guest.userId, 'correct horse battery');
    expectOk(await type(guest, roomId, { typing: true, timeout: 100_000 }), section);
    const first = await owner.syncUntil(undefined, (sync) => typists(sync, roomId) !== undefined);
    await other.get200('POST', path('logout'));
    const still = await owner.sync({ since: first.next_batch, timeout: 300 });
    same(typists(still, roomId), undefined, `${section}: another device was logged out`);
    await guest.get200('POST', path('logout'));
    const then = await owner.syncUntil(still.next_batch, (sync) => typists(sync, roomId) !== undefined);
    same(typists(then, roomId), [], `${section}: nobody types there`);
  });

  it('is prolonged by another request', async () => {
    const [owner, guest, roomId] = await shared.pair();
    expectOk(await type(guest, roomId, { typing: true, timeout: 700 }), section);
    expectOk(await type(guest, roomId, { typing: true, timeout: 30_000 }), section);
    await new Promise((resolve) => setTimeout(resolve, 1_000));
    const answer = await owner.syncUntil(undefined, (sync) => typists(sync, roomId) !== undefined);
    same(
      typists(answer, roomId),
      [guest.userId],
      `${section}: the next N milliseconds from the last request`,
    );
  });

  it('is in an initial sync, and is not told to those who left', async () => {
    const [owner, guest, roomId] = await shared.pair();
    expectOk(await type(owner, roomId, { typing: true, timeout: 30_000 }), section);
    const answer = await guest.syncUntil(undefined, (sync) => typists(sync, roomId) !== undefined);
    same(typists(answer, roomId), [owner.userId], 'CS API, m.typing: ephemeral events of the room');
    await guest.leave(roomId);
    const later = await guest.sync({ since: answer.next_batch });
    same(typists(later, roomId), undefined, section);
  });

  it('refuses a timeout that is no number, and needs a token', async () => {
    const [, guest, roomId] = await shared.pair();
    for (const timeout of ['soon', 1.5, null])
      expectError(
        await type(guest, roomId, { typing: true, timeout }),
        400,
        ['M_BAD_JSON', 'M_INVALID_PARAM'],
        `${section}, timeout: integer (${timeout})`,
      );
    check(
      (await type(guest, roomId, { typing: true })).status === 200,
      `${section}: timeout is not required`,
      roomId,
    );
    expectError(
      await shared.http.ask('PUT', path('rooms', roomId, 'typing', guest.userId), { json: { typing: true } }),
      401,
      'M_MISSING_TOKEN',
      section,
    );
  });
});

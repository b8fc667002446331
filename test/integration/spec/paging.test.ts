import { describe, it } from 'node:test';
import { type Client, type ClientEvent, type Json, path } from '../../support/client.ts';
import { check, expectError, same } from '../../support/expect.ts';
import { sharedServer } from '../../support/shared-server.ts';

const shared = sharedServer();
const section = 'CS API, GET /rooms/{roomId}/messages';
const ids = (events: readonly ClientEvent[]) => events.map((event) => event.event_id);

async function talk(count: number): Promise<readonly [Client, string, readonly string[]]> {
  const user = await shared.user();
  const roomId = await user.createRoom({ preset: 'public_chat' });
  const sent: string[] = [];
  for (let i = 0; i < count; i++) sent.push(await user.say(roomId, String(i)));
  return [user, roomId, sent];
}

async function filtered(user: Client, roomId: string, filter: Json): Promise<readonly ClientEvent[]> {
  const page = await user.messages(roomId, { dir: 'b', limit: '100', filter: JSON.stringify(filter) });
  return page.chunk;
}

describe('tokens of /messages', () => {
  it('lead back where they came from', async () => {
    const [user, roomId, sent] = await talk(6);
    const back = await user.messages(roomId, { dir: 'b', limit: '3' });
    same(ids(back.chunk), [sent[5], sent[4], sent[3]], section);
    const again = await user.messages(roomId, { dir: 'f', from: back.end ?? '', limit: '3' });
    same(ids(again.chunk), [sent[3], sent[4], sent[5]], `${section}: end, in the other direction`);
  });

  it('stay good while the room goes on', async () => {
    const [user, roomId, sent] = await talk(4);
    const page = await user.messages(roomId, { dir: 'b', limit: '2' });
    for (let i = 0; i < 3; i++) await user.say(roomId, `later ${i}`);
    const next = await user.messages(roomId, { dir: 'b', from: page.end ?? '', limit: '2' });
    same(ids(next.chunk), [sent[1], sent[0]], `${section}, from: unmoved by what came since`);
  });

  it('bound a page on both sides', async () => {
    const [user, roomId, sent] = await talk(8);
    const newest = await user.messages(roomId, { dir: 'b', limit: '2' });
    const older = await user.messages(roomId, { dir: 'b', from: newest.end ?? '', limit: '4' });
    const gap = await user.messages(roomId, {
      dir: 'b',
      from: newest.end ?? '',
      to: older.end ?? '',
      limit: '50',
    });
    same(ids(gap.chunk), [sent[5], sent[4], sent[3], sent[2]], `${section}, from and to`);
    const forward = await user.messages(roomId, {
      dir: 'f',
      from: older.end ?? '',
      to: newest.end ?? '',
      limit: '50',
    });
    same(ids(forward.chunk), [sent[2], sent[3], sent[4], sent[5]], `${section}, from and to, dir=f`);
  });

  it('of a limited sync close its gap', async () => {
    const [user, roomId] = await talk(1);
    const since = (await user.sync()).next_batch;
    const sent: string[] = [];
    for (let i = 0; i < 7; i++) sent.push(await user.say(roomId, `gap ${i}`));
    const filter = { room: { timeline: { limit: 2 } } };
    const limited = (await user.sync({ since, filter })).rooms?.join?.[roomId]?.timeline;
    same([limited?.limited, ids(limited?.events ?? [])], [true, sent.slice(5)], 'CS API, Syncing: limited');
    const rule = 'CS API, Syncing: the client can fill these gaps using /messages';
    const forward = await user.messages(roomId, {
      dir: 'f',
      from: since,
      to: limited?.prev_batch ?? '',
      limit: '50',
    });
    same(ids(forward.chunk), sent.slice(0, 5), rule);
    const backward = await user.messages(roomId, {
      dir: 'b',
      from: limited?.prev_batch ?? '',
      to: since,
      limit: '50',
    });
    same(ids(backward.chunk), sent.slice(0, 5).reverse(), rule);
  });

  it('are one user’s as good as another’s, since they name places', async () => {
    const [user, roomId, sent] = await talk(4);
    const other = await shared.user();
    await other.join(roomId);
    const page = await user.messages(roomId, { dir: 'b', limit: '2' });
    const next = await other.messages(roomId, { dir: 'b', from: page.end ?? '', limit: '2' });
    same(ids(next.chunk), [sent[2], sent[1]], section);
  });
});

describe('both ends of a room', () => {
  it('backwards, the page with the create event is the last one', async () => {
    const [user, roomId] = await talk(0);
    const page = await user.messages(roomId, { dir: 'b', limit: '100' });
    same(page.chunk.at(-1)?.type, 'm.room.create', section);
    same(page.end, undefined, `${section}: end is omitted when there is nothing more`);
  });

  it('forwards, the end is omitted at the newest event', async () => {
    const [user, roomId, sent] = await talk(3);
    const page = await user.messages(roomId, { dir: 'f', limit: '100' });
    same(ids(page.chunk).slice(-3), [...sent], `${section}: from the first visible event`);
    same(page.end, undefined, `${section}: end is omitted when no further events are available`);
  });

  it('a page that ends exactly at the beginning is not followed by a full one', async () => {
    const [user, roomId] = await talk(0);
    const all = await user.history(roomId);
    const page = await user.messages(roomId, { dir: 'b', limit: String(all.length) });
    same(page.chunk.length, all.length, section);
    if (page.end === undefined) return;
    const next = await user.messages(roomId, { dir: 'b', from: page.end, limit: '10' });
    same([next.chunk.length, next.end], [0, undefined], `${section}: an empty chunk without end`);
  });

  it('for a newcomer to a room whose history is for the joined, history begins at the join', async () => {
    const [owner, guest] = [await shared.user(), await shared.user()];
    const roomId = await owner.createRoom({
      preset: 'public_chat',
      initial_state: [{ type: 'm.room.history_visibility', content: { history_visibility: 'joined' } }],
    });
    for (let i = 0; i < 12; i++) await owner.say(roomId, `hidden ${i}`);
    await guest.join(roomId);
    await owner.say(roomId, 'seen');
    const seen: ClientEvent[] = [];
    let from: string | undefined;
    for (let pages = 0; pages < 40; pages++) {
      const page = await guest.messages(roomId, {
        dir: 'b',
        limit: '2',
        ...(from === undefined ? {} : { from }),
      });
      seen.push(...page.chunk);
      from = page.end;
      if (from === undefined) break;
    }
    same(from, undefined, `${section}: end is omitted when the user may see nothing more`);
    const bodies = seen.map((event) => event.content['body'] ?? event.content['membership']);
    same(bodies.slice(0, 2), ['seen', 'join'], 'CS API, Room history visibility, joined');
    check(
      !bodies.some((body) => String(body).startsWith('hidden')),
      'CS API, Room history visibility, joined',
      bodies,
    );
    const forward = await guest.messages(roomId, { dir: 'f', limit: '50' });
    same(
      ids(forward.chunk),
      ids([...seen].reverse()),
      `${section}, dir=f: begins at the first visible event`,
    );
  });

  it('for those who left, history ends where they left', async () => {
    const [owner, guest] = [await shared.user(), await shared.user()];
    const roomId = await owner.createRoom({ preset: 'public_chat' });
    await guest.join(roomId);
    await owner.say(roomId, 'heard');
    await guest.leave(roomId);
    await owner.say(roomId, 'missed');
    const page = await guest.messages(roomId, { dir: 'b', limit: '2' });
    same(
      page.chunk.map((event) => event.content['body'] ?? event.content['membership']),
      ['leave', 'heard'],
      'CS API, Room history visibility: no events received after they left, their own leave is seen',
    );
  });

  it('those who come back see the time between where history is shared', async () => {
    const [owner, guest] = [await shared.user(), await shared.user()];
    const roomId = await owner.createRoom({ preset: 'public_chat' });
    await guest.join(roomId);
    await guest.leave(roomId);
    const missed = await owner.say(roomId, 'missed');
    await guest.join(roomId);
    check(
      ids(await guest.history(roomId)).includes(missed),
      'CS API, Room history visibility: shared, joined at any point after the event',
      missed,
    );
  });
});

describe('filters of /messages', () => {
  it('choose and exclude senders', async () => {
    const [owner, guest] = [await shared.user(), await shared.user()];
    const roomId = await owner.createRoom({ preset: 'public_chat' });
    await guest.join(roomId);
    const [mine, theirs] = [await owner.say(roomId, 'mine'), await guest.say(roomId, 'theirs')];
    const rule = 'CS API, RoomEventFilter';
    const only = await filtered(owner, roomId, { senders: [guest.userId] });
    check(
      only.every((event) => event.sender === guest.userId) && ids(only).includes(theirs),
      `${rule}, senders`,
      only,
    );
    const others = await filtered(owner, roomId, { not_senders: [guest.userId] });
    check(
      others.every((event) => event.sender !== guest.userId) && ids(others).includes(mine),
      `${rule}, not_senders`,
      others,
    );
    same(
      await filtered(owner, roomId, { senders: [guest.userId], not_senders: [guest.userId] }),
      [],
      `${rule}, not_senders: excluded even if listed in senders`,
    );
    same(await filtered(owner, roomId, { senders: [] }), [], `${rule}, senders: nobody is listed`);
  });

  it('choose and exclude types, with wildcards', async () => {
    const [user, roomId] = await talk(1);
    await user.send(roomId, 'org.example.one', {});
    await user.send(roomId, 'org.example.two', {});
    await user.send(roomId, 'org_example.three', {});
    const rule = 'CS API, EventFilter';
    const types = async (filter: Json) => (await filtered(user, roomId, filter)).map((event) => event.type);
    same(
      await types({ types: ['org.example.*'] }),
      ['org.example.two', 'org.example.one'],
      `${rule}, types: * matches any sequence, "." and "_" only themselves`,
    );
    same(
      await types({ types: ['org*'], not_types: ['*.two'] }),
      ['org_example.three', 'org.example.one'],
      `${rule}, not_types wins`,
    );
    check(
      !(await types({ not_types: ['m.room.*'] })).some((type) => type.startsWith('m.room.')),
      `${rule}, not_types`,
      roomId,
    );
    same(await types({ types: [] }), [], `${rule}, types: none is listed`);
  });

  it('choose events with a url, and those without', async () => {
    const [user, roomId, sent] = await talk(1);
    const image = await user.send(roomId, 'm.room.message', {
      msgtype: 'm.image',
      body: 'i',
      url: 'mxc://example.org/i',
    });
    const rule = 'CS API, RoomEventFilter, contains_url';
    same(ids(await filtered(user, roomId, { contains_url: true })), [image], rule);
    const without = ids(await filtered(user, roomId, { contains_url: false }));
    check(!without.includes(image) && without.includes(sent[0] ?? ''), rule, without);
  });

  it('choose rooms', async () => {
    const [user, roomId] = await talk(2);
    const rule = 'CS API, RoomEventFilter';
    same(await filtered(user, roomId, { rooms: ['!other:example.org'] }), [], `${rule}, rooms`);
    check((await filtered(user, roomId, { rooms: [roomId] })).length > 0, `${rule}, rooms`, roomId);
    same(await filtered(user, roomId, { not_rooms: [roomId] }), [], `${rule}, not_rooms`);
  });

  it('page on through stretches of which nothing is wanted', async () => {
    const user = await shared.user();
    const roomId = await user.createRoom({ preset: 'public_chat' });
    const wanted = [
      await user.send(roomId, 'org.example.rare', { n: 1 }),
      await user.send(roomId, 'org.example.rare', { n: 2 }),
    ];
    for (let i = 0; i < 25; i++) await user.say(roomId, String(i));
    wanted.push(await user.send(roomId, 'org.example.rare', { n: 3 }));
    const filter = JSON.stringify({ types: ['org.example.rare'] });
    const seen: string[] = [];
    let from: string | undefined;
    for (let pages = 0; pages < 60; pages++) {
      const page = await user.messages(roomId, {
        dir: 'b',
        limit: '1',
        filter,
        ...(from === undefined ? {} : { from }),
      });
      check(page.chunk.length <= 1, `${section}: at most the limit`, page.chunk.length);
      seen.push(...ids(page.chunk));
      from = page.end;
      if (from === undefined) break;
    }
    same(seen, [...wanted].reverse(), `${section}: paginate until no end is returned`);
  });

  it('of the query’s own limit go before that of the filter', async () => {
    const [user, roomId] = await talk(6);
    const filter = JSON.stringify({ limit: 2 });
    const page = await user.messages(roomId, { dir: 'b', filter });
    check(page.chunk.length <= 2, 'CS API, EventFilter, limit: the maximum number', page.chunk.length);
  });

  it('are refused where they are none', async () => {
    const [user, roomId] = await talk(1);
    for (const filter of ['{', '[]', '7', '{"types":"m.x"}', '{"senders":[1]}', '{"contains_url":"yes"}'])
      expectError(
        await user.ask(
          'GET',
          `${path('rooms', roomId, 'messages')}?${new URLSearchParams({ dir: 'b', filter })}`,
        ),
        400,
        ['M_INVALID_PARAM', 'M_BAD_JSON', 'M_NOT_JSON', 'M_UNKNOWN'],
        `${section}, filter: a JSON RoomEventFilter (${filter})`,
      );
  });
});

describe('lazily loaded members in /messages', () => {
  const rule = 'CS API, Lazy-loading room members';

  it('are those of the senders in the page, and none without lazy_load_members', async () => {
    const [owner, guest, third] = await Promise.all([shared.user(), shared.user(), shared.user()]);
    const roomId = await owner.createRoom({ preset: 'public_chat' });
    await guest.join(roomId);
    await third.join(roomId);
    await guest.say(roomId, 'one');
    await owner.say(roomId, 'two');
    const ask = (filter: Json) =>
      owner.messages(roomId, { dir: 'b', limit: '2', filter: JSON.stringify(filter) });
    const lazy = await ask({ lazy_load_members: true, include_redundant_members: true });
    same(
      lazy.state?.map((event) => `${event.type} ${event.state_key}`).sort(),
      [owner.userId, guest.userId].map((user) => `m.room.member ${user}`).sort(),
      rule,
    );
    const members = ((await ask({})).state ?? []).filter((event) => event.type === 'm.room.member');
    same(members, [], `${section}, state: only what is relevant`);
  });
});

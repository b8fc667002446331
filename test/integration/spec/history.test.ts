import { describe, it } from 'node:test';
import { type Client, type ClientEvent, path } from '../../support/client.ts';
import { check, expectError, expectOk, same } from '../../support/expect.ts';
import { sharedServer } from '../../support/shared-server.ts';

const shared = sharedServer();
const section = 'CS API, GET /rooms/{roomId}/messages';

const ids = (events: readonly ClientEvent[]) => events.map((event) => event.event_id);
const bodies = (events: readonly ClientEvent[]) =>
  events.filter((event) => event.type === 'm.room.message').map((event) => event.content['body']);

async function talk(count: number): Promise<readonly [Client, string, readonly string[]]> {
  const user = await shared.user();
  const roomId = await user.createRoom({ preset: 'public_chat' });
  const sent: string[] = [];
  for (let i = 0; i < count; i++) sent.push(await user.say(roomId, String(i)));
  return [user, roomId, sent];
}

describe('paging through a room', () => {
  it('backwards from its end gives every event once, newest first, and ends at the create event', async () => {
    const [user, roomId, sent] = await talk(25);
    const seen: ClientEvent[] = [];
    let from: string | undefined;
    for (let pages = 0; pages < 50; pages++) {
      const page = await user.messages(roomId, {
        dir: 'b',
        limit: '7',
        ...(from === undefined ? {} : { from }),
      });
      check(page.chunk.length <= 7, `${section}: limit is the maximum`, page.chunk.length);
      if (from !== undefined) same(page.start, from, `${section}: start is the same as from`);
      seen.push(...page.chunk);
      from = page.end;
      if (from === undefined) break;
    }
    same(from, undefined, `${section}: end is omitted when no further events are available`);
    same(new Set(ids(seen)).size, seen.length, `${section}: no event comes twice`);
    same(seen.at(-1)?.type, 'm.room.create', `${section}: down to the start of the room`);
    same(
      ids(seen).filter((id) => sent.includes(id)),
      [...sent].reverse(),
      `${section}: reverse-chronological`,
    );
  });

  it('forwards from its start gives the same in the other order', async () => {
    const [user, roomId] = await talk(12);
    const backwards = ids(await user.history(roomId, 5));
    const forwards: string[] = [];
    let from: string | undefined;
    for (let pages = 0; pages < 50; pages++) {
      const page = await user.messages(roomId, {
        dir: 'f',
        limit: '5',
        ...(from === undefined ? {} : { from }),
      });
      forwards.push(...ids(page.chunk));
      if (page.end === undefined || page.chunk.length === 0) break;
      from = page.end;
    }
    same(forwards, backwards, `${section}, dir=f: chronological, from the first visible event`);
  });

  it('gives ten events where no limit is given', async () => {
    const [user, roomId] = await talk(20);
    same((await user.messages(roomId, { dir: 'b' })).chunk.length, 10, `${section}, limit: default 10`);
  });

  it('goes on from a sync’s prev_batch without gap or repeat', async () => {
    const [user, roomId, sent] = await talk(15);
    const sync = await user.sync({ filter: { room: { timeline: { limit: 4 } } } });
    const timeline = sync.rooms?.join?.[roomId]?.timeline;
    check(timeline?.prev_batch !== undefined, 'CS API, Syncing: prev_batch', timeline);
    same(timeline.limited, true, 'CS API, Syncing: limited');
    const page = await user.messages(roomId, { dir: 'b', from: timeline.prev_batch, limit: '100' });
    const all = [...ids(page.chunk).reverse(), ...ids(timeline.events)];
    same(
      all.filter((id) => sent.includes(id)),
      sent,
      `${section}, from: a prev_batch of /sync`,
    );
  });

  it('takes a next_batch of /sync as a starting point in both directions', async () => {
    const [user, roomId, sent] = await talk(5);
    const { next_batch } = await user.sync();
    const later = [await user.say(roomId, 'later 1'), await user.say(roomId, 'later 2')];
    const back = await user.messages(roomId, { dir: 'b', from: next_batch, limit: '5' });
    same(ids(back.chunk), [...sent].reverse(), `${section}, from: a next_batch of /sync, dir=b`);
    const forward = await user.messages(roomId, { dir: 'f', from: next_batch, limit: '5' });
    same(ids(forward.chunk), later, `${section}, from: a next_batch of /sync, dir=f`);
  });

  it('stops at "to"', async () => {
    const [user, roomId] = await talk(3);
    const { next_batch } = await user.sync();
    const later = [await user.say(roomId, 'a'), await user.say(roomId, 'b')];
    const page = await user.messages(roomId, { dir: 'b', to: next_batch, limit: '50' });
    same(ids(page.chunk), [...later].reverse(), `${section}, to`);
  });

  it('gives only what the filter lets through', async () => {
    const [user, roomId] = await talk(3);
    await user.setState(roomId, 'm.room.topic', '', { topic: 't' });
    const filter = JSON.stringify({ types: ['m.room.topic'] });
    const page = await user.messages(roomId, { dir: 'b', limit: '50', filter });
    same(
      page.chunk.map((event) => event.type),
      ['m.room.topic'],
      `${section}, filter`,
    );
  });

  it('refuses a direction, limit or token that is none', async () => {
    const [user, roomId] = await talk(1);
    for (const query of [
      'dir=sideways',
      '',
      'dir=b&limit=many',
      'dir=b&from=no-such-token',
      'dir=b&to=no-such-token',
    ])
      expectError(
        await user.ask('GET', `${path('rooms', roomId, 'messages')}?${query}`),
        400,
        ['M_INVALID_PARAM', 'M_MISSING_PARAM', 'M_BAD_JSON', 'M_UNKNOWN'],
        `${section} (?${query})`,
      );
  });

  it('is refused to those who are not members with 403', async () => {
    const [, roomId] = await talk(1);
    const stranger = await shared.user();
    const answer = await stranger.ask('GET', `${path('rooms', roomId, 'messages')}?dir=b`);
    expectError(answer, 403, 'M_FORBIDDEN', `${section}, 403`);
  });
});

describe('who may see what (history visibility)', () => {
  const rule = 'CS API, Room history visibility, Server behaviour';

  async function around(visibility: string): Promise<readonly [Client, string, readonly string[]]> {
    const [owner, guest] = [await shared.user(), await shared.user()];
    const roomId = await owner.createRoom({
      initial_state: [{ type: 'm.room.history_visibility', content: { history_visibility: visibility } }],
    });
    await owner.say(roomId, 'before invite');
    await owner.invite(roomId, guest.userId);
    await owner.say(roomId, 'while invited');
    await guest.join(roomId);
    await owner.say(roomId, 'while joined');
    return [guest, roomId, bodies(await guest.history(roomId)) as string[]];
  }

  for (const [visibility, expected] of [
    ['shared', ['before invite', 'while invited', 'while joined']],
    ['invited', ['while invited', 'while joined']],
    ['joined', ['while joined']],
    ['world_readable', ['before invite', 'while invited', 'while joined']],
  ] as const)
    it(`${visibility}: a newcomer sees ${expected.length} of three messages`, async () => {
      const [, , seen] = await around(visibility);
      same(seen, expected, `${rule}, ${visibility}`);
    });

  it('hides from those who left what came after', async () => {
    const [owner, guest] = [await shared.user(), await shared.user()];
    const roomId = await owner.createRoom({ preset: 'public_chat' });
    await guest.join(roomId);
    await owner.say(roomId, 'seen');
    await guest.leave(roomId);
    const hidden = await owner.say(roomId, 'not seen');
    same(bodies(await guest.history(roomId)), ['seen'], `${rule}: rules 2 and 3`);
    expectError(
      await guest.ask('GET', path('rooms', roomId, 'event', hidden)),
      404,
      'M_NOT_FOUND',
      'CS API, GET event, 404',
    );
  });
});

describe('one event', () => {
  const rule = 'CS API, GET /rooms/{roomId}/event/{eventId}';

  it('is the same as in the history', async () => {
    const [user, roomId, sent] = await talk(1);
    const event = expectOk(await user.ask('GET', path('rooms', roomId, 'event', sent[0] ?? '')), rule);
    const old = (await user.history(roomId)).find((one) => one.event_id === sent[0]);
    same(event['content'], old?.content, rule);
    same([event['event_id'], event['sender'], event['type']], [old?.event_id, old?.sender, old?.type], rule);
  });

  it('is not found in another room, for a stranger, or where it does not exist', async () => {
    const [user, , sent] = await talk(1);
    const [stranger, other] = [await shared.user(), await user.createRoom()];
    const where = (roomId: string, eventId: string) => path('rooms', roomId, 'event', eventId);
    const eventId = sent[0] ?? '';
    expectError(
      await user.ask('GET', where(other, eventId)),
      404,
      'M_NOT_FOUND',
      `${rule}, 404: another room`,
    );
    expectError(
      await user.ask('GET', where(other, `$${'b'.repeat(43)}`)),
      404,
      'M_NOT_FOUND',
      `${rule}, 404`,
    );
    expectError(
      await stranger.ask('GET', where(other, eventId)),
      [403, 404],
      ['M_NOT_FOUND', 'M_FORBIDDEN'],
      `${rule}, 404`,
    );
  });
});

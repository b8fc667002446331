import { describe, it } from 'node:test';
import {
  type Client,
  type ClientEvent,
  type JoinedRoom,
  path,
  type SyncAnswer,
} from '../../support/client.ts';
import { check, expectError, same } from '../../support/expect.ts';
import { sharedServer } from '../../support/shared-server.ts';

const shared = sharedServer();
const section = 'CS API, GET /sync';

const ids = (events: readonly ClientEvent[] | undefined) => (events ?? []).map((event) => event.event_id);
const keys = (events: readonly ClientEvent[] | undefined) =>
  (events ?? []).map((event) => `${event.type}|${event.state_key ?? ''}`);

function joined(answer: SyncAnswer, roomId: string): JoinedRoom {
  const room = answer.rooms?.join?.[roomId];
  check(room !== undefined, `${section}: the joined room should be there`, answer.rooms);
  return room;
}

async function pair(): Promise<readonly [Client, Client, string]> {
  const [owner, guest] = await Promise.all([shared.user('owner'), shared.user('guest')]);
  const roomId = await owner.createRoom({ preset: 'public_chat', name: 'Room' });
  await guest.join(roomId);
  return [owner, guest, roomId];
}

describe('an initial sync', () => {
  it('of a new user is empty but for a token', async () => {
    const user = await shared.user();
    const answer = await user.sync();
    check(answer.next_batch.length > 0, `${section}: next_batch is required`, answer);
    same(Object.keys(answer.rooms?.join ?? {}), [], section);
  });

  it('has the newest events and the state at the start of the timeline, without overlap', async () => {
    const [owner, , roomId] = await pair();
    const sent: string[] = [];
    for (let i = 0; i < 12; i++) sent.push(await owner.say(roomId, String(i)));
    const room = joined(await owner.sync({ filter: { room: { timeline: { limit: 5 } } } }), roomId);
    same(ids(room.timeline?.events), sent.slice(-5), `${section}, timeline: the most recent, in order`);
    same(room.timeline?.limited, true, `${section}, timeline.limited`);
    const state = keys(room.state?.events);
    for (const key of [
      'm.room.create|',
      'm.room.power_levels|',
      'm.room.join_rules|',
      'm.room.name|',
      `m.room.member|${owner.userId}`,
    ])
      check(
        state.includes(key),
        `${section}, state: all state up to the start of the timeline (${key})`,
        state,
      );
    same(new Set(state).size, state.length, `${section}, state: one event for each key`);
  });

  it('gives the state as it was at the start of the timeline', async () => {
    const [owner, , roomId] = await pair();
    await owner.setState(roomId, 'm.room.topic', '', { topic: 'old' });
    await owner.say(roomId, 'between');
    await owner.setState(roomId, 'm.room.topic', '', { topic: 'new' });
    const room = joined(await owner.sync({ filter: { room: { timeline: { limit: 2 } } } }), roomId);
    const topic = room.state?.events.find((event) => event.type === 'm.room.topic');
    same(topic?.content, { topic: 'old' }, `${section}, state: up to the start of the timeline`);
    const last = room.timeline?.events.at(-1);
    same(last?.content, { topic: 'new' }, `${section}, timeline holds the change`);
  });

  it('gives the state at the end of the timeline with use_state_after', async () => {
    const [owner, , roomId] = await pair();
    await owner.setState(roomId, 'm.room.topic', '', { topic: 'old' });
    await owner.setState(roomId, 'm.room.topic', '', { topic: 'new' });
    const room = joined(
      await owner.sync({ filter: { room: { timeline: { limit: 1 } } }, query: { use_state_after: 'true' } }),
      roomId,
    );
    check(room.state_after !== undefined, `${section}, state_after is required with use_state_after`, room);
    check(room.state === undefined, `${section}: MUST omit state with use_state_after`, room.state);
    const topic = room.state_after.events.find((event) => event.type === 'm.room.topic');
    same(topic?.content, { topic: 'new' }, `${section}, state_after`);
  });

  it('has a summary with counts and heroes', async () => {
    const [owner, guest] = [await shared.user(), await shared.user()];
    const roomId = await owner.createRoom({ preset: 'public_chat' });
    await guest.join(roomId);
    const third = await shared.user();
    await owner.invite(roomId, third.userId);
    const summary = joined(await owner.sync(), roomId).summary;
    same(summary?.['m.joined_member_count'], 2, `${section}, summary`);
    same(summary?.['m.invited_member_count'], 1, `${section}, summary`);
    same(
      new Set(summary?.['m.heroes'] as string[]),
      new Set([guest.userId, third.userId]),
      `${section}, m.heroes: required where the room has no name, never one's own ID`,
    );
  });

  it('events in it have no room_id of their own need but all else', async () => {
    const [owner, , roomId] = await pair();
    const eventId = await owner.say(roomId, 'x');
    const event = joined(await owner.sync(), roomId).timeline?.events.find((one) => one.event_id === eventId);
    check(event !== undefined, section);
    for (const key of ['event_id', 'type', 'sender', 'origin_server_ts', 'content'])
      check(key in event, `CS API, ClientEventWithoutRoomID: ${key} is required`, event);
  });
});

describe('going on from a token', () => {
  it('gives what came since, once', async () => {
    const [owner, guest, roomId] = await pair();
    const { next_batch: first } = await guest.sync();
    const sent = [await owner.say(roomId, 'one'), await owner.say(roomId, 'two')];
    const second = await guest.syncUntil(
      first,
      (answer) => answer.rooms?.join?.[roomId]?.timeline !== undefined,
    );
    const room = joined(second, roomId);
    same(ids(room.timeline?.events), sent, `${section}, since`);
    check(room.timeline?.limited !== true, `${section}: nothing was left out`, room.timeline);
    const third = await guest.sync({ since: second.next_batch });
    same(third.rooms?.join?.[roomId]?.timeline?.events ?? [], [], `${section}: nothing comes twice`);
  });

  it('gives the same again for the same token', async () => {
    const [owner, guest, roomId] = await pair();
    const { next_batch } = await guest.sync();
    const sent = [await owner.say(roomId, 'one')];
    for (let i = 0; i < 3; i++) {
      const answer = await guest.sync({ since: next_batch });
      same(ids(joined(answer, roomId).timeline?.events), sent, `${section}: since may be used again`);
    }
  });

  it('leaves a gap only with limited, and prev_batch fills it', async () => {
    const [owner, guest, roomId] = await pair();
    const { next_batch } = await guest.sync();
    const sent: string[] = [];
    for (let i = 0; i < 30; i++) sent.push(await owner.say(roomId, String(i)));
    const room = joined(
      await guest.sync({ since: next_batch, filter: { room: { timeline: { limit: 10 } } } }),
      roomId,
    );
    same(room.timeline?.limited, true, `${section}, limited`);
    same(ids(room.timeline?.events), sent.slice(-10), `${section}: the newest`);
    const page = await guest.messages(roomId, {
      dir: 'b',
      from: room.timeline?.prev_batch ?? '',
      to: next_batch,
      limit: '100',
    });
    same(
      ids(page.chunk).reverse(),
      sent.slice(0, 20),
      `${section}, Syncing: /messages from prev_batch to since`,
    );
  });

  it('gives the state that changed in the gap', async () => {
    const [owner, guest, roomId] = await pair();
    const { next_batch } = await guest.sync();
    await owner.setState(roomId, 'm.room.topic', '', { topic: 'changed in the gap' });
    for (let i = 0; i < 6; i++) await owner.say(roomId, String(i));
    const room = joined(
      await guest.sync({ since: next_batch, filter: { room: { timeline: { limit: 3 } } } }),
      roomId,
    );
    same(
      keys(room.state?.events),
      ['m.room.topic|'],
      `${section}, state: between since and the start of the timeline`,
    );
  });

  it('gives no state where the timeline shows the change itself', async () => {
    const [owner, guest, roomId] = await pair();
    const { next_batch } = await guest.sync();
    await owner.setState(roomId, 'm.room.topic', '', { topic: 't' });
    const room = joined(await guest.sync({ since: next_batch }), roomId);
    same(keys(room.state?.events), [], `${section}, state`);
    same(keys(room.timeline?.events), ['m.room.topic|'], `${section}, timeline`);
  });

  it('gives the whole state with full_state', async () => {
    const [owner, guest, roomId] = await pair();
    const { next_batch } = await guest.sync();
    await owner.say(roomId, 'x');
    const room = joined(await guest.sync({ since: next_batch, fullState: true, timeout: 10_000 }), roomId);
    check(
      keys(room.state?.events).includes('m.room.create|'),
      `${section}, full_state: all state`,
      keys(room.state?.events),
    );
  });

  it('gives the whole state of a room that was joined since', async () => {
    const [owner, guest] = [await shared.user(), await shared.user()];
    const roomId = await owner.createRoom({ preset: 'public_chat', name: 'N' });
    const { next_batch } = await guest.sync();
    await guest.join(roomId);
    const room = joined(await guest.sync({ since: next_batch }), roomId);
    const all = [...keys(room.state?.events), ...keys(room.timeline?.events)];
    for (const key of [
      'm.room.create|',
      'm.room.name|',
      `m.room.member|${guest.userId}`,
      `m.room.member|${owner.userId}`,
    ])
      check(all.includes(key), `${section}: a newly joined room comes with its whole state (${key})`, all);
  });

  it('refuses a token that is none with 400', async () => {
    const user = await shared.user();
    const answer = await user.ask('GET', `${path('sync')}?since=no-such-token`);
    expectError(answer, 400, ['M_INVALID_PARAM', 'M_UNKNOWN', 'M_UNKNOWN_POS', 'M_BAD_JSON'], section);
  });
});

describe('long polling', () => {
  it('answers at once with timeout 0', async () => {
    const [, guest] = await pair();
    const { next_batch } = await guest.sync();
    const start = performance.now();
    await guest.sync({ since: next_batch, timeout: 0 });
    check(
      performance.now() - start < 1000,
      `${section}, timeout 0 returns immediately`,
      performance.now() - start,
    );
  });

  it('waits for the timeout when nothing happens', async () => {
    const user = await shared.user();
    const { next_batch } = await user.sync();
    const start = performance.now();
    const answer = await user.sync({ since: next_batch, timeout: 700 });
    const took = performance.now() - start;
    check(took >= 600 && took < 3000, `${section}, timeout: waits for it`, took);
    same(Object.keys(answer.rooms?.join ?? {}), [], `${section}, timeout: empty fields`);
  });

  it('wakes as soon as something comes', async () => {
    const [owner, guest, roomId] = await pair();
    const { next_batch } = await guest.sync();
    const start = performance.now();
    const waiting = guest.sync({ since: next_batch, timeout: 10_000 });
    await new Promise((resolve) => setTimeout(resolve, 200));
    const eventId = await owner.say(roomId, 'wake up');
    const answer = await waiting;
    check(
      performance.now() - start < 2000,
      `${section}, timeout: returns when events come`,
      performance.now() - start,
    );
    same(ids(joined(answer, roomId).timeline?.events), [eventId], section);
  });

  it('does not wake for other people’s rooms', async () => {
    const [owner] = await pair();
    const user = await shared.user();
    const { next_batch } = await user.sync();
    const other = await owner.createRoom();
    const waiting = user.sync({ since: next_batch, timeout: 600 });
    await owner.say(other, 'private');
    const answer = await waiting;
    same(answer.rooms?.join?.[other], undefined, `${section}: rooms that the user has joined`);
  });

  it('wakes for an invitation', async () => {
    const [owner, , roomId] = await pair();
    const user = await shared.user();
    const { next_batch } = await user.sync();
    const waiting = user.sync({ since: next_batch, timeout: 10_000 });
    await owner.invite(roomId, user.userId);
    check((await waiting).rooms?.invite?.[roomId] !== undefined, `${section}, invite`);
  });
});

describe('invitations and departures', () => {
  it('show the stripped state of the room', async () => {
    const [owner, guest] = [await shared.user(), await shared.user()];
    const roomId = await owner.createRoom({ name: 'Secret room', invite: [guest.userId] });
    const invite = (await guest.sync()).rooms?.invite?.[roomId];
    const events = invite?.invite_state.events ?? [];
    const rule = 'CS API, Stripped state';
    for (const key of [
      'm.room.create|',
      'm.room.name|',
      'm.room.join_rules|',
      `m.room.member|${guest.userId}`,
    ])
      check(keys(events).includes(key), `${rule}: ${key}`, keys(events));
    for (const event of events)
      for (const key of Object.keys(event))
        check(
          ['sender', 'type', 'state_key', 'content'].includes(key),
          `${rule}: only four properties`,
          event,
        );
  });

  it('are gone once the invitation is accepted or rejected', async () => {
    const [owner, guest] = [await shared.user(), await shared.user()];
    const one = await owner.createRoom({ invite: [guest.userId] });
    const two = await owner.createRoom({ invite: [guest.userId] });
    await guest.join(one);
    await guest.leave(two);
    const answer = await guest.sync();
    same(Object.keys(answer.rooms?.invite ?? {}), [], `${section}, invite`);
    same(Object.keys(answer.rooms?.join ?? {}), [one], `${section}, join`);
    same(answer.rooms?.leave?.[two], undefined, 'CS API, Leaving rooms: not in an initial /sync');
  });

  it('show a left room once, with the events up to the leave', async () => {
    const [owner, guest, roomId] = await pair();
    const { next_batch } = await guest.sync();
    const said = await owner.say(roomId, 'before');
    await guest.leave(roomId);
    await owner.say(roomId, 'after');
    const answer = await guest.sync({ since: next_batch });
    const left = answer.rooms?.leave?.[roomId];
    check(left !== undefined, `${section}, leave`, answer.rooms);
    const seen = left.timeline?.events ?? [];
    check(
      ids(seen).includes(said),
      `${section}, leave: the timeline up to the point when the user left`,
      seen,
    );
    same(seen.at(-1)?.type, 'm.room.member', `${section}, leave: ends with the leave`);
    same(answer.rooms?.join?.[roomId], undefined, section);
    const next = await guest.sync({ since: answer.next_batch });
    same(next.rooms?.leave?.[roomId], undefined, `${section}, leave: once`);
  });

  it('show a kick and a ban the same way', async () => {
    const [owner, guest, roomId] = await pair();
    const { next_batch } = await guest.sync();
    await owner.get200('POST', path('rooms', roomId, 'ban'), { json: { user_id: guest.userId } });
    const left = (await guest.sync({ since: next_batch })).rooms?.leave?.[roomId];
    const last = left?.timeline?.events.at(-1);
    same(last?.content['membership'], 'ban', `${section}, leave: the rooms left or been banned from`);
  });

  it('show left rooms from the start with include_leave', async () => {
    const [, guest, roomId] = await pair();
    await guest.leave(roomId);
    const answer = await guest.sync({ filter: { room: { include_leave: true } } });
    check(answer.rooms?.leave?.[roomId] !== undefined, 'CS API, Leaving rooms: include_leave', answer.rooms);
  });
});

describe('filters', () => {
  const rule = 'CS API, Filtering';

  it('can be stored and read back', async () => {
    const user = await shared.user();
    const filter = {
      room: { timeline: { limit: 3, types: ['m.room.message'] } },
      event_fields: ['content.body'],
    };
    const made = await user.get200('POST', path('user', user.userId, 'filter'), { json: filter });
    const filterId = String(made['filter_id']);
    check(!filterId.startsWith('{'), `${rule}: a filter ID MUST NOT start with {`, filterId);
    same(await user.get200('GET', path('user', user.userId, 'filter', filterId)), filter, rule);
  });

  it('are one’s own: others get 403, an unknown ID 404', async () => {
    const [user, other] = [await shared.user(), await shared.user()];
    expectError(
      await user.ask('POST', path('user', other.userId, 'filter'), { json: {} }),
      403,
      'M_FORBIDDEN',
      rule,
    );
    expectError(
      await user.ask('GET', path('user', user.userId, 'filter', 'none')),
      404,
      'M_NOT_FOUND',
      `${rule}, 404`,
    );
  });

  it('work by ID as they do inline', async () => {
    const [owner, , roomId] = await pair();
    for (let i = 0; i < 5; i++) await owner.say(roomId, String(i));
    const filter = { room: { timeline: { limit: 2 } } };
    const made = await owner.get200('POST', path('user', owner.userId, 'filter'), { json: filter });
    const byId = joined(await owner.sync({ filter: String(made['filter_id']) }), roomId);
    const inline = joined(await owner.sync({ filter }), roomId);
    same(ids(byId.timeline?.events), ids(inline.timeline?.events), rule);
    same(byId.timeline?.events.length, 2, `${rule}, limit`);
  });

  it('by types and not_types choose among timeline events, with wildcards', async () => {
    const [owner, , roomId] = await pair();
    await owner.say(roomId, 'm');
    await owner.send(roomId, 'org.example.a', {});
    await owner.send(roomId, 'org.example.b', {});
    const types = async (timeline: object): Promise<readonly string[]> => {
      const answer = await owner.sync({ filter: { room: { timeline: { limit: 50, ...timeline } } } });
      return joined(answer, roomId).timeline?.events.map((event) => event.type) ?? [];
    };
    same(await types({ types: ['m.room.message'] }), ['m.room.message'], `${rule}, types`);
    same(await types({ types: ['org.example.*'] }), ['org.example.a', 'org.example.b'], `${rule}, types: *`);
    same(
      await types({ types: ['org.example.*'], not_types: ['org.example.b'] }),
      ['org.example.a'],
      `${rule}, not_types wins`,
    );
  });

  it('by rooms choose among rooms', async () => {
    const owner = await shared.user();
    const [one, two] = [await owner.createRoom(), await owner.createRoom()];
    const answer = await owner.sync({ filter: { room: { rooms: [one] } } });
    same(Object.keys(answer.rooms?.join ?? {}), [one], `${rule}, rooms`);
    const other = await owner.sync({ filter: { room: { not_rooms: [one] } } });
    same(Object.keys(other.rooms?.join ?? {}), [two], `${rule}, not_rooms`);
  });

  it('with lazy_load_members leave out members who said nothing and are no heroes', async () => {
    const [owner, guest, roomId] = await pair();
    const silent = await Promise.all(Array.from({ length: 7 }, () => shared.user()));
    for (const one of silent) await one.join(roomId);
    for (let i = 0; i < 3; i++) await guest.say(roomId, String(i));
    const filter = { room: { timeline: { limit: 2 }, state: { lazy_load_members: true } } };
    const room = joined(await owner.sync({ filter }), roomId);
    const state = keys(room.state?.events);
    const lazy = 'CS API, Lazy-loading room members';
    check(state.includes(`m.room.member|${guest.userId}`), `${lazy}: senders in the timeline`, state);
    check(state.includes(`m.room.member|${owner.userId}`), `${lazy}: MUST include one's own`, state);
    const heroes: readonly unknown[] = Array.isArray(room.summary?.['m.heroes'])
      ? room.summary['m.heroes']
      : [];
    const others = silent.filter((one) => !heroes.includes(one.userId));
    check(others.length >= 2, `${section}, m.heroes: five are enough`, heroes);
    for (const one of others)
      check(!state.includes(`m.room.member|${one.userId}`), `${lazy}: nobody else (${one.userId})`, state);
  });

  it('that are not valid are refused with 400', async () => {
    const user = await shared.user();
    for (const filter of [
      '{"room":1}',
      '{"room":{"timeline":{"limit":"x"}}}',
      '{',
      '{"room":{"timeline":{"types":"m.x"}}}',
    ])
      expectError(
        await user.ask('GET', `${path('sync')}?filter=${encodeURIComponent(filter)}`),
        400,
        ['M_BAD_JSON', 'M_NOT_JSON', 'M_INVALID_PARAM', 'M_UNKNOWN'],
        `${rule} (${filter})`,
      );
    expectError(
      await user.ask('POST', path('user', user.userId, 'filter'), { json: { room: 1 } }),
      400,
      ['M_BAD_JSON', 'M_INVALID_PARAM'],
      rule,
    );
  });
});

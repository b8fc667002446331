import { describe, it } from 'node:test';
import {
  Client,
  type ClientEvent,
  type JoinedRoom,
  type Json,
  login,
  path,
  type SyncAnswer,
} from '../../support/client.ts';
import { check, expectOk, same } from '../../support/expect.ts';
import { sharedServer } from '../../support/shared-server.ts';

const shared = sharedServer();
const section = 'CS API, GET /sync';

const ids = (events: readonly ClientEvent[] | undefined) => (events ?? []).map(({ event_id }) => event_id);
const keys = (events: readonly ClientEvent[] | undefined) =>
  (events ?? []).map((event) => `${event.type}|${event.state_key ?? ''}`);

const act = (user: Client, roomId: string, what: string, target?: string) =>
  user.get200('POST', path('rooms', roomId, what), { json: target === undefined ? {} : { user_id: target } });

/** What a client knows of a room's state after an answer: state, then the timeline's. */
function learn(known: Map<string, string>, room: JoinedRoom | undefined): void {
  const after = room?.state_after?.events;
  for (const event of after ?? [...(room?.state?.events ?? []), ...(room?.timeline?.events ?? [])]) {
    if (event.state_key !== undefined) known.set(`${event.type}|${event.state_key}`, event.event_id);
  }
}

/** The room's whole state as `GET state` has it. */
async function truth(user: Client, roomId: string): Promise<ReadonlyMap<string, string>> {
  const answer = await user.ask('GET', path('rooms', roomId, 'state'));
  // Its shape is what the spec says; other tests check it.
  const events = answer.json as readonly ClientEvent[];
  return new Map(events.map((event) => [`${event.type}|${event.state_key ?? ''}`, event.event_id]));
}

const sorted = (map: ReadonlyMap<string, string>): readonly string[] => [...map].map(String).sort();

describe('leaving and coming back', () => {
  it('gives the whole state again to who comes back', async () => {
    const [owner, guest, roomId] = await shared.pair({ name: 'one' });
    await guest.sync();
    await guest.leave(roomId);
    const { next_batch } = await guest.sync();
    await owner.setState(roomId, 'm.room.name', '', { name: 'two' });
    await guest.join(roomId);
    const room = (await guest.sync({ since: next_batch })).rooms?.join?.[roomId];
    const known = new Map<string, string>();
    learn(known, room);
    same(
      sorted(known),
      sorted(await truth(guest, roomId)),
      `${section}: the state of a room that was joined`,
    );
  });

  it('shows who left and came back between two syncs as joined, with the right state', async () => {
    const [owner, guest, roomId] = await shared.pair({ name: 'one' });
    const { next_batch } = await guest.sync();
    await guest.leave(roomId);
    await owner.setState(roomId, 'm.room.name', '', { name: 'two' });
    await owner.say(roomId, 'meanwhile');
    await guest.join(roomId);
    const answer = await guest.sync({ since: next_batch });
    same(answer.rooms?.leave?.[roomId], undefined, `${section}: joined in the end`);
    const known = new Map<string, string>();
    learn(known, answer.rooms?.join?.[roomId]);
    same(sorted(known), sorted(await truth(guest, roomId)), section);
  });

  it('never gives an event of the timeline twice to who stays', async () => {
    const [owner, guest, roomId] = await shared.pair();
    const third = await shared.user();
    const first = await owner.sync({ filter: { room: { timeline: { limit: 100 } } } });
    const seen = [...ids(first.rooms?.join?.[roomId]?.timeline?.events)];
    let { next_batch } = first;
    for (let i = 0; i < 4; i++) {
      await guest.say(roomId, String(i));
      await (i % 2 === 0 ? third.join(roomId) : third.leave(roomId));
      const answer = await owner.sync({ since: next_batch });
      seen.push(...ids(answer.rooms?.join?.[roomId]?.timeline?.events));
      next_batch = answer.next_batch;
    }
    same(seen.length, new Set(seen).size, `${section}: each event once`);
    same(seen, ids(await owner.history(roomId)), `${section}: and every event`);
  });

  it('gives no room to who left before the token and did not come back', async () => {
    const [owner, guest, roomId] = await shared.pair();
    await guest.leave(roomId);
    const { next_batch } = await guest.sync();
    await owner.say(roomId, 'x');
    const answer = await guest.sync({ since: next_batch });
    same(Object.keys(answer.rooms?.join ?? {}), [], 'CS API, Leaving rooms');
    same(Object.keys(answer.rooms?.leave ?? {}), [], 'CS API, Leaving rooms');
  });

  it('shows state that changed in a gap over a leave, a ban and a return of others', async () => {
    const [owner, guest, roomId] = await shared.pair({ name: 'one' });
    const third = await shared.user();
    await third.join(roomId);
    const filter = { room: { timeline: { limit: 2 } } };
    for (const query of [{}, { use_state_after: 'true' }]) {
      const known = new Map<string, string>();
      const first = await owner.sync({ filter, query });
      learn(known, first.rooms?.join?.[roomId]);
      await third.leave(roomId);
      await act(owner, roomId, 'ban', guest.userId);
      await act(owner, roomId, 'unban', guest.userId);
      await guest.join(roomId);
      await third.join(roomId);
      for (let i = 0; i < 5; i++) await guest.say(roomId, String(i));
      const next = await owner.sync({ since: first.next_batch, filter, query });
      learn(known, next.rooms?.join?.[roomId]);
      same(
        sorted(known),
        sorted(await truth(owner, roomId)),
        `${section}: state deltas (${JSON.stringify(query)})`,
      );
    }
  });

  it('ends a room that was left with the state at its end under use_state_after', async () => {
    const [owner, guest, roomId] = await shared.pair({ name: 'one' });
    const { next_batch } = await guest.sync();
    await owner.setState(roomId, 'm.room.name', '', { name: 'two' });
    await guest.leave(roomId);
    await owner.setState(roomId, 'm.room.name', '', { name: 'three' });
    const query = { use_state_after: 'true' };
    const left = (await guest.sync({ since: next_batch, query })).rooms?.leave?.[roomId];
    check(left?.state_after !== undefined, `${section}: state_after is required`, left);
    check(left.state === undefined, `${section}: MUST omit state`, left);
    const name = left.state_after.events.find(({ type }) => type === 'm.room.name');
    same(name?.content, { name: 'two' }, `${section}: up to the point when the user left`);
  });

  it('shows a ban after a kick as the last of a room', async () => {
    const [owner, guest, roomId] = await shared.pair();
    const { next_batch } = await guest.sync();
    await act(owner, roomId, 'kick', guest.userId);
    await owner.say(roomId, 'between');
    await act(owner, roomId, 'ban', guest.userId);
    const left = (await guest.sync({ since: next_batch })).rooms?.leave?.[roomId];
    same(left?.timeline?.events.at(-1)?.content['membership'], 'ban', `${section}: left or been banned`);
    const said = left?.timeline?.events.filter(({ type }) => type === 'm.room.message');
    same(said, [], `${section}: nothing that came after the kick`);
  });

  it('shows with include_leave what a room was when it was left', async () => {
    const [owner, guest, roomId] = await shared.pair({ name: 'one' });
    const said = await owner.say(roomId, 'before');
    await guest.leave(roomId);
    await owner.setState(roomId, 'm.room.name', '', { name: 'two' });
    await owner.say(roomId, 'after');
    const answer = await guest.sync({ filter: { room: { include_leave: true, timeline: { limit: 50 } } } });
    const left = answer.rooms?.leave?.[roomId];
    check(ids(left?.timeline?.events).includes(said), 'CS API, Leaving rooms', left);
    same(left?.timeline?.events.at(-1)?.content['membership'], 'leave', `${section}: up to the leave`);
    const all = [...(left?.state?.events ?? []), ...(left?.timeline?.events ?? [])];
    const names = all.filter(({ type }) => type === 'm.room.name').map(({ content }) => content['name']);
    same(names, ['one'], `${section}: the state of then`);
  });
});

describe('invitations and knocks', () => {
  const create = (stripped: readonly ClientEvent[] | undefined) =>
    (stripped ?? []).filter(({ type }) => type === 'm.room.create').length;

  it('tell who invites and why', async () => {
    const [owner, guest] = [await shared.user(), await shared.user()];
    const roomId = await owner.createRoom({ name: 'N', topic: 'T' });
    const where = path('rooms', roomId, 'invite');
    expectOk(await owner.ask('POST', where, { json: { user_id: guest.userId, reason: 'please' } }), section);
    const events = (await guest.sync()).rooms?.invite?.[roomId]?.invite_state.events ?? [];
    same(create(events), 1, 'CS API, Stripped state: m.room.create is required');
    const own = events.find(({ state_key }) => state_key === guest.userId);
    same(own?.content['reason'], 'please', 'CS API, POST invite: reason');
    same(own?.sender, owner.userId, 'CS API, Stripped state: sender');
    check(keys(events).includes('m.room.topic|'), 'CS API, Stripped state: m.room.topic', keys(events));
    check(keys(events).includes(`m.room.member|${owner.userId}`), 'the inviter, so that a name can be shown');
  });

  it('come once: not again with the next token', async () => {
    const [owner, guest] = [await shared.user(), await shared.user()];
    const roomId = await owner.createRoom();
    const { next_batch } = await guest.sync();
    await owner.invite(roomId, guest.userId);
    const second = await guest.sync({ since: next_batch });
    check(second.rooms?.invite?.[roomId] !== undefined, `${section}, invite`);
    const third = await guest.sync({ since: second.next_batch });
    same(third.rooms?.invite?.[roomId], undefined, `${section}: nothing new about it`);
    check((await guest.sync()).rooms?.invite?.[roomId] !== undefined, `${section}: a first sync has it`);
  });

  it('that were withdrawn or rejected are told as left', async () => {
    const [owner, guest] = [await shared.user(), await shared.user()];
    const roomId = await owner.createRoom({ invite: [guest.userId] });
    const { next_batch } = await guest.sync();
    await act(owner, roomId, 'kick', guest.userId);
    const withdrawn = await guest.sync({ since: next_batch });
    check(withdrawn.rooms?.leave?.[roomId] !== undefined, `${section}: an invitation that was withdrawn`);
    await owner.invite(roomId, guest.userId);
    const again = await guest.sync({ since: withdrawn.next_batch });
    check(again.rooms?.invite?.[roomId] !== undefined, `${section}: invited once more`);
    await guest.leave(roomId);
    const rejected = await guest.sync({ since: again.next_batch });
    check(rejected.rooms?.leave?.[roomId] !== undefined, `${section}: rejected`);
    const told = rejected.rooms?.leave?.[roomId]?.timeline?.events ?? [];
    check(
      told.every(({ type }) => type === 'm.room.member'),
      `${section}: nothing of the room`,
      told,
    );
  });

  it('of knocks show the stripped state to who knocks, and the knock to members', async () => {
    const [owner, guest] = [await shared.user(), await shared.user()];
    const roomId = await owner.createRoom({
      name: 'Knock here',
      initial_state: [{ type: 'm.room.join_rules', state_key: '', content: { join_rule: 'knock' } }],
    });
    const [mine, theirs] = [await owner.sync(), await guest.sync()];
    await guest.setState(roomId, 'm.room.member', guest.userId, { membership: 'knock', reason: 'hello' });
    const answer = await guest.sync({ since: theirs.next_batch });
    // The type of test answers has no knocks.
    const knock = (answer.rooms as unknown as Json)['knock'] as
      | Record<string, { knock_state: { events: readonly ClientEvent[] } }>
      | undefined;
    const events = knock?.[roomId]?.knock_state.events;
    same(create(events), 1, 'CS API, Stripped state: m.room.create is required in knock_state');
    check(keys(events).includes('m.room.join_rules|'), 'CS API, Stripped state', keys(events));
    check(keys(events).includes('m.room.name|'), 'CS API, Stripped state', keys(events));
    for (const event of events ?? [])
      for (const key of Object.keys(event))
        check(['sender', 'type', 'state_key', 'content'].includes(key), 'only four properties', event);
    const seen = (await owner.sync({ since: mine.next_batch })).rooms?.join?.[roomId]?.timeline?.events;
    same(keys(seen), [`m.room.member|${guest.userId}`], 'CS API, Knocking: members see it');
    await guest.leave(roomId);
    const retracted = await guest.sync({ since: answer.next_batch });
    check(retracted.rooms?.leave?.[roomId] !== undefined, 'CS API, Leaving rooms: can retract a knock');
  });

  it('that are accepted become joined rooms with their state', async () => {
    const [owner, guest] = [await shared.user(), await shared.user()];
    const roomId = await owner.createRoom({ invite: [guest.userId] });
    const { next_batch } = await guest.sync();
    await guest.join(roomId);
    const answer = await guest.sync({ since: next_batch });
    same(answer.rooms?.invite?.[roomId], undefined, section);
    const known = new Map<string, string>();
    learn(known, answer.rooms?.join?.[roomId]);
    same(sorted(known), sorted(await truth(guest, roomId)), section);
  });
});

describe('what state events replaced', () => {
  const rule = 'CS API, ClientEvent: unsigned.replaces_state, unsigned.prev_content';
  const topicOf = (events: readonly ClientEvent[] | undefined) =>
    events?.findLast(({ type }) => type === 'm.room.topic')?.unsigned;

  it('is in state and state_after of first and incremental syncs', async () => {
    const [owner, guest, roomId] = await shared.pair();
    const first = await owner.setState(roomId, 'm.room.topic', '', { topic: '1' });
    const { next_batch } = await guest.sync();
    await owner.setState(roomId, 'm.room.topic', '', { topic: '2' });
    const fill = async () => {
      for (let i = 0; i < 3; i++) await owner.say(roomId, String(i));
    };
    await fill();
    const filter = { room: { timeline: { limit: 1 } } };
    for (const since of [undefined, next_batch]) {
      const before = (await guest.sync({ since, filter })).rooms?.join?.[roomId];
      const after = await guest.sync({ since, filter, query: { use_state_after: 'true' } });
      const none = await guest.sync({
        since,
        filter: { room: { timeline: { not_types: ['m.room.topic'] } } },
      });
      for (const events of [
        before?.state?.events,
        after.rooms?.join?.[roomId]?.state_after?.events,
        none.rooms?.join?.[roomId]?.state?.events,
      ]) {
        const unsigned = topicOf(events);
        same([unsigned?.['replaces_state'], unsigned?.['prev_content']], [first, { topic: '1' }], rule);
      }
    }
    const member = (await guest.sync()).rooms?.join?.[roomId];
    const create = [...(member?.state?.events ?? []), ...(member?.timeline?.events ?? [])].find(
      ({ type }) => type === 'm.room.create',
    );
    check(
      create !== undefined && !('replaces_state' in (create.unsigned ?? {})),
      `${rule}: replaced nothing`,
    );
  });

  it('is named to who may not see it, but its content is not shown, wherever the event is', async () => {
    const hidden = {
      type: 'm.room.history_visibility',
      state_key: '',
      content: { history_visibility: 'joined' },
    };
    const [owner, guest] = [await shared.user(), await shared.user()];
    const roomId = await owner.createRoom({ preset: 'public_chat', initial_state: [hidden] });
    const secret = await owner.setState(roomId, 'm.room.topic', '', { topic: 'secret' });
    await guest.join(roomId);
    const { next_batch } = await guest.sync();
    const live = guest.sync({ since: next_batch, timeout: 10_000 });
    const eventId = await owner.setState(roomId, 'm.room.topic', '', { topic: 'new' });
    const where = (sync: SyncAnswer) => {
      const room = sync.rooms?.join?.[roomId];
      return topicOf([...(room?.state?.events ?? []), ...(room?.timeline?.events ?? [])]);
    };
    const narrow = { room: { timeline: { limit: 1 } } };
    const found: Record<string, Json | undefined> = {
      'a live sync': where(await live),
      'an incremental sync': where(await guest.sync({ since: next_batch })),
      'a first sync': where(await guest.sync()),
    };
    await owner.say(roomId, 'more');
    await owner.say(roomId, 'and more');
    found['a first sync, in state'] = where(await guest.sync({ filter: narrow }));
    found['an incremental sync, in state'] = where(await guest.sync({ since: next_batch, filter: narrow }));
    found['messages'] = topicOf((await guest.messages(roomId, { dir: 'b' })).chunk);
    const asEvent = `${path('rooms', roomId, 'state', 'm.room.topic', '')}?format=event`;
    const one = {
      state: await guest.get200('GET', asEvent),
      event: await guest.get200('GET', path('rooms', roomId, 'event', eventId)),
    };
    for (const [name, event] of Object.entries(one)) found[name] = event['unsigned'] as Json;
    const state = await guest.ask('GET', path('rooms', roomId, 'state'));
    found['whole state'] = topicOf(state.json as unknown as readonly ClientEvent[]);
    for (const [name, unsigned] of Object.entries(found)) {
      same(unsigned?.['replaces_state'], secret, `${rule}: regardless of history visibility (${name})`);
      check(!('prev_content' in (unsigned ?? {})), `${rule}: no permission to see it (${name})`, unsigned);
    }
    const third = await owner.setState(roomId, 'm.room.topic', '', { topic: 'third' });
    const then = await guest.syncUntil(next_batch, (sync) => {
      const room = sync.rooms?.join?.[roomId]?.timeline?.events ?? [];
      return room.some(({ event_id }) => event_id === third);
    });
    const last = then.rooms?.join?.[roomId]?.timeline?.events.at(-1)?.unsigned;
    same([last?.['replaces_state'], last?.['prev_content']], [eventId, { topic: 'new' }], rule);
  });
});

describe('summaries', () => {
  const summaryOf = (answer: SyncAnswer, roomId: string) => answer.rooms?.join?.[roomId]?.summary;

  it('follow who comes, is invited and goes', async () => {
    const [owner, guest, roomId] = await shared.pair();
    let { next_batch } = await owner.sync();
    const third = await shared.user();
    for (const [step, joined, invited, heroes] of [
      [() => owner.invite(roomId, third.userId), 2, 1, [guest.userId, third.userId]],
      [() => third.join(roomId), 3, 0, [guest.userId, third.userId]],
      [() => guest.leave(roomId), 2, 0, [third.userId]],
      [() => third.leave(roomId), 1, 0, [guest.userId, third.userId]],
    ] as const) {
      await step();
      const answer = await owner.sync({ since: next_batch });
      const summary = summaryOf(answer, roomId);
      same(summary?.['m.joined_member_count'], joined, `${section}, m.joined_member_count`);
      same(summary?.['m.invited_member_count'], invited, `${section}, m.invited_member_count`);
      same(new Set(summary?.['m.heroes'] as string[]), new Set(heroes), `${section}, m.heroes`);
      next_batch = answer.next_batch;
    }
  });

  it('are left out when no member changed', async () => {
    const [owner, guest, roomId] = await shared.pair();
    const { next_batch } = await owner.sync();
    await guest.say(roomId, 'x');
    const answer = await owner.sync({ since: next_batch });
    same(summaryOf(answer, roomId), undefined, `${section}: if it has not changed it may be omitted`);
  });

  it('name five heroes of many, the first that came, never oneself', async () => {
    const owner = await shared.user();
    const roomId = await owner.createRoom({ preset: 'public_chat' });
    const others: Client[] = [];
    for (let i = 0; i < 7; i++) {
      const one = await shared.user();
      await one.join(roomId);
      others.push(one);
    }
    const heroes = summaryOf(await owner.sync(), roomId)?.['m.heroes'];
    same(
      heroes,
      others.slice(0, 5).map(({ userId }) => userId),
      `${section}, m.heroes: the first 5 by stream ordering`,
    );
    const last = others.at(-1);
    const theirs = summaryOf((await last?.sync()) ?? { next_batch: '' }, roomId)?.['m.heroes'] as string[];
    same(theirs[0], owner.userId, `${section}, m.heroes`);
    check(!theirs.includes(last?.userId ?? ''), `${section}, m.heroes: never one's own`, theirs);
  });

  it('have the heroes’ membership events with them when members are loaded lazily', async () => {
    const [owner, guest, roomId] = await shared.pair();
    for (let i = 0; i < 3; i++) await owner.say(roomId, String(i));
    const filter = { room: { state: { lazy_load_members: true }, timeline: { limit: 1 } } };
    const room = (await owner.sync({ filter })).rooms?.join?.[roomId];
    same(room?.summary?.['m.heroes'], [guest.userId], section);
    check(
      keys(room?.state?.events).includes(`m.room.member|${guest.userId}`),
      `${section}: heroes MUST be included in the state`,
      keys(room?.state?.events),
    );
  });
});

describe('transaction IDs', () => {
  const rule = 'CS API, Transaction identifiers';

  it('are echoed to the device that sent, and to no other', async () => {
    const name = `echo-${process.pid}-${Date.now()}`;
    const made = await shared.http.ask('POST', path('register'), {
      json: { username: name, password: 'correct horse', auth: { type: 'm.login.dummy' } },
    });
    const body = expectOk(made, rule);
    const phone = new Client(shared.http, {
      userId: String(body['user_id']),
      deviceId: String(body['device_id']),
      token: String(body['access_token']),
    });
    const laptop = await login(shared.http, phone.userId, 'correct horse');
    const guest = await shared.user();
    const roomId = await phone.createRoom({ preset: 'public_chat' });
    await guest.join(roomId);
    const [one, two, three] = [await phone.sync(), await laptop.sync(), await guest.sync()];
    const eventId = await phone.say(roomId, 'x', 'my-transaction');
    const echo = async (client: Client, since: string) => {
      const answers = [await client.sync({ since }), await client.sync()];
      return answers.map((answer) => {
        const events = answer.rooms?.join?.[roomId]?.timeline?.events;
        return events?.find(({ event_id }) => event_id === eventId)?.unsigned?.['transaction_id'];
      });
    };
    same(await echo(phone, one.next_batch), ['my-transaction', 'my-transaction'], rule);
    same(await echo(laptop, two.next_batch), [undefined, undefined], `${rule}: only the client that sent it`);
    same(
      await echo(guest, three.next_batch),
      [undefined, undefined],
      `${rule}: only the client that sent it`,
    );
  });
});

describe('what goes with every answer', () => {
  it('are the device’s fields', async () => {
    const user = await shared.user();
    const first = await user.sync();
    const next = await user.sync({ since: first.next_batch });
    for (const answer of [first, next] as unknown as Json[]) {
      check(
        Array.isArray(answer['device_unused_fallback_key_types']),
        'CS API, E2E extensions to sync: required',
        answer,
      );
      check(
        typeof answer['device_one_time_keys_count'] === 'object',
        'CS API, E2E extensions to sync',
        answer,
      );
    }
    // The field is not in the type of test answers.
    const { device_lists } = first as unknown as Json;
    same(device_lists, undefined, 'CS API, DeviceLists: only present on an incremental sync');
  });

  it('is one’s membership at the time of each event', async () => {
    const rule = 'CS API, ClientEvent: unsigned.membership';
    const owner = await shared.user();
    const guest = await shared.user();
    const roomId = await owner.createRoom({ preset: 'public_chat' });
    const before = await owner.say(roomId, 'before');
    await owner.invite(roomId, guest.userId);
    const invited = await owner.say(roomId, 'invited');
    await guest.join(roomId);
    const joined = await owner.say(roomId, 'joined');
    const answer = await guest.sync({ filter: { room: { timeline: { limit: 50 } } } });
    const events = answer.rooms?.join?.[roomId]?.timeline?.events ?? [];
    const membership = (eventId: string) =>
      events.find(({ event_id }) => event_id === eventId)?.unsigned?.['membership'];
    same(membership(before), 'leave', rule);
    same(membership(invited), 'invite', rule);
    same(membership(joined), 'join', rule);
    const own = events.filter(({ state_key }) => state_key === guest.userId);
    same(
      own.map(({ unsigned }) => unsigned?.['membership']),
      ['invite', 'join'],
      `${rule}: with the event's own change`,
    );
    const later = await owner.say(roomId, 'later');
    const next = await guest.sync({ since: answer.next_batch });
    const [seen] = next.rooms?.join?.[roomId]?.timeline?.events ?? [];
    same([seen?.event_id, seen?.unsigned?.['membership']], [later, 'join'], rule);
  });
});

import { hash } from 'node:crypto';
import { describe, it } from 'node:test';
import { canonicalJson } from '../../../src/matrix/canonical-json.ts';
import type { JsonObject } from '../../../src/matrix/json.ts';
import { type Client, type ClientEvent, type JoinedRoom, type Json, path } from '../../support/client.ts';
import { check, expectOk, same } from '../../support/expect.ts';
import { sharedServer } from '../../support/shared-server.ts';

const shared = sharedServer();
const section = 'CS API, Filtering, in /sync';

const bodies = (events: readonly ClientEvent[] | undefined) =>
  (events ?? []).map((event) => event.content['body']);
const types = (events: readonly ClientEvent[] | undefined) => (events ?? []).map(({ type }) => type);
const keys = (events: readonly ClientEvent[] | undefined) =>
  (events ?? []).map((event) => `${event.type}|${event.state_key ?? ''}`);

async function pair(): Promise<readonly [Client, Client, string]> {
  const [owner, guest] = await Promise.all([shared.user('owner'), shared.user('guest')]);
  const roomId = await owner.createRoom({ preset: 'public_chat', name: 'Room' });
  await guest.join(roomId);
  return [owner, guest, roomId];
}

/** The room in an initial sync, and in one that goes on from `since`: both ways must filter alike. */
async function both(user: Client, roomId: string, since: string, room: Json): Promise<readonly JoinedRoom[]> {
  const filter = { room };
  const first = (await user.sync({ filter })).rooms?.join?.[roomId];
  const next = (await user.sync({ since, filter })).rooms?.join?.[roomId];
  check(first !== undefined, `${section}: the joined room`);
  return next === undefined ? [first] : [first, next];
}

const timelineOf = (filter: Json): Json => ({ timeline: { limit: 100, ...filter } });

describe('the filter of the timeline', () => {
  it('takes only the senders that are listed', async () => {
    const [owner, guest, roomId] = await pair();
    const { next_batch } = await owner.sync();
    await owner.say(roomId, 'from the owner');
    await guest.say(roomId, 'from the guest');
    const filter = timelineOf({ senders: [guest.userId], types: ['m.room.message'] });
    for (const room of await both(owner, roomId, next_batch, filter))
      same(bodies(room.timeline?.events), ['from the guest'], `${section}: senders`);
  });

  it('leaves out the senders that are excluded, even if they are listed', async () => {
    const [owner, guest, roomId] = await pair();
    const { next_batch } = await owner.sync();
    await owner.say(roomId, 'from the owner');
    await guest.say(roomId, 'from the guest');
    for (const more of [{}, { senders: [owner.userId, guest.userId] }]) {
      const filter = timelineOf({ ...more, not_senders: [guest.userId], types: ['m.room.message'] });
      for (const room of await both(owner, roomId, next_batch, filter))
        same(bodies(room.timeline?.events), ['from the owner'], `${section}: not_senders`);
    }
  });

  it('with an empty list of types or senders takes nothing', async () => {
    const [owner, , roomId] = await pair();
    const { next_batch } = await owner.sync();
    await owner.say(roomId, 'x');
    for (const filter of [{ types: [] }, { senders: [] }])
      for (const room of await both(owner, roomId, next_batch, timelineOf(filter)))
        same(room.timeline?.events, [], `${section}: only what is listed is included`);
  });

  it('takes a star anywhere in a type as any run of characters, and nothing else as special', async () => {
    const [owner, , roomId] = await pair();
    const { next_batch } = await owner.sync();
    for (const type of ['org.example.a', 'org.example.ab', 'orgXexample.a', 'org.example_a', 'a%b']) {
      await owner.send(roomId, type, {});
    }
    for (const [patterns, expected] of [
      [['org.example.*'], ['org.example.a', 'org.example.ab']],
      [['*.a'], ['org.example.a', 'orgXexample.a']],
      [['org*a'], ['org.example.a', 'orgXexample.a', 'org.example_a']],
      [['o*g*x*a*'], ['org.example.a', 'org.example.ab', 'orgXexample.a', 'org.example_a']],
      [['org.example_a'], ['org.example_a']],
      [['a%b'], ['a%b']],
      [['%'], []],
      [['org.example.?'], []],
      [['org.example'], []],
    ] as const)
      for (const room of await both(owner, roomId, next_batch, timelineOf({ types: patterns })))
        same(types(room.timeline?.events), expected, `${section}: types (${patterns})`);
  });

  it('leaves out types that are excluded, with stars too, even if they are listed', async () => {
    const [owner, , roomId] = await pair();
    const { next_batch } = await owner.sync();
    for (const type of ['org.example.a', 'org.example.b', 'org.other']) await owner.send(roomId, type, {});
    const listed = { types: ['org.*'] };
    for (const [filter, expected] of [
      [{ ...listed, not_types: ['org.example.*'] }, ['org.other']],
      [{ ...listed, not_types: ['*b'] }, ['org.example.a', 'org.other']],
      [{ ...listed, not_types: ['*'] }, []],
      [{ ...listed, not_types: [] }, ['org.example.a', 'org.example.b', 'org.other']],
    ] as const)
      for (const room of await both(owner, roomId, next_batch, timelineOf(filter)))
        same(types(room.timeline?.events), expected, `${section}: not_types (${JSON.stringify(filter)})`);
  });

  it('takes only events with a url in their content, or only those without', async () => {
    const [owner, , roomId] = await pair();
    const { next_batch } = await owner.sync();
    await owner.send(roomId, 'm.room.message', { msgtype: 'm.image', body: 'with', url: 'mxc://a/b' });
    await owner.send(roomId, 'm.room.message', { msgtype: 'm.text', body: 'without' });
    await owner.send(roomId, 'm.room.message', { msgtype: 'm.text', body: 'odd', url: 1 });
    for (const [contains_url, expected] of [
      [true, ['with', 'odd']],
      [false, ['without']],
    ] as const) {
      const filter = timelineOf({ contains_url, types: ['m.room.message'] });
      for (const room of await both(owner, roomId, next_batch, filter))
        same(bodies(room.timeline?.events), expected, `${section}: contains_url ${contains_url}`);
    }
  });

  it('limits after it has chosen: the newest events of the chosen', async () => {
    const [owner, guest, roomId] = await pair();
    const { next_batch } = await owner.sync();
    for (let i = 0; i < 4; i++) {
      await guest.say(roomId, `guest ${i}`);
      await owner.say(roomId, `owner ${i}`);
    }
    const filter = { timeline: { limit: 2, senders: [guest.userId], types: ['m.room.message'] } };
    for (const room of await both(owner, roomId, next_batch, filter)) {
      same(bodies(room.timeline?.events), ['guest 2', 'guest 3'], `${section}: limit`);
      same(room.timeline?.limited, true, `${section}: limited by the limit`);
    }
  });

  it('is not limited by events that it leaves out', async () => {
    const [owner, guest, roomId] = await pair();
    const { next_batch } = await owner.sync();
    await guest.say(roomId, 'the only one');
    for (let i = 0; i < 5; i++) await owner.say(roomId, `owner ${i}`);
    const filter = { room: { timeline: { limit: 2, senders: [guest.userId], types: ['m.room.message'] } } };
    const room = (await owner.sync({ since: next_batch, filter })).rooms?.join?.[roomId];
    same(bodies(room?.timeline?.events), ['the only one'], section);
    same(room?.timeline?.limited, false, `${section}: limited is about the limit`);
  });

  it('chooses rooms: others have no timeline, but their state', async () => {
    const owner = await shared.user();
    const [one, two] = [await owner.createRoom({ name: 'one' }), await owner.createRoom({ name: 'two' })];
    const { next_batch } = await owner.sync();
    await owner.say(one, 'x');
    await owner.say(two, 'y');
    for (const timeline of [
      { rooms: [one] },
      { not_rooms: [two] },
      { rooms: [one, two], not_rooms: [two] },
    ]) {
      const filter = { room: { timeline } };
      for (const since of [undefined, next_batch]) {
        const { rooms } = await owner.sync({ since, filter });
        check(
          (rooms?.join?.[one]?.timeline?.events.length ?? 0) > 0,
          `${section}: rooms of the timeline`,
          rooms,
        );
        same(rooms?.join?.[two]?.timeline?.events ?? [], [], `${section}: rooms of the timeline`);
      }
      const state = (await owner.sync({ filter })).rooms?.join?.[two]?.state?.events;
      check(keys(state).includes('m.room.name|'), `${section}: its state is told all the same`, keys(state));
    }
  });
});

describe('the filter of rooms', () => {
  it('comes before all others, and an exclusion wins', async () => {
    const owner = await shared.user();
    const [one, two] = [await owner.createRoom(), await owner.createRoom()];
    const { next_batch } = await owner.sync();
    await owner.say(one, 'x');
    await owner.say(two, 'y');
    const filter = { room: { rooms: [one, two], not_rooms: [two], timeline: { rooms: [two] } } };
    for (const since of [undefined, next_batch]) {
      const { rooms } = await owner.sync({ since, filter });
      same(rooms?.join?.[two], undefined, `${section}: not_rooms`);
      same(
        rooms?.join?.[one]?.timeline?.events ?? [],
        [],
        `${section}: applied before the filter in timeline`,
      );
    }
  });

  it('is heeded for invitations and for rooms that were left', async () => {
    const [owner, guest, roomId] = await pair();
    const invited = await owner.createRoom({ invite: [guest.userId] });
    const { next_batch } = await guest.sync({ filter: { room: { not_rooms: [invited] } } });
    const first = await guest.sync({ filter: { room: { not_rooms: [invited] } } });
    same(Object.keys(first.rooms?.invite ?? {}), [], `${section}: not_rooms`);
    await guest.leave(roomId);
    const next = await guest.sync({ since: next_batch, filter: { room: { not_rooms: [roomId] } } });
    same(Object.keys(next.rooms?.leave ?? {}), [], `${section}: not_rooms`);
  });

  it('does not wake who waits for what it leaves out', async () => {
    const [owner, guest, roomId] = await pair();
    const filter = { room: { not_rooms: [roomId] } };
    const { next_batch } = await guest.sync({ filter });
    const waiting = guest.sync({ since: next_batch, filter, timeout: 400 });
    await owner.say(roomId, 'x');
    const answer = await waiting;
    same(Object.keys(answer.rooms?.join ?? {}), [], section);
    const later = await guest.sync({ since: answer.next_batch });
    same(later.rooms?.join?.[roomId]?.timeline?.events ?? [], [], 'what a filter left out is past');
  });
});

describe('the filter of state', () => {
  it('chooses among state by type and sender', async () => {
    const [owner, guest, roomId] = await pair();
    await owner.setState(roomId, 'org.example.one', '', { a: 1 });
    for (let i = 0; i < 3; i++) await owner.say(roomId, String(i));
    const state = async (filter: Json) => {
      const answer = await owner.sync({ filter: { room: { state: filter, timeline: { limit: 1 } } } });
      return keys(answer.rooms?.join?.[roomId]?.state?.events);
    };
    same(await state({ types: ['m.room.name'] }), ['m.room.name|'], `${section}: types`);
    same(await state({ types: ['org.*'] }), ['org.example.one|'], `${section}: types`);
    same(await state({ senders: [guest.userId] }), [`m.room.member|${guest.userId}`], `${section}: senders`);
    const without = await state({ not_types: ['m.room.*'] });
    same(without, ['org.example.one|'], `${section}: not_types`);
    same(await state({ types: [] }), [], `${section}: an empty list`);
  });

  it('is heeded in what changed in a gap, and under use_state_after', async () => {
    const [owner, guest, roomId] = await pair();
    const { next_batch } = await guest.sync();
    await owner.setState(roomId, 'm.room.topic', '', { topic: 't' });
    await owner.setState(roomId, 'org.example.one', '', {});
    for (let i = 0; i < 4; i++) await owner.say(roomId, String(i));
    const filter = { room: { state: { types: ['org.*'] }, timeline: { limit: 2 } } };
    const before = (await guest.sync({ since: next_batch, filter })).rooms?.join?.[roomId];
    same(keys(before?.state?.events), ['org.example.one|'], section);
    const query = { use_state_after: 'true' };
    const after = (await guest.sync({ since: next_batch, filter, query })).rooms?.join?.[roomId];
    same(keys(after?.state_after?.events), ['org.example.one|'], section);
  });

  it('leaves nothing unknown of what the timeline’s filter hides', async () => {
    const [owner, guest, roomId] = await pair();
    const filter = { room: { timeline: { types: ['m.room.message'] } } };
    const { next_batch } = await guest.sync({ filter });
    await owner.setState(roomId, 'm.room.topic', '', { topic: 'hidden from the timeline' });
    await owner.say(roomId, 'seen');
    const room = (await guest.sync({ since: next_batch, filter })).rooms?.join?.[roomId];
    same(types(room?.timeline?.events), ['m.room.message'], section);
    check(keys(room?.state?.events).includes('m.room.topic|'), 'the client learns of the topic', room?.state);
  });
});

describe('the filters of account data and ephemeral events', () => {
  const data = (user: Client, type: string, json: Json, roomId?: string) =>
    user.ask(
      'PUT',
      roomId === undefined
        ? path('user', user.userId, 'account_data', type)
        : path('user', user.userId, 'rooms', roomId, 'account_data', type),
      { json },
    );

  it('choose among global account data by type', async () => {
    const user = await shared.user();
    const { next_batch } = await user.sync();
    expectOk(await data(user, 'org.example.a', { a: 1 }), section);
    expectOk(await data(user, 'org.example.b', { b: 1 }), section);
    for (const since of [undefined, next_batch]) {
      const answer = await user.sync({ since, filter: { account_data: { types: ['org.example.a'] } } });
      same(types(answer.account_data?.events), ['org.example.a'], `${section}: account_data`);
      const none = await user.sync({ since, filter: { account_data: { not_types: ['*'] } } });
      same(none.account_data?.events ?? [], [], `${section}: account_data`);
    }
  });

  it('choose among a room’s account data by type and room', async () => {
    const [owner, , roomId] = await pair();
    const { next_batch } = await owner.sync();
    expectOk(await data(owner, 'org.example.a', { a: 1 }, roomId), section);
    expectOk(await data(owner, 'org.example.b', { b: 1 }, roomId), section);
    for (const since of [undefined, next_batch]) {
      const told = async (account_data: Json) => {
        const answer = await owner.sync({ since, filter: { room: { account_data } } });
        return types(answer.rooms?.join?.[roomId]?.account_data?.events);
      };
      same(await told({ types: ['org.example.a'] }), ['org.example.a'], `${section}: room.account_data`);
      same(await told({ not_rooms: [roomId] }), [], `${section}: room.account_data, not_rooms`);
    }
  });

  it('choose among typing and receipts', async () => {
    const [owner, guest, roomId] = await pair();
    const eventId = await owner.say(roomId, 'x');
    const { next_batch } = await owner.sync();
    const typing = path('rooms', roomId, 'typing', guest.userId);
    expectOk(await guest.ask('PUT', typing, { json: { typing: true, timeout: 20_000 } }), section);
    expectOk(
      await guest.ask('POST', path('rooms', roomId, 'receipt', 'm.read', eventId), { json: {} }),
      section,
    );
    const told = async (ephemeral: Json) => {
      const answer = await owner.sync({ since: next_batch, filter: { room: { ephemeral } } });
      return types(answer.rooms?.join?.[roomId]?.ephemeral?.events);
    };
    await owner.syncUntil(next_batch, (sync) => JSON.stringify(sync).includes('m.typing'));
    same(await told({ types: ['m.typing'] }), ['m.typing'], `${section}: ephemeral`);
    same(await told({ not_types: ['m.typing'] }), ['m.receipt'], `${section}: ephemeral`);
    same(await told({ rooms: [] }), [], `${section}: ephemeral, rooms`);
  });
});

describe('the fields of events', () => {
  it('are those that were asked for, beside those that every event has', async () => {
    const [owner, , roomId] = await pair();
    const { next_batch } = await owner.sync();
    await owner.send(roomId, 'm.room.message', {
      msgtype: 'm.text',
      body: 'kept',
      extra: { deep: 1, other: 2 },
      'with.dot': 3,
    });
    const filter = {
      event_fields: ['content.body', 'content.extra.deep', 'content.with\\.dot'],
      room: { timeline: { types: ['m.room.message'] } },
    };
    for (const since of [undefined, next_batch]) {
      const room = (await owner.sync({ since, filter })).rooms?.join?.[roomId];
      const [event] = room?.timeline?.events ?? [];
      same(
        event?.content,
        { body: 'kept', extra: { deep: 1 }, 'with.dot': 3 },
        'CS API, Filter: event_fields are dot-separated paths',
      );
      check(event?.unsigned === undefined, 'CS API, Filter: only the fields that were asked for', event);
    }
  });

  it('are all of them without a list', async () => {
    const [owner, , roomId] = await pair();
    await owner.say(roomId, 'x');
    const [event] =
      (await owner.sync({ filter: { room: { timeline: { limit: 1 } } } })).rooms?.join?.[roomId]?.timeline
        ?.events ?? [];
    same(
      event?.content,
      { msgtype: 'm.text', body: 'x' },
      'CS API, Filter: if this list is absent all are included',
    );
    check(typeof event?.unsigned?.['age'] === 'number', 'CS API, ClientEvent: unsigned', event);
  });
});

describe('the event format', () => {
  const rule = 'CS API, Filtering, event_format: the raw event as received over federation';

  it('of federation gives whole PDUs, whose hashes are right, in timelines and in state', async () => {
    const [owner, guest, roomId] = await pair();
    const { next_batch: since } = await guest.sync();
    const said = await owner.say(roomId, 'hello');
    const gone = await owner.say(roomId, 'gone');
    await owner.setState(roomId, 'm.room.topic', '', { topic: 'a topic' });
    const filter = { event_format: 'federation', room: { timeline: { limit: 3 } } };
    await owner.redact(roomId, gone);
    for (const how of [{ since }, {}, { since, query: { full_state: 'true' } }]) {
      const room = (await guest.sync({ ...how, filter })).rooms?.join?.[roomId];
      const state = room?.state?.events ?? [];
      const events = [...state, ...(room?.timeline?.events ?? [])];
      check(
        types(events).includes('m.room.topic') && types(events).includes('m.room.redaction'),
        rule,
        events,
      );
      for (const event of events) {
        // The shape of events in tests is the client's.
        const { event_id, ...pdu } = event as unknown as Json & { readonly event_id: string };
        for (const key of ['auth_events', 'prev_events', 'depth', 'hashes', 'signatures', 'origin_server_ts'])
          check(key in pdu, `${rule}: ${key}`, pdu);
        check(!('unsigned' in pdu), `${rule}: nothing that is a client's alone`, pdu);
        if (event_id === gone) same(pdu['content'], {}, `${rule}: redacted`);
        else {
          const { hashes, signatures: _, ...hashed } = pdu;
          const sha256 = hash('sha256', canonicalJson(hashed as JsonObject), 'base64').replace(/=+$/, '');
          same(hashes, { sha256 }, `${rule}: the content hash`);
        }
      }
      check(
        events.some(({ event_id }) => event_id === gone),
        rule,
      );
    }
    const client = await guest.sync({ since, filter: { event_format: 'client', room: timelineOf({}) } });
    const [first] = client.rooms?.join?.[roomId]?.timeline?.events ?? [];
    same([first?.event_id, 'hashes' in (first ?? {})], [said, false], `${rule}: client`);
  });
});

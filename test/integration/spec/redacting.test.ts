import { describe, it } from 'node:test';
import {
  type Client,
  type ClientEvent,
  freshTransaction,
  isObject,
  type Json,
  path,
} from '../../support/client.ts';
import { check, expectError, expectOk, same } from '../../support/expect.ts';
import { sharedServer } from '../../support/shared-server.ts';

const shared = sharedServer();
const section = 'CS API, Redactions';

const redact = (user: Client, roomId: string, eventId: string, json: Json = {}) =>
  user.ask('PUT', path('rooms', roomId, 'redact', eventId, freshTransaction()), { json });

const send = (user: Client, roomId: string, json: Json) =>
  user.ask('PUT', path('rooms', roomId, 'send', 'm.room.redaction', freshTransaction()), { json });

const contentOf = async (user: Client, roomId: string, eventId: string) =>
  (await user.get200('GET', path('rooms', roomId, 'event', eventId)))['content'];

describe('redactions through /send', () => {
  for (const version of ['11', '12'])
    it(`do the same as /redact in rooms of version ${version}`, async () => {
      const [owner, guest, roomId] = await shared.pair({ room_version: version });
      const said = await guest.say(roomId, 'gone');
      const answer = expectOk(await send(owner, roomId, { redacts: said, reason: 'spam' }), section);
      same(await contentOf(guest, roomId, said), {}, 'CS API, PUT send (changed in v1.18)');
      const redaction = await guest.get200('GET', path('rooms', roomId, 'event', String(answer['event_id'])));
      same(redaction['content'], { redacts: said, reason: 'spam' }, 'Room version 11: redacts in content');
    });

  it('have to name an event of the room', async () => {
    const [owner, , roomId] = await shared.pair();
    for (const json of [{}, { redacts: 7 }, { redacts: 'no event' }, { redacts: `$${'r'.repeat(43)}` }])
      expectError(
        await send(owner, roomId, json),
        [400, 403, 404],
        ['M_BAD_JSON', 'M_INVALID_PARAM', 'M_MISSING_PARAM', 'M_NOT_FOUND', 'M_FORBIDDEN'],
        `${section} (${JSON.stringify(json)})`,
      );
  });

  it('need the same power', async () => {
    const [owner, guest, roomId] = await shared.pair();
    const said = await owner.say(roomId, 'stays');
    expectError(await send(guest, roomId, { redacts: said }), 403, 'M_FORBIDDEN', section);
    same(await contentOf(guest, roomId, said), { msgtype: 'm.text', body: 'stays' }, section);
  });
});

describe('who may redact', () => {
  it('one’s own events: whoever may send m.room.redaction', async () => {
    const [owner, guest, roomId] = await shared.pair({
      power_level_content_override: { events: { 'm.room.redaction': 30 } },
    });
    const said = await guest.say(roomId, 'mine');
    expectError(
      await redact(guest, roomId, said),
      403,
      'M_FORBIDDEN',
      'CS API, PUT redact: at least the m.room.redaction level for one’s own events',
    );
    expectOk(await redact(owner, roomId, said), section);
  });

  it('not those who have left', async () => {
    const [, guest, roomId] = await shared.pair();
    const said = await guest.say(roomId, 'mine');
    await guest.leave(roomId);
    expectError(await redact(guest, roomId, said), 403, 'M_FORBIDDEN', section);
  });

  it('not an event of another room', async () => {
    const [owner, , roomId] = await shared.pair();
    const elsewhere = await owner.createRoom();
    const said = await owner.say(elsewhere, 'elsewhere');
    expectError(
      await redact(owner, roomId, said),
      [400, 403, 404],
      ['M_NOT_FOUND', 'M_INVALID_PARAM', 'M_FORBIDDEN'],
      section,
    );
    same(await contentOf(owner, elsewhere, said), { msgtype: 'm.text', body: 'elsewhere' }, section);
  });
});

describe('what is redacted', () => {
  it('is so on every path: history, context, state and sync, with the redaction beside it', async () => {
    const [owner, guest, roomId] = await shared.pair();
    const said = await guest.say(roomId, 'a secret word');
    const topic = await owner.setState(roomId, 'm.room.topic', '', { topic: 'a secret word' });
    const reasons = new Map([
      [said, await owner.redact(roomId, said, 'why')],
      [topic, await owner.redact(roomId, topic, 'why')],
    ]);
    const places: readonly (readonly [string, readonly ClientEvent[]])[] = [
      ['messages', await guest.history(roomId)],
      [
        'context',
        await guest
          .get200('GET', `${path('rooms', roomId, 'context', said)}?limit=20`)
          .then((body) => [body['event'], ...(body['events_after'] as unknown[])] as ClientEvent[]),
      ],
      ['state', (await guest.ask('GET', path('rooms', roomId, 'state'))).json as ClientEvent[]],
      ['sync', (await guest.sync()).rooms?.join?.[roomId]?.timeline?.events ?? []],
    ];
    for (const [place, events] of places) {
      check(!JSON.stringify(events).includes('a secret word'), `${section}, in ${place}`, events);
      for (const event of events) {
        const redaction = reasons.get(event.event_id);
        if (redaction === undefined) continue;
        same(event.content, {}, `${section}, in ${place}`);
        const because = event.unsigned?.['redacted_because'];
        check(isObject(because), `${section}, redacted_because in ${place}`, event);
        same(because['event_id'], redaction, `${section}, redacted_because in ${place}`);
      }
    }
  });

  it('is redacted again without harm', async () => {
    const [owner, , roomId] = await shared.pair();
    const said = await owner.say(roomId, 'x');
    expectOk(await redact(owner, roomId, said), section);
    expectOk(await redact(owner, roomId, said, { reason: 'again' }), section);
    same(await contentOf(owner, roomId, said), {}, section);
  });

  it('keeps of power levels, join rules and the create event what the rules need', async () => {
    const rule = 'Room version 11, Redactions';
    const [owner, guest, roomId] = await shared.pair();
    const rules = await owner.setState(roomId, 'm.room.join_rules', '', {
      join_rule: 'public',
      'org.example.extra': 1,
    });
    await owner.redact(roomId, rules);
    same(await owner.state(roomId, 'm.room.join_rules'), { join_rule: 'public' }, rule);
    const levels = await owner.state(roomId, 'm.room.power_levels');
    const changed = await owner.setState(roomId, 'm.room.power_levels', '', {
      ...levels,
      users: { [guest.userId]: 10 },
      'org.example.extra': 1,
    });
    await owner.redact(roomId, changed);
    const after = await owner.state(roomId, 'm.room.power_levels');
    check(!('org.example.extra' in after), rule, after);
    same(after['users'], { [guest.userId]: 10 }, rule);
  });

  it('cannot be searched for in previous content either', async () => {
    const [owner, guest, roomId] = await shared.pair();
    const first = await owner.setState(roomId, 'm.room.topic', '', { topic: 'a secret word' });
    const second = await owner.setState(roomId, 'm.room.topic', '', { topic: 'clean' });
    await owner.redact(roomId, first);
    const event = await guest.get200('GET', path('rooms', roomId, 'event', second));
    check(!JSON.stringify(event).includes('a secret word'), `${section}: prev_content`, event);
  });

  it('a reason that is no string is refused', async () => {
    const [owner, , roomId] = await shared.pair();
    const said = await owner.say(roomId, 'x');
    expectError(
      await redact(owner, roomId, said, { reason: 7 }),
      400,
      ['M_BAD_JSON', 'M_INVALID_PARAM'],
      'CS API, PUT redact, reason: a string',
    );
  });
});

import { describe, it } from 'node:test';
import { type Client, freshTransaction, isObject, path } from '../../support/client.ts';
import { check, expectError, expectOk, same } from '../../support/expect.ts';
import { sharedServer } from '../../support/shared-server.ts';

const shared = sharedServer();

async function pair(room: object = { preset: 'public_chat' }): Promise<readonly [Client, Client, string]> {
  const [owner, guest] = await Promise.all([shared.user('owner'), shared.user('guest')]);
  const roomId = await owner.createRoom({ ...room });
  await guest.join(roomId);
  return [owner, guest, roomId];
}

const message = (body: string) => ({ msgtype: 'm.text', body });

describe('sending messages', () => {
  const section = 'CS API, PUT /rooms/{roomId}/send/{eventType}/{txnId}';

  it('gives the event ID of what others then read, content unharmed', async () => {
    const [owner, guest, roomId] = await pair();
    const content = {
      ...message('hëllo \u{1f600} \u2028'),
      nested: { list: [1, -2, null, true, ''], deep: { a: {} } },
    };
    const eventId = await owner.send(roomId, 'm.room.message', content);
    check(/^\$[A-Za-z0-9_-]{43}$/.test(eventId), 'Room version 4: event IDs', eventId);
    const event = expectOk(await guest.ask('GET', path('rooms', roomId, 'event', eventId)), section);
    same(event['content'], content, `${section}: the content comes back as it was`);
    same(event['sender'], owner.userId, section);
    same(event['type'], 'm.room.message', section);
    same(event['room_id'], roomId, 'CS API, ClientEvent: room_id is required');
    check(Math.abs(Number(event['origin_server_ts']) - Date.now()) < 60_000, 'CS API, ClientEvent', event);
  });

  it('keeps a key __proto__ as content', async () => {
    const [owner, guest, roomId] = await pair();
    const raw = '{"msgtype":"m.text","body":"x","__proto__":{"polluted":1},"constructor":{"prototype":2}}';
    const answer = await owner.ask(
      'PUT',
      path('rooms', roomId, 'send', 'm.room.message', freshTransaction()),
      { raw },
    );
    const eventId = String(expectOk(answer, `${section}: any JSON object is content`)['event_id']);
    const event = await guest.ask('GET', path('rooms', roomId, 'event', eventId));
    check(
      event.text.includes('"__proto__":{"polluted":1}'),
      'Appendices, Canonical JSON: any key is a key',
      event.text,
    );
    check(event.text.includes('"constructor":{"prototype":2}'), 'Appendices, Canonical JSON', event.text);
  });

  it('gives the same event for the same transaction ID', async () => {
    const rule = 'CS API, Transaction identifiers';
    const [owner, , roomId] = await pair();
    const txnId = freshTransaction();
    const first = await owner.say(roomId, 'once', txnId);
    same(await owner.say(roomId, 'once', txnId), first, rule);
    same(
      await owner.say(roomId, 'with another body', txnId),
      first,
      `${rule}: a retransmission whatever its body`,
    );
    const bodies = (await owner.history(roomId)).filter((event) => event.type === 'm.room.message');
    same(bodies.length, 1, `${rule}: the request is idempotent`);
  });

  it('gives one event when retransmissions come at once', async () => {
    const rule = 'CS API, Transaction identifiers';
    const [owner, , roomId] = await pair();
    const txnId = freshTransaction();
    const ids = await Promise.all(Array.from({ length: 8 }, () => owner.say(roomId, 'at once', txnId)));
    same(new Set(ids).size, 1, rule);
  });

  it('takes the same transaction ID of another device, path or room for another request', async () => {
    const rule = 'CS API, Transaction identifiers: the scope is a device and an endpoint';
    const [owner, guest, roomId] = await pair();
    const other = await owner.createRoom();
    const txnId = freshTransaction();
    const ids = [
      await owner.say(roomId, 'one', txnId),
      await guest.say(roomId, 'two', txnId),
      await owner.say(other, 'three', txnId),
      await owner.send(roomId, 'org.example.other', { n: 4 }, txnId),
    ];
    same(new Set(ids).size, ids.length, rule);
  });

  it('shows the transaction ID to the device that sent, and to no other', async () => {
    const rule = 'CS API, ClientEvent, unsigned.transaction_id';
    const [owner, guest, roomId] = await pair();
    const txnId = freshTransaction();
    const eventId = await owner.say(roomId, 'echo', txnId);
    const seen = async (user: Client): Promise<unknown> => {
      const answer = await user.syncUntil(
        undefined,
        (sync) =>
          sync.rooms?.join?.[roomId]?.timeline?.events.some((event) => event.event_id === eventId) === true,
      );
      const event = answer.rooms?.join?.[roomId]?.timeline?.events.find((one) => one.event_id === eventId);
      return event?.unsigned?.['transaction_id'];
    };
    same(await seen(owner), txnId, rule);
    same(await seen(guest), undefined, `${rule}: only set for the device that sent it`);
  });

  it('keeps the order in which one sender got answers', async () => {
    const [owner, guest, roomId] = await pair();
    const sent: string[] = [];
    for (let i = 0; i < 20; i++) sent.push(await owner.say(roomId, String(i)));
    const seen = (await guest.history(roomId)).filter((event) => event.type === 'm.room.message');
    same(
      seen.map((event) => event.event_id),
      sent,
      'CS API, Syncing: messages come in order',
    );
  });

  it('is refused to those who are not in the room with 403 M_FORBIDDEN', async () => {
    const [, , roomId] = await pair();
    const stranger = await shared.user();
    const answer = await stranger.ask('PUT', path('rooms', roomId, 'send', 'm.room.message', 't'), {
      json: message('x'),
    });
    expectError(answer, 403, 'M_FORBIDDEN', 'Room version 12, auth rule 5');
  });

  it('is refused to those whose level is too low', async () => {
    const [, guest, roomId] = await pair({
      preset: 'public_chat',
      power_level_content_override: { events: { 'org.example.high': 60 }, events_default: 0 },
    });
    const answer = await guest.ask('PUT', path('rooms', roomId, 'send', 'org.example.high', 't'), {
      json: {},
    });
    expectError(answer, 403, 'M_FORBIDDEN', 'Room version 12, auth rule 8: the required level');
  });

  it('refuses an event larger than 64 KiB with M_TOO_LARGE', async () => {
    const [owner, , roomId] = await pair();
    const answer = await owner.ask('PUT', path('rooms', roomId, 'send', 'm.room.message', 't-large'), {
      json: message('x'.repeat(66_000)),
    });
    expectError(answer, 413, 'M_TOO_LARGE', 'CS API, Size limits: 65536 bytes');
    expectOk(
      await owner.ask('PUT', path('rooms', roomId, 'send', 'm.room.message', 't-fits'), {
        json: message('x'.repeat(60_000)),
      }),
      'CS API, Size limits: what fits is taken',
    );
  });

  it('refuses an event type longer than 255 bytes', async () => {
    const [owner, , roomId] = await pair();
    const answer = await owner.ask('PUT', path('rooms', roomId, 'send', 'x'.repeat(256), 't'), { json: {} });
    expectError(
      answer,
      [400, 413],
      ['M_TOO_LARGE', 'M_INVALID_PARAM', 'M_BAD_JSON'],
      'CS API, Size limits: type',
    );
  });

  it('refuses numbers that canonical JSON has no place for with M_BAD_JSON', async () => {
    const [owner, , roomId] = await pair();
    for (const number of ['1.5', '9007199254740993', '-9007199254740993', '1e400'])
      expectError(
        await owner.ask('PUT', path('rooms', roomId, 'send', 'org.example.n', freshTransaction()), {
          raw: `{"n":${number}}`,
        }),
        400,
        'M_BAD_JSON',
        `Room version 6, Canonical JSON: strictly enforced (${number})`,
      );
    for (const number of ['9007199254740991', '-9007199254740991', '0'])
      expectOk(
        await owner.ask('PUT', path('rooms', roomId, 'send', 'org.example.n', freshTransaction()), {
          raw: `{"n":${number}}`,
        }),
        `Room version 6, Canonical JSON: in range (${number})`,
      );
  });

  it('refuses a body that is no object', async () => {
    const [owner, , roomId] = await pair();
    for (const raw of ['[]', '"x"', '5', 'null'])
      expectError(
        await owner.ask('PUT', path('rooms', roomId, 'send', 'm.room.message', freshTransaction()), { raw }),
        400,
        ['M_BAD_JSON', 'M_NOT_JSON'],
        `CS API, API Standards: a JSON object (${raw})`,
      );
  });
});

describe('state', () => {
  const section = 'CS API, PUT /rooms/{roomId}/state/{eventType}/{stateKey}';

  it('is replaced by type and key, and read with content, event and as a whole', async () => {
    const [owner, guest, roomId] = await pair();
    await owner.setState(roomId, 'm.room.topic', '', { topic: 'one' });
    const eventId = await owner.setState(roomId, 'm.room.topic', '', { topic: 'two' });
    same(await guest.state(roomId, 'm.room.topic'), { topic: 'two' }, section);
    const where = `${path('rooms', roomId, 'state', 'm.room.topic', '')}?format=event`;
    const event = expectOk(await guest.ask('GET', where), 'CS API, GET state, format=event (added in v1.16)');
    same(event['event_id'], eventId, 'CS API, GET state, format=event');
    const all = await guest.ask('GET', path('rooms', roomId, 'state'));
    same(all.status, 200, 'CS API, GET /rooms/{roomId}/state');
    check(Array.isArray(all.json), 'CS API, GET /rooms/{roomId}/state: a list', all.text);
    const keys = all.json.map((one: { type: string; state_key: string }) => `${one.type}|${one.state_key}`);
    same(new Set(keys).size, keys.length, 'CS API, GET state: one event for each type and key');
    check(keys.includes('m.room.topic|') && keys.includes(`m.room.member|${guest.userId}`), section, keys);
  });

  it('needs no trailing slash where the key is empty', async () => {
    const [owner, , roomId] = await pair();
    const where = path('rooms', roomId, 'state', 'm.room.topic');
    expectOk(
      await owner.ask('PUT', where, { json: { topic: 'no slash' } }),
      `${section}: the slash is optional`,
    );
    same(expectOk(await owner.ask('GET', where), section), { topic: 'no slash' }, section);
    same(expectOk(await owner.ask('GET', `${where}/`), section), { topic: 'no slash' }, section);
  });

  it('takes keys with slashes, umlauts and spaces', async () => {
    const [owner, , roomId] = await pair();
    for (const key of ['a/b', 'ä ö', '%2F', '../x', '\u{1f600}']) {
      await owner.setState(roomId, 'org.example.keyed', key, { key });
      same(await owner.state(roomId, 'org.example.keyed', key), { key }, `${section} (${key})`);
    }
  });

  it('is not there under keys that nobody set: 404 M_NOT_FOUND', async () => {
    const [owner, , roomId] = await pair();
    const answer = await owner.ask('GET', path('rooms', roomId, 'state', 'org.example.none', 'k'));
    expectError(answer, 404, 'M_NOT_FOUND', 'CS API, GET state, 404');
  });

  it('is hidden from those who never were in the room', async () => {
    const owner = await shared.user();
    const roomId = await owner.createRoom();
    const stranger = await shared.user();
    expectError(
      await stranger.ask('GET', path('rooms', roomId, 'state')),
      403,
      'M_FORBIDDEN',
      'CS API, GET state, 403',
    );
    expectError(
      await stranger.ask('GET', path('rooms', roomId, 'state', 'm.room.create', '')),
      403,
      'M_FORBIDDEN',
      'CS API, GET state, 403',
    );
  });

  it('may be changed only with the power to do so', async () => {
    const [, guest, roomId] = await pair();
    const answer = await guest.ask('PUT', path('rooms', roomId, 'state', 'm.room.topic', ''), {
      json: { topic: 'x' },
    });
    expectError(answer, 403, 'M_FORBIDDEN', `${section}, 403`);
  });

  it('under a key that begins with @ belongs to that user', async () => {
    const [owner, guest, roomId] = await pair();
    const where = path('rooms', roomId, 'state', 'org.example.mine', guest.userId);
    const answer = await owner.ask('PUT', where, { json: {} });
    expectError(answer, 403, 'M_FORBIDDEN', 'Room version 12, auth rule 9: state_key starts with an @');
  });

  it('of the old room is shown to those who left', async () => {
    const rule = 'CS API, GET state: from the state of the room when they left';
    const [owner, guest, roomId] = await pair();
    await owner.setState(roomId, 'm.room.topic', '', { topic: 'while there' });
    await guest.leave(roomId);
    await owner.setState(roomId, 'm.room.topic', '', { topic: 'after' });
    same(await guest.state(roomId, 'm.room.topic'), { topic: 'while there' }, rule);
  });

  it('carries what it replaced in unsigned', async () => {
    const rule = 'CS API, ClientEvent, unsigned.prev_content';
    const [owner, guest, roomId] = await pair();
    await owner.setState(roomId, 'm.room.topic', '', { topic: 'one' });
    const eventId = await owner.setState(roomId, 'm.room.topic', '', { topic: 'two' });
    const event = expectOk(await guest.ask('GET', path('rooms', roomId, 'event', eventId)), rule);
    const unsigned = event['unsigned'];
    check(isObject(unsigned), rule, event);
    same(unsigned['prev_content'], { topic: 'one' }, rule);
  });

  it('of power levels may not be raised above one’s own', async () => {
    const [owner, guest, roomId] = await pair();
    const levels = await owner.state(roomId, 'm.room.power_levels');
    await owner.setState(roomId, 'm.room.power_levels', '', {
      ...levels,
      users: { [guest.userId]: 60 },
      state_default: 50,
      events: {},
    });
    const answer = await guest.ask('PUT', path('rooms', roomId, 'state', 'm.room.power_levels', ''), {
      json: { ...levels, users: { [guest.userId]: 100 }, state_default: 50, events: {} },
    });
    expectError(answer, 403, 'M_FORBIDDEN', 'Room version 12, auth rule 10: not above one’s own level');
  });
});

describe('redactions', () => {
  const section = 'CS API, Redactions';

  it('take the content away and leave the reason', async () => {
    const [owner, guest, roomId] = await pair();
    const eventId = await guest.say(roomId, 'a secret');
    const redaction = await guest.redact(roomId, eventId, 'oops');
    const event = expectOk(await owner.ask('GET', path('rooms', roomId, 'event', eventId)), section);
    same(event['content'], {}, `${section}: Room version 11, Redactions`);
    const unsigned = event['unsigned'];
    check(isObject(unsigned), `${section}: unsigned`, event);
    const because = unsigned['redacted_because'];
    check(isObject(because), `${section}: servers should include redacted_because`, unsigned);
    same(because['event_id'], redaction, section);
    const content = because['content'];
    check(isObject(content), section, because);
    same(
      [content['redacts'], content['reason']],
      [eventId, 'oops'],
      'Room version 11: redacts stands in content',
    );
    same(
      because['redacts'],
      eventId,
      'CS API, m.room.redaction: servers add a top-level redacts for older clients',
    );
  });

  it('show in the history and in the state as well', async () => {
    const [owner, , roomId] = await pair();
    const eventId = await owner.setState(roomId, 'm.room.topic', '', { topic: 'rude' });
    await owner.redact(roomId, eventId);
    same(await owner.state(roomId, 'm.room.topic'), {}, `${section}: redacted state still stands, emptied`);
    const old = (await owner.history(roomId)).find((event) => event.event_id === eventId);
    same(old?.content, {}, section);
  });

  it('keep the membership of a redacted join', async () => {
    const [owner, guest, roomId] = await pair();
    const member = (await owner.history(roomId)).findLast(
      (event) => event.type === 'm.room.member' && event.state_key === guest.userId,
    );
    await owner.redact(roomId, member?.event_id ?? '');
    same((await owner.state(roomId, 'm.room.member', guest.userId))['membership'], 'join', section);
    await guest.say(roomId, 'still here');
  });

  it('of others’ events need the redact level', async () => {
    const [owner, guest, roomId] = await pair();
    const eventId = await owner.say(roomId, 'mine');
    const answer = await guest.ask('PUT', path('rooms', roomId, 'redact', eventId, 't'), { json: {} });
    expectError(answer, 403, 'M_FORBIDDEN', 'CS API, PUT redact: power level of redact');
    const theirs = await guest.say(roomId, 'theirs');
    expectOk(await owner.ask('PUT', path('rooms', roomId, 'redact', theirs, 't'), { json: {} }), section);
  });

  it('are idempotent by transaction ID', async () => {
    const [owner, , roomId] = await pair();
    const eventId = await owner.say(roomId, 'x');
    const where = path('rooms', roomId, 'redact', eventId, freshTransaction());
    const first = expectOk(await owner.ask('PUT', where, { json: {} }), section)['event_id'];
    same(
      expectOk(await owner.ask('PUT', where, { json: {} }), section)['event_id'],
      first,
      'CS API, Transaction identifiers',
    );
  });

  it('can be sent with /send too', async () => {
    const [owner, , roomId] = await pair();
    const eventId = await owner.say(roomId, 'x');
    await owner.send(roomId, 'm.room.redaction', { redacts: eventId });
    const event = expectOk(await owner.ask('GET', path('rooms', roomId, 'event', eventId)), section);
    same(event['content'], {}, `${section}, Client behaviour (changed in v1.18)`);
  });

  it('of an event that is not there are refused with 404 or 400', async () => {
    const [owner, , roomId] = await pair();
    const answer = await owner.ask('PUT', path('rooms', roomId, 'redact', `$${'a'.repeat(43)}`, 't'), {
      json: {},
    });
    expectError(answer, [400, 403, 404], ['M_NOT_FOUND', 'M_FORBIDDEN', 'M_INVALID_PARAM'], section);
  });
});

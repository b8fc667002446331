import { describe, it } from 'node:test';
import { type Client, isObject, path } from '../../support/client.ts';
import { check, expectError, expectOk, same } from '../../support/expect.ts';
import { sharedServer } from '../../support/shared-server.ts';

const shared = sharedServer();
const counts = 'CS API, Receiving notifications';

async function unread(user: Client, roomId: string): Promise<readonly [number, number]> {
  const room = (await user.sync()).rooms?.join?.[roomId];
  const seen = room?.unread_notifications;
  check(seen !== undefined, `${counts}: servers MUST include the number of unread notifications`, room);
  return [seen.notification_count ?? 0, seen.highlight_count ?? 0];
}

const receipt = (user: Client, roomId: string, type: string, eventId: string, json: object = {}) =>
  user.ask('POST', path('rooms', roomId, 'receipt', type, eventId), { json });

describe('push rules', () => {
  it('are the default rules of the spec, in order', async () => {
    const section = 'CS API, Predefined Rules';
    const user = await shared.user();
    const body = expectOk(await user.ask('GET', path('pushrules', '')), 'CS API, GET /pushrules/');
    const global = body['global'];
    check(isObject(global), 'CS API, GET /pushrules/: global', body);
    const rules = (kind: string): readonly string[] => {
      const list = global[kind];
      check(Array.isArray(list), `${section}: ${kind}`, global);
      return list.map((rule: { rule_id: string }) => rule.rule_id);
    };
    const override = rules('override');
    const expected = [
      '.m.rule.master',
      '.m.rule.suppress_notices',
      '.m.rule.invite_for_me',
      '.m.rule.member_event',
      '.m.rule.is_user_mention',
      '.m.rule.is_room_mention',
      '.m.rule.tombstone',
      '.m.rule.reaction',
      '.m.rule.room.server_acl',
      '.m.rule.suppress_edits',
    ];
    for (const rule of expected) check(override.includes(rule), `${section}: ${rule}`, override);
    same(override[0], '.m.rule.master', `${section}: the master rule comes first`);
    const underride = rules('underride');
    for (const rule of [
      '.m.rule.call',
      '.m.rule.encrypted_room_one_to_one',
      '.m.rule.room_one_to_one',
      '.m.rule.message',
      '.m.rule.encrypted',
    ])
      check(underride.includes(rule), `${section}: ${rule}`, underride);
    for (const kind of ['content', 'room', 'sender']) rules(kind);
  });

  it('answer under pushrules/global/ as well', async () => {
    const user = await shared.user();
    const section = 'CS API, GET /pushrules/global/';
    const whole = expectOk(await user.ask('GET', path('pushrules', '')), section);
    const answer = await user.ask('GET', path('pushrules', 'global', ''));
    if (answer.status === 200) same(answer.json, whole['global'], section);
    else expectError(answer, 404, 'M_UNRECOGNIZED', section);
  });

  it('have every property that a rule needs', async () => {
    const section = 'CS API, PushRule';
    const user = await shared.user();
    const body = expectOk(await user.ask('GET', path('pushrules', '')), section);
    const global = body['global'];
    check(isObject(global), section, body);
    for (const rule of Object.values(global).flat()) {
      check(isObject(rule), section, rule);
      for (const key of ['actions', 'default', 'enabled', 'rule_id'])
        check(key in rule, `${section}: ${key} is required`, rule);
    }
  });
});

describe('unread counts', () => {
  it('rise with messages of others and not with one’s own', async () => {
    const [owner, guest, roomId] = await shared.pair();
    await owner.say(roomId, 'one');
    await owner.say(roomId, 'two');
    same(await unread(guest, roomId), [2, 0], `${counts}; .m.rule.message notifies`);
    same(
      await unread(owner, roomId),
      [0, 0],
      'CS API, Push notifications, Server behaviour: excluding the sender',
    );
  });

  it('come with the event in the same sync', async () => {
    const [owner, guest, roomId] = await shared.pair();
    let { next_batch } = await guest.sync();
    for (let i = 1; i <= 5; i++) {
      await owner.say(roomId, String(i));
      const answer = await guest.syncUntil(
        next_batch,
        (sync) => (sync.rooms?.join?.[roomId]?.timeline?.events.length ?? 0) > 0,
      );
      same(
        answer.rooms?.join?.[roomId]?.unread_notifications?.notification_count,
        i,
        'CS API, Push notifications, Server behaviour: the count MUST appear in the same /sync as the event',
      );
      next_batch = answer.next_batch;
    }
  });

  it('fall to zero with a read receipt, and to the rest with one further back', async () => {
    const section = 'CS API, Marking notifications as read';
    const [owner, guest, roomId] = await shared.pair();
    const sent: string[] = [];
    for (let i = 0; i < 4; i++) sent.push(await owner.say(roomId, String(i)));
    expectOk(await receipt(guest, roomId, 'm.read', sent[1] ?? ''), section);
    same(await unread(guest, roomId), [2, 0], section);
    expectOk(await receipt(guest, roomId, 'm.read', sent[3] ?? ''), section);
    same(await unread(guest, roomId), [0, 0], section);
    expectOk(await receipt(guest, roomId, 'm.read.private', sent[0] ?? ''), section);
    same(await unread(guest, roomId), [0, 0], `${section}: the more recent of the two counts`);
  });

  it('fall with a private receipt that others never see', async () => {
    const section = 'CS API, Private read receipts';
    const [owner, guest, roomId] = await shared.pair();
    const eventId = await owner.say(roomId, 'x');
    const { next_batch } = await owner.sync();
    expectOk(await receipt(guest, roomId, 'm.read.private', eventId), section);
    same(await unread(guest, roomId), [0, 0], section);
    const seen = await owner.sync({ since: next_batch, timeout: 300 });
    same(
      seen.rooms?.join?.[roomId]?.ephemeral?.events ?? [],
      [],
      `${section}: MUST NOT be sent to any other user`,
    );
    const own = (await guest.sync()).rooms?.join?.[roomId]?.ephemeral?.events ?? [];
    check(JSON.stringify(own).includes('m.read.private'), `${section}: its own user gets it`, own);
  });

  it('fall when one sends something oneself', async () => {
    const [owner, guest, roomId] = await shared.pair();
    await owner.say(roomId, 'question');
    await guest.say(roomId, 'answer');
    same(
      await unread(guest, roomId),
      [0, 0],
      'CS API, Marking notifications as read: or by sending an event',
    );
  });

  it('tell a mention apart as a highlight', async () => {
    const section = 'CS API, Predefined Rules, .m.rule.is_user_mention';
    const [owner, guest, roomId] = await shared.pair();
    await owner.send(roomId, 'm.room.message', {
      msgtype: 'm.text',
      body: 'hey',
      'm.mentions': { user_ids: [guest.userId] },
    });
    same(await unread(guest, roomId), [1, 1], section);
    await owner.send(roomId, 'm.room.message', {
      msgtype: 'm.text',
      body: 'all',
      'm.mentions': { room: true },
    });
    same(await unread(guest, roomId), [2, 2], 'CS API, Predefined Rules, .m.rule.is_room_mention');
  });

  it('give a @room mention of a powerless sender no highlight', async () => {
    const [owner, guest, roomId] = await shared.pair();
    await guest.send(roomId, 'm.room.message', {
      msgtype: 'm.text',
      body: 'all',
      'm.mentions': { room: true },
    });
    same(
      await unread(owner, roomId),
      [1, 0],
      'CS API, .m.rule.is_room_mention: sender_notification_permission',
    );
  });

  it('do not rise for notices, edits, reactions and member events', async () => {
    const section = 'CS API, Predefined Rules';
    const [owner, guest, roomId] = await shared.pair();
    const eventId = await owner.say(roomId, 'counted');
    await owner.send(roomId, 'm.room.message', { msgtype: 'm.notice', body: 'bot' });
    await owner.send(roomId, 'm.reaction', {
      'm.relates_to': { rel_type: 'm.annotation', event_id: eventId, key: '+' },
    });
    await owner.send(roomId, 'm.room.message', {
      msgtype: 'm.text',
      body: '* edit',
      'm.new_content': { msgtype: 'm.text', body: 'edit' },
      'm.relates_to': { rel_type: 'm.replace', event_id: eventId },
    });
    const third = await shared.user();
    await third.join(roomId);
    await owner.setState(roomId, 'm.room.topic', '', { topic: 'quiet' });
    same(
      await unread(guest, roomId),
      [1, 0],
      `${section}: suppress_notices, reaction, suppress_edits, member_event`,
    );
  });

  it('rise for encrypted events', async () => {
    const [owner, guest, roomId] = await shared.pair();
    await owner.send(roomId, 'm.room.encrypted', { algorithm: 'm.megolm.v1.aes-sha2', ciphertext: 'x' });
    same(await unread(guest, roomId), [1, 0], 'CS API, Predefined Rules, .m.rule.encrypted');
  });
});

describe('receipts', () => {
  const section = 'CS API, POST /rooms/{roomId}/receipt/{receiptType}/{eventId}';

  it('reach the others through /sync', async () => {
    const [owner, guest, roomId] = await shared.pair();
    const eventId = await owner.say(roomId, 'x');
    const { next_batch } = await owner.sync();
    expectOk(await receipt(guest, roomId, 'm.read', eventId), section);
    const answer = await owner.syncUntil(
      next_batch,
      (sync) => (sync.rooms?.join?.[roomId]?.ephemeral?.events.length ?? 0) > 0,
    );
    const event = answer.rooms?.join?.[roomId]?.ephemeral?.events.find((one) => one.type === 'm.receipt');
    const byEvent = event?.content[eventId];
    check(isObject(byEvent) && isObject(byEvent['m.read']), 'CS API, m.receipt', event);
    const mine = byEvent['m.read'][guest.userId];
    check(isObject(mine) && typeof mine['ts'] === 'number', 'CS API, m.receipt: ts', byEvent);
  });

  it('are refused for types, events and threads that are none', async () => {
    const [owner, guest, roomId] = await shared.pair();
    const eventId = await owner.say(roomId, 'x');
    expectError(
      await receipt(guest, roomId, 'org.example.seen', eventId),
      400,
      ['M_INVALID_PARAM', 'M_UNKNOWN', 'M_UNRECOGNIZED'],
      `${section}: receiptType is an enum`,
    );
    for (const thread_id of ['', 1, null])
      expectError(
        await receipt(guest, roomId, 'm.read', eventId, { thread_id }),
        400,
        ['M_INVALID_PARAM', 'M_BAD_JSON'],
        `${section}, 400: thread_id (${JSON.stringify(thread_id)})`,
      );
    expectError(
      await receipt(guest, roomId, 'm.fully_read', eventId, { thread_id: 'main' }),
      400,
      ['M_INVALID_PARAM', 'M_BAD_JSON'],
      `${section}, 400: thread_id for an incompatible receipt type`,
    );
  });

  it('are refused to those who are not in the room', async () => {
    const [owner, , roomId] = await shared.pair();
    const eventId = await owner.say(roomId, 'x');
    const stranger = await shared.user();
    expectError(
      await receipt(stranger, roomId, 'm.read', eventId),
      [403, 404],
      ['M_FORBIDDEN', 'M_NOT_FOUND'],
      section,
    );
  });

  it('of m.fully_read become account data of the room', async () => {
    const rule = 'CS API, Fully read markers';
    const [owner, guest, roomId] = await shared.pair();
    const eventId = await owner.say(roomId, 'x');
    const { next_batch } = await guest.sync();
    expectOk(await receipt(guest, roomId, 'm.fully_read', eventId), rule);
    const answer = await guest.syncUntil(
      next_batch,
      (sync) => (sync.rooms?.join?.[roomId]?.account_data?.events.length ?? 0) > 0,
    );
    const event = answer.rooms?.join?.[roomId]?.account_data?.events.find(
      (one) => one.type === 'm.fully_read',
    );
    same(event?.content['event_id'], eventId, `${rule}: MUST come through /sync`);
  });
});

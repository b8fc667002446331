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
const rule = 'CS API, Aggregations of child events';

const child = (rel_type: string, event_id: string, more: Json = {}): Json => ({
  'm.relates_to': { rel_type, event_id, ...more },
});
const text = (body: string): Json => ({ msgtype: 'm.text', body });

const edit = (user: Client, roomId: string, eventId: string, body: string): Promise<string> =>
  user.send(roomId, 'm.room.message', {
    ...text(`* ${body}`),
    'm.new_content': text(body),
    ...child('m.replace', eventId),
  });
const inThread = (user: Client, roomId: string, root: string, body = 'in the thread'): Promise<string> =>
  user.send(roomId, 'm.room.message', { ...text(body), ...child('m.thread', root) });
const refer = (user: Client, roomId: string, eventId: string): Promise<string> =>
  user.send(roomId, 'org.example.refers', child('m.reference', eventId));

/** The event as `GET event` gives it. */
async function event(user: Client, roomId: string, eventId: string): Promise<ClientEvent> {
  // Its shape is what the tests then check.
  return (await user.get200('GET', path('rooms', roomId, 'event', eventId))) as unknown as ClientEvent;
}

function relations(seen: ClientEvent | undefined): Json {
  const found = seen?.unsigned?.['m.relations'];
  return isObject(found) ? found : {};
}

function member(object: Json, key: string): Json {
  const value = object[key];
  check(isObject(value), `${rule}: ${key}`, object);
  return value;
}

/** The parent through every endpoint that bundles. */
async function everywhere(
  user: Client,
  roomId: string,
  eventId: string,
): Promise<ReadonlyMap<string, ClientEvent | undefined>> {
  const byId = (events: readonly ClientEvent[] | undefined) =>
    events?.find((one) => one.event_id === eventId);
  const around = await user.get200('GET', path('rooms', roomId, 'context', eventId));
  const later = await user.get200('GET', `${path('rooms', roomId, 'messages')}?dir=f&limit=100`);
  const filter = { room: { timeline: { limit: 1, types: ['m.room.message'], not_senders: [] } } };
  const sync = await user.sync({ filter: { room: { timeline: { ...filter.room.timeline, limit: 50 } } } });
  return new Map([
    ['GET event', await event(user, roomId, eventId)],
    // Their shape is what the tests then check.
    ['GET context', around['event'] as unknown as ClientEvent],
    ['GET messages', byId((await user.messages(roomId, { dir: 'b', limit: '100' })).chunk)],
    ['GET messages forwards', byId(later['chunk'] as unknown as readonly ClientEvent[])],
    ['GET sync', byId(sync.rooms?.join?.[roomId]?.timeline?.events)],
  ]);
}

describe('edits', () => {
  const section = 'CS API, Server-side aggregation of m.replace relationships';

  it('are bundled as the most recent valid replacement, and the original keeps its content', async () => {
    const [owner, guest, roomId] = await shared.pair();
    const original = await owner.say(roomId, 'original');
    await edit(owner, roomId, original, 'first');
    const last = await edit(owner, roomId, original, 'second');
    for (const [where, seen] of await everywhere(guest, roomId, original)) {
      if (where === 'GET sync') continue;
      same(seen?.content, text('original'), `${section}: the content is left intact (${where})`);
      const replacement = member(relations(seen), 'm.replace');
      same(replacement['event_id'], last, `${section}: the most recent (${where})`);
      same(
        member(replacement, 'content')['m.new_content'],
        text('second'),
        `${section}: formatted as normal`,
      );
      for (const key of ['sender', 'type', 'origin_server_ts', 'room_id'])
        check(key in replacement, `${section}: ${key} (${where})`, replacement);
    }
  });

  it('come with a limited timeline', async () => {
    const [owner, guest, roomId] = await shared.pair();
    const original = await owner.say(roomId, 'original');
    const last = await edit(owner, roomId, original, 'edited');
    const filter = { room: { timeline: { limit: 2 } } };
    const timeline = (await guest.sync({ filter })).rooms?.join?.[roomId]?.timeline;
    same(timeline?.limited, true, 'the timeline is limited');
    const seen = timeline?.events.find((one) => one.event_id === original);
    same(member(relations(seen), 'm.replace')['event_id'], last, `${rule}: GET /sync where limited is true`);
  });

  it('are found when their parent comes in a limited timeline of an incremental sync', async () => {
    const [owner, guest, roomId] = await shared.pair();
    const { next_batch } = await guest.sync();
    for (let i = 0; i < 5; i++) await owner.say(roomId, String(i));
    const original = await owner.say(roomId, 'original');
    const last = await edit(owner, roomId, original, 'edited');
    const filter = { room: { timeline: { limit: 2 } } };
    const timeline = (await guest.sync({ since: next_batch, filter })).rooms?.join?.[roomId]?.timeline;
    same(timeline?.limited, true, 'the timeline is limited');
    const seen = timeline?.events.find((one) => one.event_id === original);
    same(member(relations(seen), 'm.replace')['event_id'], last, `${rule}: GET /sync where limited is true`);
  });

  it('that are not valid are not bundled', async () => {
    const [owner, guest, roomId] = await shared.pair();
    const original = await owner.say(roomId, 'original');
    const other = await owner.createRoom();
    const valid = 'CS API, Validity of replacement events';
    await edit(guest, roomId, original, 'by somebody else');
    await owner.send(roomId, 'm.room.message', {
      ...text('no new content'),
      ...child('m.replace', original),
    });
    await owner.send(roomId, 'org.example.other', {
      'm.new_content': text('another type'),
      ...child('m.replace', original),
    });
    await edit(owner, other, original, 'in another room');
    await owner.setState(roomId, 'm.room.message', 'key', {
      ...text('state'),
      'm.new_content': text('state'),
      ...child('m.replace', original),
    });
    same(relations(await event(guest, roomId, original)), {}, valid);
    const good = await edit(owner, roomId, original, 'good');
    await edit(owner, roomId, good, 'edit of an edit');
    same(relations(await event(guest, roomId, good)), {}, `${valid}: an edit cannot be edited`);
    same(member(relations(await event(guest, roomId, original)), 'm.replace')['event_id'], good, valid);
  });

  it('of encrypted events need no clear new content', async () => {
    const [owner, guest, roomId] = await shared.pair();
    const encrypted = { algorithm: 'm.megolm.v1.aes-sha2', ciphertext: 'x' };
    const original = await owner.send(roomId, 'm.room.encrypted', encrypted);
    const last = await owner.send(roomId, 'm.room.encrypted', {
      ...encrypted,
      ...child('m.replace', original),
    });
    const seen = relations(await event(guest, roomId, original));
    same(member(seen, 'm.replace')['event_id'], last, 'CS API, Editing encrypted events');
  });

  it('that are redacted give way to the one before; none is told of a redacted original', async () => {
    const [owner, guest, roomId] = await shared.pair();
    const original = await owner.say(roomId, 'original');
    const first = await edit(owner, roomId, original, 'first');
    const second = await edit(owner, roomId, original, 'second');
    await owner.redact(roomId, second);
    const seen = relations(await event(guest, roomId, original));
    same(member(seen, 'm.replace')['event_id'], first, 'CS API, Redactions of edited events');
    await owner.redact(roomId, original);
    same(relations(await event(guest, roomId, original)), {}, `${section}: not with a redacted original`);
  });

  it('of state events are not bundled', async () => {
    const [owner, guest, roomId] = await shared.pair();
    const topic = await owner.setState(roomId, 'm.room.topic', '', { topic: 'x' });
    await refer(owner, roomId, topic);
    same(relations(await event(guest, roomId, topic)), {}, `${rule}: state events do not receive them`);
  });
});

describe('references', () => {
  const section = 'CS API, Server-side aggregation of m.reference';

  it('are bundled as the list of those who refer', async () => {
    const [owner, guest, roomId] = await shared.pair();
    const parent = await owner.say(roomId, 'parent');
    const children = [await refer(owner, roomId, parent), await refer(guest, roomId, parent)];
    for (const [where, seen] of await everywhere(guest, roomId, parent)) {
      if (where === 'GET sync') continue;
      const chunk = member(relations(seen), 'm.reference')['chunk'];
      same(
        chunk,
        children.map((event_id) => ({ event_id })),
        `${section} (${where})`,
      );
    }
  });

  it('are gone once they are redacted, and stay when their parent is', async () => {
    const [owner, guest, roomId] = await shared.pair();
    const parent = await owner.say(roomId, 'parent');
    const [gone, stays] = [await refer(owner, roomId, parent), await refer(owner, roomId, parent)];
    await owner.redact(roomId, gone);
    const chunk = async () => member(relations(await event(guest, roomId, parent)), 'm.reference')['chunk'];
    same(await chunk(), [{ event_id: stays }], `${rule}: the relationship is broken`);
    const redacted = await event(guest, roomId, gone);
    check(
      !('m.relates_to' in redacted.content),
      'Room versions, Redactions: m.relates_to is not kept',
      redacted,
    );
    await owner.redact(roomId, parent);
    same(await chunk(), [{ event_id: stays }], `${rule}: when a parent is redacted its children remain`);
  });

  it('by those whom one ignores are left out', async () => {
    const [owner, guest, roomId] = await shared.pair();
    const parent = await owner.say(roomId, 'parent');
    await refer(guest, roomId, parent);
    const mine = await refer(owner, roomId, parent);
    const list = path('user', owner.userId, 'account_data', 'm.ignored_user_list');
    expectOk(
      await owner.ask('PUT', list, { json: { ignored_users: { [guest.userId]: {} } } }),
      'CS API, Ignoring Users',
    );
    const chunk = member(relations(await event(owner, roomId, parent)), 'm.reference')['chunk'];
    same(chunk, [{ event_id: mine }], `${rule}: events from ignored users do not appear`);
  });

  it('that one may not see are left out', async () => {
    const [owner, guest, roomId] = await shared.pair();
    const parent = await owner.say(roomId, 'parent');
    const seen = await refer(owner, roomId, parent);
    await guest.leave(roomId);
    await refer(owner, roomId, parent);
    await edit(owner, roomId, parent, 'a secret');
    const told = relations(await event(guest, roomId, parent));
    same(told, { 'm.reference': { chunk: [{ event_id: seen }] } }, `${rule}: history visibility`);
    const { chunk } = await guest.messages(roomId, { dir: 'b', limit: '100' });
    same(
      relations(chunk.find((one) => one.event_id === parent)),
      { 'm.reference': { chunk: [{ event_id: seen }] } },
      `${rule}: history visibility`,
    );
  });

  it('of malformed kinds are ignored', async () => {
    const [owner, guest, roomId] = await shared.pair();
    const parent = await owner.say(roomId, 'parent');
    for (const relation of [
      { rel_type: 'm.reference' },
      { rel_type: 1, event_id: parent },
      { event_id: parent },
      [],
      'm.reference',
      { rel_type: 'm.reference', event_id: { id: parent } },
      { rel_type: 'x'.repeat(3000), event_id: parent },
    ])
      await owner.send(roomId, 'org.example.odd', { 'm.relates_to': relation });
    same(relations(await event(guest, roomId, parent)), {}, 'CS API, Forming relationships between events');
  });
});

describe('reactions', () => {
  const section = 'CS API, Event annotations and reactions';
  const react = (user: Client, roomId: string, eventId: string, key: string, txnId = freshTransaction()) =>
    user.ask('PUT', path('rooms', roomId, 'send', 'm.reaction', txnId), {
      json: child('m.annotation', eventId, { key }),
    });

  it('are not bundled', async () => {
    const [owner, guest, roomId] = await shared.pair();
    const parent = await owner.say(roomId, 'parent');
    expectOk(await react(guest, roomId, parent, '👍'), section);
    for (const [where, seen] of await everywhere(guest, roomId, parent))
      same(relations(seen), {}, `${section}: m.annotation is not aggregated (${where})`);
  });

  it('cannot be sent twice by the same user with the same key, unless the first was redacted', async () => {
    const [owner, guest, roomId] = await shared.pair();
    const parent = await owner.say(roomId, 'parent');
    const first = expectOk(await react(guest, roomId, parent, '👍'), section);
    const rejected = `${section}, Avoiding duplicate annotations`;
    expectError(await react(guest, roomId, parent, '👍'), 400, 'M_DUPLICATE_ANNOTATION', rejected);
    expectOk(await react(guest, roomId, parent, '👎'), `${rejected}: another key is another annotation`);
    expectOk(await react(owner, roomId, parent, '👍'), `${rejected}: another user`);
    await guest.redact(roomId, String(first['event_id']));
    expectOk(await react(guest, roomId, parent, '👍'), `${rejected}: unless the first has been redacted`);
  });

  it('that are sent again with the same transaction are the same event', async () => {
    const [owner, guest, roomId] = await shared.pair();
    const parent = await owner.say(roomId, 'parent');
    const txnId = freshTransaction();
    const first = expectOk(await react(guest, roomId, parent, '+', txnId), section);
    const again = expectOk(await react(guest, roomId, parent, '+', txnId), 'CS API, Transaction identifiers');
    same(again['event_id'], first['event_id'], 'CS API, Transaction identifiers');
  });
});

describe('threads', () => {
  const section = 'CS API, Server-side aggregation of m.thread relationships';

  it('are bundled with their latest event, their count, and whether one takes part', async () => {
    const [owner, guest, roomId] = await shared.pair();
    const third = await shared.user();
    await third.join(roomId);
    const root = await owner.say(roomId, 'root');
    await inThread(guest, roomId, root, 'one');
    const last = await inThread(guest, roomId, root, 'two');
    for (const [user, participated] of [
      [owner, true],
      [guest, true],
      [third, false],
    ] as const)
      for (const [where, seen] of await everywhere(user, roomId, root)) {
        if (where === 'GET sync') continue;
        const thread = member(relations(seen), 'm.thread');
        same(thread['count'], 2, `${section}: count (${where})`);
        same(thread['current_user_participated'], participated, `${section} (${where}, ${user.userId})`);
        const latest = member(thread, 'latest_event');
        same(latest['event_id'], last, `${section}: latest_event (${where})`);
        same(member(latest, 'content')['body'], 'two', `${section}: serialized as the event itself`);
      }
  });

  it('have the children of their latest event in it', async () => {
    const [owner, guest, roomId] = await shared.pair();
    const root = await owner.say(roomId, 'root');
    const last = await inThread(guest, roomId, root, 'wrog');
    const correction = await edit(guest, roomId, last, 'wrong');
    const thread = member(relations(await event(owner, roomId, root)), 'm.thread');
    const latest = member(thread, 'latest_event');
    same(latest['event_id'], last, `${section}: an edit is not itself in the thread’s count`);
    const nested = member(member(latest, 'unsigned'), 'm.relations');
    same(member(nested, 'm.replace')['event_id'], correction, `${section}: aggregated for that event`);
  });

  it('count neither redacted events nor those of ignored users', async () => {
    const [owner, guest, roomId] = await shared.pair();
    const root = await owner.say(roomId, 'root');
    const one = await inThread(owner, roomId, root);
    const two = await inThread(guest, roomId, root);
    const gone = await inThread(owner, roomId, root);
    await owner.redact(roomId, gone);
    const thread = async () => member(relations(await event(owner, roomId, root)), 'm.thread');
    same((await thread())['count'], 2, `${section}: without the redacted one`);
    same(member(await thread(), 'latest_event')['event_id'], two, section);
    const list = path('user', owner.userId, 'account_data', 'm.ignored_user_list');
    expectOk(await owner.ask('PUT', list, { json: { ignored_users: { [guest.userId]: {} } } }), section);
    same((await thread())['count'], 1, `${section}: count does not include events sent by ignored users`);
    same(member(await thread(), 'latest_event')['event_id'], one, `${section}: by an un-ignored user`);
  });

  it('cannot be started from an event that is itself a child', async () => {
    const [owner, guest, roomId] = await shared.pair();
    const root = await owner.say(roomId, 'root');
    const reply = await inThread(owner, roomId, root);
    const reaction = await guest.send(roomId, 'm.reaction', child('m.annotation', root, { key: '+' }));
    for (const parent of [reply, reaction]) {
      const where = path('rooms', roomId, 'send', 'm.room.message', freshTransaction());
      const answer = await guest.ask('PUT', where, {
        json: { ...text('nested'), ...child('m.thread', parent) },
      });
      expectError(answer, 400, 'M_UNKNOWN', 'CS API, Validation of m.thread relationships');
    }
    await inThread(guest, roomId, root, 'in the thread itself');
  });

  it('may begin at a reply, which has no rel_type', async () => {
    const [owner, guest, roomId] = await shared.pair();
    const first = await owner.say(roomId, 'first');
    const reply = await guest.send(roomId, 'm.room.message', {
      ...text('reply'),
      'm.relates_to': { 'm.in_reply_to': { event_id: first } },
    });
    await inThread(owner, roomId, reply);
    const seen = relations(await event(guest, roomId, reply));
    same(
      member(seen, 'm.thread')['count'],
      1,
      'CS API, Threading: any event without a rel_type can become a root',
    );
    same(
      relations(await event(guest, roomId, first)),
      {},
      'CS API, Rich replies: no rel_type, no aggregation',
    );
  });
});

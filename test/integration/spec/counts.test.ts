import { describe, it } from 'node:test';
import { type Client, type Json, path } from '../../support/client.ts';
import { check, expectOk, same } from '../../support/expect.ts';
import { sharedServer } from '../../support/shared-server.ts';

const shared = sharedServer();
const section = 'CS API, Receiving notifications';

type Pair = readonly [notifications: number, highlights: number];

/** What incremental syncs say that carry on, and beside them first syncs. */
class Counts {
  private readonly user: Client;
  private readonly roomId: string;
  private since: string | undefined;
  private last: Pair = [0, 0];

  constructor(user: Client, roomId: string) {
    this.user = user;
    this.roomId = roomId;
  }

  async are(expected: Pair, what: string): Promise<void> {
    // Before a first sync, which would leave counts behind to carry on from.
    const next = await this.user.sync({ since: this.since, timeout: 0 });
    const told = next.rooms?.join?.[this.roomId]?.unread_notifications;
    if (told !== undefined) this.last = [told.notification_count ?? 0, told.highlight_count ?? 0];
    this.since = next.next_batch;
    same(this.last, expected, `${what} (incremental sync)`);
    const first = (await this.user.sync()).rooms?.join?.[this.roomId]?.unread_notifications;
    same([first?.notification_count, first?.highlight_count], expected, `${what} (first sync)`);
  }
}

const put = async (user: Client, rule: readonly string[], json: Json) =>
  expectOk(await user.ask('PUT', path('pushrules', 'global', ...rule), { json }), 'CS API, Push Rules: API');

const text = (body: string, more: Json = {}): Json => ({ msgtype: 'm.text', body, ...more });
const say = (user: Client, roomId: string, body: string, more: Json = {}) =>
  user.send(roomId, 'm.room.message', text(body, more));
const mention = (user: Client): Json => ({ 'm.mentions': { user_ids: [user.userId] } });
const edit = (eventId: string, body: string, more: Json = {}): Json => ({
  ...text(`* ${body}`),
  'm.new_content': text(body),
  'm.relates_to': { rel_type: 'm.replace', event_id: eventId },
  ...more,
});
const HIGHLIGHT = { set_tweak: 'highlight' };

describe('counts under rules of one’s own', () => {
  it('are zero in a muted room, and come back', async () => {
    const rule = 'CS API, Push Rules: override rules come first';
    const [owner, guest, roomId] = await shared.pair();
    const counts = new Counts(guest, roomId);
    await owner.say(roomId, 'one');
    await counts.are([1, 0], rule);
    const conditions = [{ kind: 'event_match', key: 'room_id', pattern: roomId }];
    await put(guest, ['override', roomId], { actions: [], conditions });
    await counts.are([0, 0], rule);
    await say(owner, roomId, 'two', mention(guest));
    await counts.are([0, 0], `${rule}, mentions too`);
    expectOk(await guest.ask('DELETE', path('pushrules', 'global', 'override', roomId)), rule);
    await counts.are([2, 1], rule);
  });

  it('are those of mentions alone where a room rule has no actions', async () => {
    const rule = 'CS API, Push Rules: room-specific rules';
    const [owner, guest, roomId] = await shared.pair();
    await put(guest, ['room', roomId], { actions: [] });
    const counts = new Counts(guest, roomId);
    await counts.are([0, 0], rule);
    await owner.say(roomId, 'one');
    await counts.are([0, 0], rule);
    await say(owner, roomId, 'two', mention(guest));
    await counts.are([1, 1], rule);
    await say(owner, roomId, 'all', { 'm.mentions': { room: true } });
    await counts.are([2, 2], rule);
  });

  it('of one room do not change those of another', async () => {
    const [owner, guest, roomId] = await shared.pair();
    const other = await owner.createRoom({ preset: 'public_chat' });
    await guest.join(other);
    await put(guest, ['room', roomId], { actions: [] });
    const counts = new Counts(guest, other);
    await counts.are([0, 0], section);
    await owner.say(other, 'here');
    await counts.are([1, 0], section);
  });

  it('highlight keywords, at word boundaries and whatever their case', async () => {
    const rule = 'CS API, Push Rules: content-specific rules';
    const [owner, guest, roomId] = await shared.pair();
    await put(guest, ['content', 'cake'], { actions: ['notify', HIGHLIGHT], pattern: 'cake' });
    const counts = new Counts(guest, roomId);
    await counts.are([0, 0], rule);
    await owner.say(roomId, 'I like CAKE!');
    await counts.are([1, 1], rule);
    await owner.say(roomId, 'pancakes');
    await counts.are([2, 1], `${rule}: a word boundary`);
    await owner.send(roomId, 'm.room.message', { msgtype: 'm.notice', body: 'cake' });
    await counts.are([2, 1], `${rule}: after .m.rule.suppress_notices`);
  });

  it('find keywords that are written with escapes, and with signs that mean something elsewhere', async () => {
    const rule = 'CS API, Push Rules: content-specific rules';
    const [owner, guest, roomId] = await shared.pair();
    await put(guest, ['content', 'a'], { actions: ['notify', HIGHLIGHT], pattern: '100%_"x"\\n' });
    await put(guest, ['content', 'b'], { actions: ['notify', HIGHLIGHT], pattern: 'käse' });
    const counts = new Counts(guest, roomId);
    await counts.are([0, 0], rule);
    await owner.say(roomId, 'see 100%_"x"\\n here');
    await counts.are([1, 1], rule);
    await owner.say(roomId, 'KÄSE');
    await counts.are([2, 2], rule);
    await owner.say(roomId, '1000_x');
    await counts.are([3, 2], rule);
  });

  it('count a keyword where nothing else is counted', async () => {
    const [owner, guest, roomId] = await shared.pair();
    await put(guest, ['room', roomId], { actions: [] });
    await put(guest, ['content', 'tea'], { actions: ['notify'], pattern: 'te?' });
    const counts = new Counts(guest, roomId);
    await counts.are([0, 0], section);
    await owner.say(roomId, 'coffee');
    await owner.say(roomId, 'tea');
    await counts.are([1, 0], 'CS API, Push Rules: content rules before room rules');
  });

  it('leave out a sender', async () => {
    const rule = 'CS API, Push Rules: sender-specific rules';
    const [owner, guest, roomId] = await shared.pair();
    const third = await shared.user('third');
    await third.join(roomId);
    await put(guest, ['sender', owner.userId], { actions: [] });
    const counts = new Counts(guest, roomId);
    await counts.are([0, 0], rule);
    await owner.say(roomId, 'one');
    await counts.are([0, 0], rule);
    await third.say(roomId, 'two');
    await counts.are([1, 0], rule);
  });

  it('are zero with the master rule', async () => {
    const [owner, guest, roomId] = await shared.pair();
    const counts = new Counts(guest, roomId);
    await counts.are([0, 0], section);
    await say(owner, roomId, 'one', mention(guest));
    await counts.are([1, 1], section);
    await put(guest, ['override', '.m.rule.master', 'enabled'], { enabled: true });
    await counts.are([0, 0], 'CS API, Predefined Rules, .m.rule.master');
  });

  it('count notices where those are not suppressed', async () => {
    const [owner, guest, roomId] = await shared.pair();
    await put(guest, ['override', '.m.rule.suppress_notices', 'enabled'], { enabled: false });
    const counts = new Counts(guest, roomId);
    await counts.are([0, 0], section);
    await owner.send(roomId, 'm.room.message', { msgtype: 'm.notice', body: 'bot' });
    await counts.are([1, 0], 'CS API, Predefined Rules, .m.rule.suppress_notices, disabled');
  });

  it('give @room no highlight where that rule is off', async () => {
    const [owner, guest, roomId] = await shared.pair();
    await put(guest, ['override', '.m.rule.is_room_mention', 'enabled'], { enabled: false });
    const counts = new Counts(guest, roomId);
    await counts.are([0, 0], section);
    await say(owner, roomId, 'all', { 'm.mentions': { room: true } });
    await counts.are([1, 0], 'CS API, Predefined Rules, .m.rule.is_room_mention, disabled');
  });

  it('tell rooms of two from larger ones, as they were when the event came', async () => {
    const rule = 'CS API, Push Rules: room_member_count';
    const [owner, guest, roomId] = await shared.pair();
    await put(guest, ['underride', '.m.rule.message', 'actions'], { actions: [] });
    const counts = new Counts(guest, roomId);
    await counts.are([0, 0], rule);
    await owner.say(roomId, 'between us');
    await counts.are([1, 0], rule);
    const third = await shared.user('third');
    await third.join(roomId);
    await owner.say(roomId, 'to all');
    await counts.are([1, 0], rule);
    await third.leave(roomId);
    await owner.say(roomId, 'between us again');
    await counts.are([2, 0], rule);
  });

  it('know the display name', async () => {
    const rule = 'CS API, Push Rules: contains_display_name';
    const [owner, guest, roomId] = await shared.pair();
    const conditions = [{ kind: 'contains_display_name' }];
    await put(guest, ['override', 'name'], { actions: ['notify', HIGHLIGHT], conditions });
    await guest.setState(roomId, 'm.room.member', guest.userId, {
      membership: 'join',
      displayname: 'Dr. Who',
    });
    const counts = new Counts(guest, roomId);
    await counts.are([0, 0], rule);
    await owner.say(roomId, 'ask dr. who, please');
    await counts.are([1, 1], rule);
    await owner.say(roomId, 'who?');
    await counts.are([2, 1], rule);
  });

  it('know who may ring for a notification of another kind', async () => {
    const rule = 'CS API, Push Rules: sender_notification_permission';
    const [owner, guest, roomId] = await shared.pair();
    const conditions = [
      { kind: 'event_match', key: 'content.body', pattern: '@here' },
      { kind: 'sender_notification_permission', key: 'here' },
    ];
    await put(guest, ['override', 'here'], { actions: ['notify', HIGHLIGHT], conditions });
    const third = await shared.user('third');
    await third.join(roomId);
    const counts = new Counts(guest, roomId);
    await counts.are([0, 0], rule);
    await third.say(roomId, '@here');
    await counts.are([1, 0], rule);
    await owner.say(roomId, '@here');
    await counts.are([2, 1], rule);
  });

  it('see the types of events that a rule names, state events too', async () => {
    const rule = 'CS API, Push Rules: event_match';
    const [owner, guest, roomId] = await shared.pair();
    const conditions = [
      { kind: 'event_match', key: 'type', pattern: 'm.room.topic' },
      { kind: 'event_property_is', key: 'content.topic', value: 'Cake' },
    ];
    await put(guest, ['underride', 'topic'], { actions: ['notify'], conditions });
    const counts = new Counts(guest, roomId);
    await counts.are([0, 0], rule);
    await owner.setState(roomId, 'm.room.topic', '', { topic: 'cake' });
    await counts.are([0, 0], 'CS API, Push Rules: event_property_is is exact');
    await owner.setState(roomId, 'm.room.topic', '', { topic: 'Cake' });
    await counts.are([1, 0], rule);
  });

  it('do not count what one says oneself, whatever the rules', async () => {
    const [owner, guest, roomId] = await shared.pair();
    await put(guest, ['override', 'all'], { actions: ['notify', HIGHLIGHT], conditions: [] });
    const counts = new Counts(guest, roomId);
    await guest.say(roomId, 'mine');
    await counts.are([0, 0], 'CS API, Push Rules: events that the user has sent themselves');
    await owner.say(roomId, 'yours');
    await counts.are([1, 1], section);
  });
});

describe('counts right after', () => {
  it('an edit stay, for it does not notify twice', async () => {
    const rule = 'CS API, Predefined Rules, .m.rule.suppress_edits';
    const [owner, guest, roomId] = await shared.pair();
    const counts = new Counts(guest, roomId);
    const eventId = await say(owner, roomId, 'one');
    await counts.are([1, 0], rule);
    await owner.send(roomId, 'm.room.message', edit(eventId, 'two'));
    await counts.are([1, 0], rule);
  });

  it('an edit that mentions anew rise, for mentions come first', async () => {
    const rule = 'CS API, User and room mentions: editing';
    const [owner, guest, roomId] = await shared.pair();
    const counts = new Counts(guest, roomId);
    const eventId = await say(owner, roomId, 'one');
    await counts.are([1, 0], rule);
    await owner.send(roomId, 'm.room.message', edit(eventId, 'you', mention(guest)));
    await counts.are([2, 1], rule);
  });

  it('a reaction stay', async () => {
    const [owner, guest, roomId] = await shared.pair();
    const counts = new Counts(guest, roomId);
    await counts.are([0, 0], section);
    const eventId = await say(owner, roomId, 'one');
    await counts.are([1, 0], section);
    const relation = { rel_type: 'm.annotation', event_id: eventId, key: '+' };
    await owner.send(roomId, 'm.reaction', { 'm.relates_to': relation });
    await counts.are([1, 0], 'CS API, Predefined Rules, .m.rule.reaction');
  });

  it('a redaction have no more of what was redacted, whenever that came', async () => {
    const rule = 'CS API, Redactions: what is redacted notifies nobody';
    const [owner, guest, roomId] = await shared.pair();
    const counts = new Counts(guest, roomId);
    await counts.are([0, 0], section);
    const first = await owner.say(roomId, 'one');
    const second = await owner.say(roomId, 'two');
    await counts.are([2, 0], section);
    await owner.redact(roomId, first);
    await counts.are([1, 0], rule);
    const third = await owner.say(roomId, 'three');
    await owner.redact(roomId, third);
    await counts.are([1, 0], `${rule}: before anybody looked`);
    await owner.redact(roomId, third);
    await owner.redact(roomId, second);
    await counts.are([0, 0], `${rule}: twice is once`);
    await owner.say(roomId, 'four');
    await counts.are([1, 0], section);
  });

  it('the redaction of what was read stay', async () => {
    const rule = 'CS API, Marking notifications as read';
    const [owner, guest, roomId] = await shared.pair();
    const counts = new Counts(guest, roomId);
    const read = await owner.say(roomId, 'one');
    expectOk(await guest.ask('POST', path('rooms', roomId, 'receipt', 'm.read', read), { json: {} }), rule);
    await owner.say(roomId, 'two');
    await counts.are([1, 0], rule);
    await owner.redact(roomId, read);
    await counts.are([1, 0], rule);
    await owner.send(roomId, 'm.room.message', { msgtype: 'm.notice', body: 'bot' });
    const notice = await owner.send(roomId, 'm.room.message', { msgtype: 'm.notice', body: 'bot' });
    await owner.redact(roomId, notice);
    await counts.are([1, 0], `${section}: what has not counted is not taken away`);
  });

  it('the redaction of a mention have no highlight any more', async () => {
    const [owner, guest, roomId] = await shared.pair();
    const counts = new Counts(guest, roomId);
    await counts.are([0, 0], section);
    const eventId = await say(owner, roomId, 'you', mention(guest));
    await counts.are([1, 1], section);
    await owner.redact(roomId, eventId);
    await counts.are([0, 0], `${section}: what is redacted mentions nobody`);
  });

  it('the redaction of a keyword have no highlight any more', async () => {
    const [owner, guest, roomId] = await shared.pair();
    await put(guest, ['content', 'cake'], { actions: ['notify', HIGHLIGHT], pattern: 'cake' });
    const counts = new Counts(guest, roomId);
    await counts.are([0, 0], section);
    const eventId = await say(owner, roomId, 'cake');
    await counts.are([1, 1], section);
    await owner.redact(roomId, eventId);
    await counts.are([0, 0], `${section}: the keyword is gone`);
  });

  it('a tombstone have a highlight', async () => {
    const [owner, guest, roomId] = await shared.pair();
    const counts = new Counts(guest, roomId);
    await counts.are([0, 0], section);
    await owner.setState(roomId, 'm.room.tombstone', '', {
      body: 'moved',
      replacement_room: '!new:localhost',
    });
    await counts.are([1, 1], 'CS API, Predefined Rules, .m.rule.tombstone');
  });

  it('a tombstone are the same however its type is written, and go with it', async () => {
    const rule = 'CS API, Predefined Rules, .m.rule.tombstone; event_match is case-insensitive';
    const [owner, guest, roomId] = await shared.pair();
    const counts = new Counts(guest, roomId);
    await counts.are([0, 0], section);
    const eventId = await owner.setState(roomId, 'M.Room.Tombstone', '', { body: 'moved' });
    await counts.are([1, 1], rule);
    await owner.setState(roomId, 'm.room.tombstone', 'a key', { body: 'no tombstone of the room' });
    await counts.are([1, 1], `${rule}: with the empty state key alone`);
    await owner.setState(roomId, 'm.room.tombstone', '', { body: 'moved', msgtype: 'm.notice' });
    await counts.are([1, 1], 'CS API, Predefined Rules, .m.rule.suppress_notices comes first');
    await owner.redact(roomId, eventId);
    await counts.are([0, 0], `${section}: redacted`);
  });

  it('a receipt begin behind it, keywords too', async () => {
    const rule = 'CS API, Marking notifications as read';
    const [owner, guest, roomId] = await shared.pair();
    await put(guest, ['content', 'cake'], { actions: ['notify', HIGHLIGHT], pattern: 'cake' });
    const counts = new Counts(guest, roomId);
    await counts.are([0, 0], rule);
    const first = await owner.say(roomId, 'cake');
    await owner.say(roomId, 'more cake');
    await counts.are([2, 2], rule);
    expectOk(await guest.ask('POST', path('rooms', roomId, 'receipt', 'm.read', first), { json: {} }), rule);
    await counts.are([1, 1], rule);
  });

  it('a message of one’s own are zero', async () => {
    const [owner, guest, roomId] = await shared.pair();
    await put(guest, ['content', 'cake'], { actions: ['notify', HIGHLIGHT], pattern: 'cake' });
    const counts = new Counts(guest, roomId);
    await owner.say(roomId, 'cake');
    await counts.are([1, 1], section);
    await guest.say(roomId, 'thanks');
    await counts.are([0, 0], 'CS API, Marking notifications as read: by sending an event');
  });

  it('a call ring', async () => {
    const [owner, guest, roomId] = await shared.pair();
    const counts = new Counts(guest, roomId);
    await counts.are([0, 0], section);
    await owner.send(roomId, 'm.call.invite', { call_id: '1', lifetime: 1, version: '1', party_id: 'x' });
    await counts.are([1, 0], 'CS API, Predefined Rules, .m.rule.call');
  });

  it('joining have nothing of what was before', async () => {
    const [owner, late] = await Promise.all([shared.user('owner'), shared.user('late')]);
    const roomId = await owner.createRoom({ preset: 'public_chat' });
    const root = await owner.say(roomId, 'before');
    await say(owner, roomId, 'in a thread', { 'm.relates_to': { rel_type: 'm.thread', event_id: root } });
    await say(owner, roomId, 'you', mention(late));
    await late.join(roomId);
    const counts = new Counts(late, roomId);
    await counts.are(
      [0, 0],
      'CS API, Push notifications, Server behaviour: for each of the users in the room',
    );
    await owner.say(roomId, 'after');
    await counts.are([1, 0], section);
  });
});

describe('counts of threads', () => {
  const filter = { room: { timeline: { unread_thread_notifications: true } } };
  const inThread = (root: string): Json => ({ 'm.relates_to': { rel_type: 'm.thread', event_id: root } });
  const threads = async (user: Client, roomId: string) => {
    const room = (await user.sync({ filter })).rooms?.join?.[roomId];
    check(room !== undefined, section);
    // The field is read by hand: the shape of answers in tests does not name it.
    const { unread_thread_notifications: found } = room as Json;
    const { notification_count, highlight_count } = room.unread_notifications ?? {};
    return [[notification_count, highlight_count], found ?? {}];
  };

  it('go by the user’s rules as well', async () => {
    const rule = 'CS API, Receiving notifications: partition the notification count to each thread';
    const [owner, guest, roomId] = await shared.pair();
    const root = await owner.say(roomId, 'root');
    await put(guest, ['content', 'cake'], { actions: ['notify', HIGHLIGHT], pattern: 'cake' });
    await say(owner, roomId, 'cake', inThread(root));
    await say(owner, roomId, 'tea', inThread(root));
    const unread = { [root]: { notification_count: 2, highlight_count: 1 } };
    same(await threads(guest, roomId), [[1, 0], unread], rule);
    await put(guest, ['room', roomId], { actions: [] });
    const only = { [root]: { notification_count: 1, highlight_count: 1 } };
    same(await threads(guest, roomId), [[0, 0], only], rule);
  });

  it('have no more of what was redacted, each of its own', async () => {
    const rule = 'CS API, Receiving notifications: partition the notification count to each thread';
    const [owner, guest, roomId] = await shared.pair();
    const root = await owner.say(roomId, 'root');
    const first = await say(owner, roomId, 'one', inThread(root));
    await say(owner, roomId, 'two', inThread(root));
    const counted = (notification_count: number) => ({ [root]: { notification_count, highlight_count: 0 } });
    same(await threads(guest, roomId), [[1, 0], counted(2)], rule);
    await owner.redact(roomId, first);
    same(await threads(guest, roomId), [[1, 0], counted(1)], rule);
    await owner.redact(roomId, root);
    same(await threads(guest, roomId), [[0, 0], counted(1)], rule);
  });
});

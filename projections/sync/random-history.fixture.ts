import { asRoomId, asUserId, type RoomId, type UserId } from '../../src/matrix/identifiers.ts';
import type { JsonObject } from '../../src/matrix/json.ts';
import type { FakeEvent, FakeHouse } from './fake-house.fixture.ts';
import { randomRules } from './random-rules.fixture.ts';

/** Gives numbers from 0 up to, not including, `below`. */
export type Random = (below: number) => number;

/** Numbers that are the same for the same seed (mulberry32). */
export function seeded(seed: number): Random {
  let state = seed;
  return (below) => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return Math.floor((((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296) * below);
  };
}

/** Those who act. */
export const USERS: readonly UserId[] = ['@ann:x.org', '@bob:x.org', '@cat:x.org'].map(asUserId);
/** Where. */
export const ROOMS: readonly RoomId[] = ['!one:x.org', '!two:x.org', '!three:x.org', '!four:x.org'].map(
  asRoomId,
);

const VISIBILITIES = ['shared', 'joined', 'invited', 'world_readable'];

/** Appends random but possible facts to a fake house: what owners would have accepted. */
export class RandomHistory {
  readonly house: FakeHouse;
  private readonly random: Random;

  constructor(house: FakeHouse, random: Random) {
    this.house = house;
    this.random = random;
  }

  /** One fact more, or none where it would not be possible. */
  step(): void {
    const room = this.pick(ROOMS);
    const user = this.pick(USERS);
    const kind = this.random(20);
    if (!this.house.events.has(room)) this.create(room, user);
    else if (kind < 6) this.membership(room, user, this.pick(USERS));
    else if (kind < 15) this.speak(room, user);
    else this.read(room, user);
  }

  private create(room: RoomId, user: UserId): void {
    const { house } = this;
    house.event(room, user, 'm.room.create', { room_version: '11' }, { state_key: '' });
    this.member(room, user, user, 'join');
    house.event(room, user, 'm.room.power_levels', { users_default: 50 }, { state_key: '' });
    if (this.random(2) === 0) this.visibility(room, user);
  }

  private membership(room: RoomId, user: UserId, target: UserId): void {
    const now = this.membershipOf(room, target);
    if (user === target) {
      const next = this.pick(['join', 'join', 'leave', 'knock']);
      if (next === 'join' && now !== 'ban') this.member(room, user, user, 'join');
      if (next === 'leave' && ['join', 'invite', 'knock'].includes(now))
        this.member(room, user, user, 'leave');
      if (next === 'knock' && now === 'leave') this.member(room, user, user, 'knock');
      return;
    }
    if (this.membershipOf(room, user) !== 'join') return;
    const next = this.pick(['invite', 'invite', 'leave', 'ban']);
    if (next === 'invite' && (now === 'join' || now === 'ban')) return;
    if (next === 'leave' && now === 'leave') return;
    this.member(room, user, target, next);
  }

  private speak(room: RoomId, user: UserId): void {
    if (this.membershipOf(room, user) !== 'join') return;
    const { house } = this;
    const text = `text ${this.random(1_000_000)}${this.random(3) === 0 ? ' Cake' : ''}`;
    switch (this.random(13)) {
      case 0: {
        const type = this.pick(['m.room.topic', 'm.room.topic', 'm.room.tombstone', 'M.Room.Tombstone']);
        const content = { topic: text, ...(this.random(4) === 0 ? { msgtype: 'm.notice' } : {}) };
        house.event(room, user, type, content, { state_key: '' });
        return;
      }
      case 1:
        house.event(room, user, 'org.example.state', { text }, { state_key: `key${this.random(2)}` });
        return;
      case 2:
        this.visibility(room, user);
        return;
      case 3:
        house.event(room, user, 'm.room.message', { msgtype: 'm.notice', body: text });
        return;
      case 4:
        this.mention(room, user, text);
        return;
      case 5:
      case 12: {
        // What is unread is mostly new.
        const events = house.events.get(room) ?? [];
        const target = this.pick(this.random(4) === 0 ? events : events.slice(-4));
        // State that was redacted would have to be judged anew: this history leaves it alone.
        if (target === undefined || target.state_key !== null) return;
        house.event(
          room,
          user,
          'm.room.redaction',
          { redacts: target.event_id },
          { redacts: target.event_id },
        );
        return;
      }
      case 6:
      case 7:
        this.relate(room, user, 'm.thread', { msgtype: 'm.text', body: text });
        return;
      case 8:
        this.relate(room, user, this.pick(['m.annotation', 'm.reference', 'm.replace']), {
          body: text,
          'm.new_content': { body: text },
        });
        return;
      default: {
        const picture = this.random(4) === 0 ? { url: 'mxc://x.org/a' } : {};
        house.event(room, user, 'm.room.message', { msgtype: 'm.text', body: text, ...picture });
      }
    }
  }

  /** A child of any event of the room, be it of a thread or not; it may mention somebody. */
  private relate(room: RoomId, user: UserId, rel_type: string, content: JsonObject): void {
    const relation = { rel_type, event_id: this.parent(room, rel_type).event_id, key: '+' };
    const mentions = this.random(4) === 0 ? { 'm.mentions': { user_ids: [this.pick(USERS)] } } : {};
    const type = rel_type === 'm.annotation' ? 'm.reaction' : 'm.room.message';
    this.house.event(room, user, type, { ...content, ...mentions, 'm.relates_to': relation });
  }

  /** Threads have one of two roots; everything else may be related to anything. */
  private parent(room: RoomId, relType: string): FakeEvent {
    const events = this.house.events.get(room) ?? [];
    if (relType !== 'm.thread') return this.pick(this.random(2) === 0 ? events : events.slice(-5));
    return this.pick(events.slice(0, 2));
  }

  private mention(room: RoomId, user: UserId, text: string): void {
    const mentions = this.random(3) === 0 ? { room: true } : { user_ids: [this.pick(USERS)] };
    const type = this.random(3) === 0 ? 'm.reaction' : 'm.room.message';
    this.house.event(room, user, type, { body: text, 'm.mentions': mentions });
  }

  private read(room: RoomId, user: UserId): void {
    const { house } = this;
    const event = this.pick(house.events.get(room) ?? []);
    if (event === undefined) return;
    const inRoom = this.membershipOf(room, user) === 'join';
    switch (this.random(7)) {
      case 6:
        house.pushRules(user, randomRules(this.random, ROOMS, USERS));
        return;
      case 0:
        house.accountData(user, null, `org.example.${this.random(2)}`, { value: this.random(1_000) });
        return;
      case 1:
        house.accountData(user, room, 'm.tag', { value: this.random(1_000) });
        return;
      case 2:
        if (inRoom) this.receipt(user, event, 'm.read.private');
        return;
      case 3:
        if (inRoom) house.receipt(user, event, 'm.fully_read');
        return;
      case 4:
        if (inRoom) house.typing(user, room, this.random(2) * 9_000_000_000);
        return;
      default:
        if (inRoom) this.receipt(user, event, 'm.read');
    }
  }

  private receipt(user: UserId, event: FakeEvent, type: string): void {
    const roots = (this.house.events.get(event.room_id) ?? []).slice(0, 2);
    const thread = this.pick(['main', roots[0]?.event_id ?? null, roots[1]?.event_id ?? null, null, null]);
    this.house.receipt(user, event, type, thread);
  }

  private visibility(room: RoomId, user: UserId): void {
    const content = { history_visibility: this.pick(VISIBILITIES) };
    this.house.event(room, user, 'm.room.history_visibility', content, { state_key: '' });
  }

  private member(room: RoomId, sender: UserId, target: UserId, membership: string): void {
    const content = { membership, displayname: `name ${this.random(3)}` };
    this.house.event(room, sender, 'm.room.member', content, { state_key: target });
  }

  private membershipOf(room: RoomId, user: UserId): string {
    const event = this.house.events.get(room)?.findLast((one) => {
      return one.type === 'm.room.member' && one.state_key === user;
    });
    return String(event?.content['membership'] ?? 'leave');
  }

  /** One of the items. The list must not be empty where the result is used without a look. */
  private pick<T>(items: readonly T[]): T {
    const item = items[this.random(items.length)];
    if (item === undefined) throw new Error('nothing to pick from');
    return item;
  }
}

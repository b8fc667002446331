import { hash } from 'node:crypto';
import fc from 'fast-check';
import { authTypesFor } from '../../matrix/auth-events.ts';
import { checkAuth } from '../../matrix/auth-rules.ts';
import type { Pdu } from '../../matrix/event.ts';
import { asEventId, asRoomId, asUserId, type EventId, type UserId } from '../../matrix/identifiers.ts';
import type { JsonObject } from '../../matrix/json.ts';
import type { RoomVersion } from '../../matrix/room-versions.ts';
import { StateTree } from '../state-tree.ts';
import { MemoryAuthSource } from './memory-source.fixture.ts';
import { type Resolved, resolveStates } from './resolve.ts';

/** Makes the room; has all power. */
export const ALICE = asUserId('@alice:one');
/** Level 50 at first. */
export const BOB = asUserId('@bob:two');
/** Joined at first. */
export const CAROL = asUserId('@carol:three');
/** Not in the room at first. */
export const DAVE = asUserId('@dave:four');
const USERS = [ALICE, BOB, CAROL, DAVE];

/** A state event to be. */
export interface Draft {
  readonly type: string;
  readonly stateKey: string;
  readonly sender: UserId;
  readonly content: JsonObject;
}

/** A room whose history forks and joins, with the state after each event. Every event in it was allowed where it came. */
export class ForkedRoom {
  readonly version: RoomVersion;
  readonly source = new MemoryAuthSource();
  readonly after = new Map<EventId, StateTree>();
  /** All events, oldest first. */
  readonly ids: EventId[] = [];
  readonly #name: string;
  #roomId: Pdu['room_id'];

  constructor(version: RoomVersion, name = 'room') {
    this.version = version;
    this.#name = name;
    this.#roomId = version.roomIds === 'with-server' ? asRoomId('!room:one') : undefined;
    const creator = version.creatorIn === 'content' ? { creator: ALICE } : {};
    const create = this.put([], state('m.room.create', '', ALICE, { room_version: version.id, ...creator }));
    this.#roomId ??= asRoomId(`!${create.slice(1)}`);
    const users = version.creatorsPrivileged ? { [BOB]: 50 } : { [ALICE]: 100, [BOB]: 50 };
    const power = { users, events: { 'm.room.topic': 0 } };
    for (const draft of [
      member(ALICE, ALICE, 'join'),
      state('m.room.power_levels', '', ALICE, power),
      state('m.room.join_rules', '', ALICE, { join_rule: 'public' }),
      member(BOB, BOB, 'join'),
      member(CAROL, CAROL, 'join'),
    ]) {
      this.put([this.last], draft);
    }
  }

  /** The event that came last. */
  get last(): EventId {
    return this.ids.at(-1) as EventId; // The create event is there before anybody asks.
  }

  /** Resolves states by the rules of the room. */
  resolve(states: readonly StateTree[], visits = { branches: 0 }): Promise<Resolved> {
    const verifier = { verify: () => false };
    return resolveStates(states, { version: this.version, source: this.source, verifier, visits });
  }

  /** Puts an event after others if it is allowed there. @returns whether it was */
  async attempt(previous: readonly EventId[], draft: Draft, at?: number): Promise<boolean> {
    const before = (await this.resolve(previous.map((id) => this.stateAfter(id)))).state;
    const pdu = this.#pdu(previous, draft, before, at);
    if (!this.isAllowed(pdu, before)) return false;
    this.#add(pdu, before, false);
    return true;
  }

  /** Puts an event after one other, whatever the rules say. */
  put(
    previous: readonly [EventId] | readonly [],
    draft: Draft,
    more: { at?: number; rejected?: boolean } = {},
  ): EventId {
    const [only] = previous;
    const before = only === undefined ? StateTree.empty : this.stateAfter(only);
    return this.#add(this.#pdu(previous, draft, before, more.at), before, more.rejected === true);
  }

  /** Lets many join, one after the other, under the rules that hold; of the states between only the last is kept. */
  crowd(count: number): EventId {
    const start = this.last;
    const before = this.stateAfter(start);
    const entries = [...before.entries()];
    let previous = start;
    for (let i = 0; i < count; i++) {
      const stateKey = crowdUser(i);
      previous = this.#put(this.#pdu([previous], member(stateKey, stateKey, 'join'), before), false);
      entries.push({ type: 'm.room.member', stateKey, eventId: previous });
    }
    this.after.set(previous, StateTree.fromEntries(entries));
    return previous;
  }

  /** The state after an event. */
  stateAfter(id: EventId): StateTree {
    const found = this.after.get(id);
    if (found === undefined) throw new Error(`no such event: ${id}`);
    return found;
  }

  /** Whether the rules allow an event in a state. */
  isAllowed(pdu: Pdu, before: StateTree): boolean {
    const lookup = (type: string, stateKey: string) => {
      const id = before.get(type, stateKey);
      const found = id === undefined ? undefined : this.source.all.get(id);
      return found === undefined ? undefined : { event_id: found.id, ...found.pdu };
    };
    const context = { verifier: { verify: () => false }, isSignedBy: () => true };
    return checkAuth(this.version, pdu, lookup, context).allowed;
  }

  #pdu(previous: readonly EventId[], draft: Draft, before: StateTree, at = this.ids.length): Pdu {
    const { type, stateKey, sender, content } = draft;
    const selected = authTypesFor(this.version, { type, sender, state_key: stateKey, content });
    const depths = previous.map((id) => this.source.all.get(id)?.pdu.depth ?? 0);
    return {
      ...(this.#roomId === undefined ? {} : { room_id: this.#roomId }),
      type,
      state_key: stateKey,
      sender,
      content,
      origin_server_ts: at,
      depth: Math.max(0, ...depths) + 1,
      prev_events: previous,
      auth_events: selected.flatMap(([authType, key]) => before.get(authType, key) ?? []),
      hashes: { sha256: '' },
      signatures: {},
    };
  }

  #add(pdu: Pdu, before: StateTree, rejected: boolean): EventId {
    const id = this.#put(pdu, rejected);
    this.after.set(id, rejected ? before : before.set(pdu.type, pdu.state_key ?? '', id));
    return id;
  }

  #put(pdu: Pdu, rejected: boolean): EventId {
    const id = asEventId(`$${hash('sha256', `${this.#name} ${this.ids.length}`, 'base64url')}`);
    this.source.add({ id, pdu, rejected });
    this.ids.push(id);
    return id;
  }
}

/** Who is in the crowd, from 0 on. */
export function crowdUser(i: number): UserId {
  return asUserId(`@crowd${i}:many`);
}

/** A state event. */
export function state(type: string, stateKey: string, sender: UserId, content: JsonObject): Draft {
  return { type, stateKey, sender, content };
}

/** A membership. */
export function member(sender: UserId, target: UserId, membership: string, more: JsonObject = {}): Draft {
  return { type: 'm.room.member', stateKey: target, sender, content: { membership, ...more } };
}

/** An attempt at an event: after which others (counted from the newest), what, and when. */
export interface Attempt {
  readonly previous: readonly number[];
  readonly draft: Draft;
  readonly at: number;
}

const user = fc.constantFrom(...USERS);
/** Those with power try as often as the others. */
const actor = fc.constantFrom(ALICE, ALICE, ALICE, BOB, BOB, CAROL, DAVE);
const level = fc.constantFrom(0, 25, 50, 75, 100);

const drafts: fc.Arbitrary<Draft> = fc.oneof(
  {
    weight: 4,
    arbitrary: fc
      .tuple(actor, user, fc.constantFrom('join', 'leave', 'invite', 'ban'))
      .map(([sender, target, membership]) =>
        member(sender, membership === 'join' ? sender : target, membership),
      ),
  },
  {
    weight: 2,
    arbitrary: fc.tuple(actor, level, level, level).map(([sender, bob, carol, ban]) =>
      state('m.room.power_levels', '', sender, {
        users: { [BOB]: bob, [CAROL]: carol },
        ban,
        events: { 'm.room.topic': 0 },
      }),
    ),
  },
  fc
    .tuple(actor, fc.constantFrom('public', 'invite', 'knock'))
    .map(([sender, join_rule]) => state('m.room.join_rules', '', sender, { join_rule })),
  {
    weight: 3,
    arbitrary: fc
      .tuple(actor, fc.constantFrom('m.room.topic', 'm.room.name', 'x'), fc.nat(2))
      .map(([sender, type, key]) => state(type, type === 'x' ? `${key}` : '', sender, {})),
  },
);

/** What is tried in a room, one after the other. */
export const attempts: fc.Arbitrary<readonly Attempt[]> = fc.array(
  fc.record({
    previous: fc.uniqueArray(fc.nat(5), { minLength: 1, maxLength: 3 }),
    draft: drafts,
    at: fc.nat(30),
  }),
  { minLength: 8, maxLength: 30 },
);

/** Lets the attempts happen where they are allowed. To version 11 the creator keeps its power through all changes. */
export async function grow(room: ForkedRoom, list: readonly Attempt[]): Promise<void> {
  for (const { previous, draft, at } of list) {
    const ids = new Set(previous.map((back) => room.ids.at(-1 - back) ?? room.last));
    await room.attempt([...ids], keepingCreator(room, draft), at);
  }
}

function keepingCreator({ version }: ForkedRoom, draft: Draft): Draft {
  if (version.creatorsPrivileged || draft.type !== 'm.room.power_levels') return draft;
  const { users } = draft.content;
  return { ...draft, content: { ...draft.content, users: { ...(users as JsonObject), [ALICE]: 100 } } };
}

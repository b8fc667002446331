import { randomNumbers } from '../../../projections/framework/rebuild-load.ts';
import { type ValueFact, valueKey } from '../../../src/users/values.ts';
import type { House } from './house.ts';
import { MadeRoom } from './made-room.ts';

/** What traffic is like. */
export interface TrafficOptions {
  readonly rooms: number;
  readonly users: number;
  readonly events: number;
  readonly seed?: number;
  /** Events of one append. */
  readonly batch?: number;
}

/** Rooms with messages, memberships, redactions, mentions: the same for the same seed. @returns the rooms. */
export async function makeTraffic(house: House, options: TrafficOptions): Promise<readonly MadeRoom[]> {
  const random = randomNumbers(options.seed ?? 1);
  const users = Array.from({ length: options.users }, (_, index) => `@user${index}:localhost`);
  const pick = <T>(list: readonly T[]): T => list[Math.floor(random() * list.length)] as T; // Never empty.
  const rooms: MadeRoom[] = [];
  for (let index = 0; index < options.rooms; index++) {
    const { room, facts } = MadeRoom.create(`room ${options.seed ?? 1} ${index}`, pick(users));
    await house.append('rooms', room.id, [...facts, ...users.map((user) => room.member(user, 'join'))]);
    rooms.push(room);
  }
  const batch = options.batch ?? 20;
  for (let made = 0; made < options.events; made += batch) {
    const room = pick(rooms);
    const facts = Array.from({ length: batch }, () => oneEvent(room, pick(users), random));
    await house.append('rooms', room.id, facts);
  }
  return rooms;
}

/** What replaces itself about users: every round says the same keys anew, each with another value. */
export async function makeValues(
  house: House,
  options: { readonly users: number; readonly rounds: number },
): Promise<void> {
  for (let round = 1; round <= options.rounds; round++) {
    for (let index = 0; index < options.users; index++) {
      const user = `@user${index}:localhost`;
      const facts = valuesOf(user, round).map((fact) => ({ ...fact, key: valueKey(fact), at: round }));
      await house.append('user_values', user, facts);
    }
  }
}

function valuesOf(user_id: string, round: number): readonly ValueFact[] {
  const sealed = JSON.stringify({ round });
  const [event_id, furthest_event_id] = [`$event${round}`, `$event${round}`];
  const place = { place: round, furthest_place: round, ts: round };
  const receipt = { room_id: '!a:localhost', receipt_type: 'm.read', thread_id: null };
  return [
    { type: 'account_data_set', value: { user_id, room_id: null, type: 'm.direct', sealed } },
    { type: 'account_data_set', value: { user_id, room_id: '!a:localhost', type: 'm.tag', sealed } },
    { type: 'filter_set', value: { user_id, filter_id: 'f', sealed } },
    { type: 'push_rules_set', value: { user_id, sealed } },
    { type: 'profile_told', value: { user_id, through: round } },
    { type: 'receipt_set', value: { user_id, ...receipt, event_id, furthest_event_id, ...place } },
  ];
}

function oneEvent(room: MadeRoom, user: string, random: () => number): ReturnType<MadeRoom['fact']> {
  const kind = random();
  if (kind < 0.03) return room.member(user, random() < 0.5 ? 'leave' : 'join');
  if (kind < 0.05) {
    return room.fact({
      type: 'm.room.topic',
      sender: user,
      state_key: '',
      content: { topic: `${random()}` },
    });
  }
  if (kind >= 0.8) return relatedEvent(room, user, random);
  if (kind < 0.08) {
    const target = room.eventIds[Math.floor(random() * room.eventIds.length)];
    const redacts = target === undefined ? {} : { redacts: target };
    return room.fact({ type: 'm.room.redaction', sender: user, content: {}, ...redacts });
  }
  const mentions = kind < 0.12 ? { 'm.mentions': { user_ids: ['@user1:localhost'] } } : {};
  return room.message(user, 'x'.repeat(100), mentions);
}

/** A child of an earlier event: in a thread, an edit, a reference, a reaction. */
function relatedEvent(room: MadeRoom, user: string, random: () => number): ReturnType<MadeRoom['fact']> {
  const types = ['m.thread', 'm.thread', 'm.replace', 'm.reference', 'm.annotation'];
  const rel_type = types[Math.floor(random() * types.length)] ?? 'm.thread';
  // Few roots, so that threads grow; anything may have other children, threads' events among them.
  const parents = rel_type === 'm.thread' ? room.eventIds.slice(0, 3) : room.eventIds.slice(-30);
  const event_id = parents[Math.floor(random() * parents.length)] ?? '$none';
  const relation = { 'm.relates_to': { rel_type, event_id, key: '+' } };
  return room.message(user, 'related', { ...relation, 'm.new_content': { body: 'new' } });
}

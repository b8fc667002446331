import type { Pdu } from '../../matrix/event.ts';
import type { EventId } from '../../matrix/identifiers.ts';

/**
 * What state resolution asks of the events of a room. Asynchronous, and for many at a time, so that a database can
 * stand behind it; what is asked for is all that a resolution costs beside the nodes of the state trees.
 */
export interface AuthSource {
  /** The events with these IDs, accepted or rejected; those that are not known are left out. */
  events(ids: readonly EventId[]): Promise<ReadonlyMap<EventId, AuthEvent>>;
  /** Where these events stand in the chain cover; those that are not known are left out. */
  places(ids: readonly EventId[]): Promise<ReadonlyMap<EventId, ChainPlace>>;
  /** The events at these positions, in their order. Every position that `places` ever named has one. */
  eventsAt(positions: readonly ChainPosition[]): Promise<readonly EventId[]>;
  /**
   * The known state events that name this one among their auth events, latest first. Of those that can authorise
   * nothing themselves one of each key is enough. Read no further than asked for.
   */
  authorised(id: EventId): AsyncIterable<AuthorisedEvent>;
}

/** An event as resolution reads it. */
export interface AuthEvent {
  readonly id: EventId;
  readonly pdu: Pdu;
  /** It failed the auth rules when it was received. */
  readonly rejected: boolean;
}

/** A position in a chain: each of its events has all before it in its auth chain. */
export interface ChainPosition {
  readonly chain: number;
  /** From 1 on. */
  readonly seq: number;
}

/** Where an event stands, and what its auth chain is made of. */
export interface ChainPlace {
  /** Undefined for events that can authorise none: they are in no auth chain. */
  readonly position: ChainPosition | undefined;
  /** The auth chain: of each chain in it, how far it goes; all events up to there are in it. The event itself is not. */
  readonly reach: Reach;
}

/** Of each chain, how far it goes. */
export type Reach = ReadonlyMap<number, number>;

/** Extends `reach` to where `further` goes beyond it. */
export function extendReach(reach: Map<number, number>, further: Iterable<readonly [number, number]>): void {
  for (const [chain, seq] of further) if (seq > (reach.get(chain) ?? 0)) reach.set(chain, seq);
}

/** A state event that another one has authorised. */
export interface AuthorisedEvent {
  readonly id: EventId;
  readonly type: string;
  readonly stateKey: string;
}

/** Types of the events that authorise others (spec: room versions, "Authorisation rules"). */
const AUTHORISING: ReadonlySet<string> = new Set([
  'm.room.create',
  'm.room.power_levels',
  'm.room.join_rules',
  'm.room.member',
  'm.room.third_party_invite',
]);

/** True for the types of events that may stand among the auth events of others. */
export function canAuthorise(type: string): boolean {
  return AUTHORISING.has(type);
}

/** One string for a type and a state key. */
export function keyName(type: string, stateKey: string): string {
  return JSON.stringify([type, stateKey]);
}

import { authTypesFor } from '../matrix/auth-events.ts';
import { checkAuth } from '../matrix/auth-rules.ts';
import { membershipOf, type StateLookup } from '../matrix/auth-state.ts';
import { canonicalJson } from '../matrix/canonical-json.ts';
import type { EventReference, Pdu, UnsignedPdu } from '../matrix/event.ts';
import { eventReference } from '../matrix/event-format.ts';
import { referenceHash } from '../matrix/hashes.ts';
import type { EventId } from '../matrix/identifiers.ts';
import { type JsonObject, ownString } from '../matrix/json.ts';
import { powerLevels } from '../matrix/power-levels.ts';
import type { RoomVersion } from '../matrix/room-versions.ts';
import { type SignedEvent, type Signer, signEvent, type Verifier } from '../matrix/signing.ts';
import { sizeViolation } from '../matrix/size-limits.ts';
import type { SendEvent, Transaction } from '../owner/commands.ts';
import { eventFact, type RoomFact } from './facts.ts';
import { draftOf, redactionTarget } from './needs.ts';
import type { KnownEvents, Room } from './room.ts';

/** Why a room refuses a command. */
export interface RoomRefusal {
  readonly refused:
    | 'FORBIDDEN'
    | 'GUEST_ACCESS_FORBIDDEN'
    | 'NOT_FOUND'
    | 'TOO_LARGE'
    | 'INVALID_ROOM_STATE'
    | 'BAD_STATE'
    | 'NOT_LEFT'
    | 'INVALID_PARAM';
  readonly message: string;
}

/** What a room decides: the facts, and the new events with their PDUs for the next decisions. */
export interface RoomAccepted {
  readonly facts: readonly RoomFact[];
  readonly events: ReadonlyMap<EventId, Pdu>;
  readonly event_id: EventId | undefined;
}

/** Keys that sign and check; values, no I/O. */
export interface Keys {
  readonly signer: Signer;
  readonly verifier: Verifier;
}

const NO_EVENTS: ReadonlyMap<EventId, Pdu> = new Map();

/**
 * Decides one event: drafts it on the room's extremities, authorises it against the current state (spec:
 * server-server API, "Checks performed on receipt of a PDU", rules of the room's version), hashes and signs it.
 */
export function decideSend(
  room: Room,
  known: KnownEvents,
  command: SendEvent,
  keys: Keys,
): RoomAccepted | RoomRefusal {
  const version = room.version;
  if (version === undefined) return refuse('NOT_FOUND', 'There is no such room here.');
  const draft = draftOf(command);
  const present =
    command.state_key === undefined ? undefined : stateEvent(room, known, command.type, command.state_key);
  // Who is not in the room is told nothing about it; one's own membership is for the auth rules to judge.
  if (command.state_key !== command.sender && !isJoined(room, known, command.sender)) {
    return refuse('FORBIDDEN', 'You are not in this room.');
  }
  const unexpected = unexpectedMembership(command, present) ?? guestRefusal(room, known, command);
  if (unexpected !== undefined) return unexpected;
  if (present !== undefined && repeats(present.pdu, draft)) {
    return { facts: [], events: NO_EVENTS, event_id: present.id };
  }
  const redacts = redactionTarget(command, draft.content);
  if (redacts !== undefined) {
    const refusal = redactionRefusal({ room, known, version }, command.sender, redacts);
    if (refusal !== undefined) return refusal;
  }
  const addsRedacts = redacts !== undefined && version.redactsIn === 'content';
  const content = addsRedacts ? { ...draft.content, redacts } : draft.content;
  const at = command.ts ?? command.at;
  const event = assemble({ room, known, version }, { ...draft, content }, { at, redacts });
  const raw = addsRedacts ? JSON.stringify(content) : command.content;
  return accept(room, known, event, { ...keys, version, raw, redacts, transaction: command.transaction });
}

/** What `accept` needs beside the event. */
export interface AcceptOptions extends Keys {
  readonly version: RoomVersion;
  /** The content as it came. */
  readonly raw: string;
  /** The event that it redacts: decided, not only asked for. */
  readonly redacts: EventId | undefined;
  readonly transaction: Transaction | undefined;
}

/** Authorises, signs and records an event that is otherwise complete. */
export function accept(
  room: Room,
  known: KnownEvents,
  event: UnsignedPdu,
  options: AcceptOptions,
): RoomAccepted | RoomRefusal {
  const { version } = options;
  const signed = signEvent(event, version, options.signer);
  const large = tooLarge(signed);
  if (large !== undefined) return large;
  const verdict = checkAuth(version, signed.pdu, authState(room, known), {
    verifier: options.verifier,
    // Every event is signed by this server, and by no other before it leaves.
    isSignedBy: (server) => server === options.signer.serverName,
  });
  if (!verdict.allowed) return refuse('FORBIDDEN', verdict.reason);
  return record(room, signed, options);
}

/** Why a signed event is too large, if it is (spec: client-server API, "Size limits"). */
export function tooLarge({ pdu, eventId }: SignedEvent): RoomRefusal | undefined {
  const large = sizeViolation(pdu, eventId);
  if (large === undefined) return undefined;
  return refuse('TOO_LARGE', `${large.field} has ${large.bytes} bytes; ${large.limit} are allowed.`);
}

/** The fact of an accepted event. */
export function record(
  room: Room,
  signed: SignedEvent,
  options: Pick<AcceptOptions, 'version' | 'raw' | 'redacts' | 'transaction'>,
): RoomAccepted {
  const { pdu, eventId } = signed;
  const after = pdu.state_key === undefined ? room.state : room.state.set(pdu.type, pdu.state_key, eventId);
  const fact = eventFact({
    eventId,
    pdu,
    content: options.raw,
    version: options.version,
    place: room.place + 1,
    before: room.state,
    after,
    redacts: options.redacts,
    transaction: options.transaction,
  });
  const events = pdu.state_key === undefined ? NO_EVENTS : new Map([[eventId, pdu]]);
  return { facts: [fact], events, event_id: eventId };
}

/** What an event is decided in. */
export interface DecidedIn {
  readonly room: Room;
  readonly known: KnownEvents;
  readonly version: RoomVersion;
}

/** Places a draft on the room's forward extremities and selects its auth events. */
export function assemble(
  { room, known, version }: DecidedIn,
  draft: Pick<UnsignedPdu, 'type' | 'sender' | 'content' | 'state_key'>,
  how: { readonly at: number; readonly redacts: EventId | undefined },
): UnsignedPdu {
  const authEvents: EventReference[] = [];
  for (const [type, stateKey] of authTypesFor(version, draft)) {
    const event = stateEvent(room, known, type, stateKey);
    if (event === undefined) continue;
    authEvents.push(eventReference(version, event.id, () => referenceHash(event.pdu, version)));
  }
  const depth = Math.max(0, ...room.extremities.map((extremity) => extremity.depth)) + 1;
  return {
    room_id: room.id,
    type: draft.type,
    sender: draft.sender,
    ...(draft.state_key === undefined ? {} : { state_key: draft.state_key }),
    content: draft.content,
    origin_server_ts: how.at,
    depth: Math.min(depth, Number.MAX_SAFE_INTEGER),
    // `evolve` gives every extremity of such a room its hash.
    prev_events: room.extremities.map(({ event_id, hash = '' }) =>
      eventReference(version, event_id, () => hash),
    ),
    auth_events: authEvents,
    ...(how.redacts !== undefined && version.redactsIn === 'event' ? { redacts: how.redacts } : {}),
  };
}

/** The state as the auth rules read it. */
export function authState(room: Room, known: KnownEvents): StateLookup {
  return (type, stateKey) => {
    const event = stateEvent(room, known, type, stateKey);
    return event === undefined
      ? undefined
      : { event_id: event.id, sender: event.pdu.sender, content: event.pdu.content };
  };
}

function stateEvent(
  room: Room,
  known: KnownEvents,
  type: string,
  stateKey: string,
): { readonly id: EventId; readonly pdu: Pdu } | undefined {
  const id = room.state.get(type, stateKey);
  const pdu = id === undefined ? undefined : known.get(id);
  return id === undefined || pdu === undefined ? undefined : { id, pdu };
}

function isJoined(room: Room, known: KnownEvents, user: string): boolean {
  return membershipOf(authState(room, known), user) === 'join';
}

function refuse(refused: RoomRefusal['refused'], message: string): RoomRefusal {
  return { refused, message };
}

/** The same sender sets the same content again: no new event is needed. */
function repeats(present: Pdu, draft: { readonly sender: string; readonly content: JsonObject }): boolean {
  return present.sender === draft.sender && canonicalJson(present.content) === canonicalJson(draft.content);
}

/** Guests join where `m.room.guest_access` says so (spec: client-server API, "Guest Access"). */
function guestRefusal(room: Room, known: KnownEvents, command: SendEvent): RoomRefusal | undefined {
  if (command.guest !== true || command.type !== 'm.room.member') return undefined;
  if (ownString(draftOf(command).content, 'membership') !== 'join') return undefined;
  const access = stateEvent(room, known, 'm.room.guest_access', '')?.pdu.content;
  if (access !== undefined && ownString(access, 'guest_access') === 'can_join') return undefined;
  return refuse('GUEST_ACCESS_FORBIDDEN', 'Guests cannot join this room.');
}

function unexpectedMembership(
  command: SendEvent,
  present: { readonly pdu: Pdu } | undefined,
): RoomRefusal | undefined {
  if (command.expect_membership === undefined) return undefined;
  const membership =
    present === undefined ? 'none' : (ownString(present.pdu.content, 'membership') ?? 'none');
  if (command.expect_membership.some((expected) => expected === membership)) return undefined;
  return refuse('BAD_STATE', `The user's membership is ${membership}.`);
}

/** Redactions: of a known event of this room, by its sender or with the redact level (spec: "Redactions"). */
function redactionRefusal(
  { room, known, version }: DecidedIn,
  sender: string,
  redacts: EventId,
): RoomRefusal | undefined {
  const target = known.get(redacts);
  if (target === undefined) return refuse('NOT_FOUND', 'The event to redact is not known in this room.');
  if (target.sender === sender) return undefined;
  const levels = powerLevels(version, authState(room, known));
  if (levels.of(sender) >= levels.redact) return undefined;
  return refuse('FORBIDDEN', 'Your power level does not let you redact the events of others.');
}

import type { Records, StateRef } from '../log/records.ts';
import { canonicalJson } from '../matrix/canonical-json.ts';
import { type Pdu, pduJson } from '../matrix/event.ts';
import type { EventId } from '../matrix/identifiers.ts';
import { redact } from '../matrix/redaction.ts';
import type { RoomVersion } from '../matrix/room-versions.ts';
import { rootBytes } from '../state/root.ts';
import type { StateTree } from '../state/state-tree.ts';

/** The record types of a room. */
export type RoomRecordType = 'room_event' | 'room_forgotten' | 'saga_started' | 'saga_ended';

/** A fact about a room. */
export type RoomFact = {
  [T in RoomRecordType]: { readonly type: T; readonly value: Records[T] };
}[RoomRecordType];

/** What a `room_event` is made of. */
export interface EventFact {
  readonly eventId: EventId;
  readonly pdu: Pdu;
  /** The content as it came, byte for byte. */
  readonly content: string;
  readonly version: RoomVersion;
  readonly place: number;
  readonly before: StateTree;
  /** The same tree as `before` for an event that is not state. */
  readonly after: StateTree;
  readonly redacts: EventId | undefined;
  readonly transaction: { readonly device_id: string; readonly txn_id: string } | undefined;
}

/** The record of a live, accepted event: skeleton in clear, content to be sealed. */
export function eventFact(event: EventFact): RoomFact {
  const { pdu, version } = event;
  const bare = redact(pdu, version);
  return {
    type: 'room_event',
    value: {
      event_id: event.eventId,
      room_version: version.id,
      kind: 'event',
      verdict: 'accepted',
      reason: null,
      place: event.place,
      skeleton: canonicalJson(pduJson(bare)),
      sealed: isWhole(bare, pdu) ? null : sealedPart(event),
      redacts: event.redacts ?? null,
      before: { root: rootBytes(event.before.root), partial: false, base: null, changed: [] },
      after: afterRef(event),
      current: null,
      transaction: event.transaction ?? null,
    },
  };
}

/** Whether a redaction takes nothing away. Most often the number of members tells. */
function isWhole(bare: Pdu, pdu: Pdu): boolean {
  if (bare.redacts !== pdu.redacts) return false;
  if (Object.keys(bare.content).length !== Object.keys(pdu.content).length) return false;
  return canonicalJson(bare.content) === canonicalJson(pdu.content);
}

function sealedPart(event: EventFact): string {
  const { pdu } = event;
  const redacts = pdu.redacts === undefined ? '' : `,"redacts":${JSON.stringify(pdu.redacts)}`;
  return `{"content":${event.content}${redacts}}`;
}

function afterRef(event: EventFact): StateRef | null {
  const { pdu, before, after } = event;
  if (pdu.state_key === undefined || after === before) return null;
  return {
    root: rootBytes(after.root),
    partial: false,
    base: rootBytes(before.root),
    changed: [{ type: pdu.type, state_key: pdu.state_key, event_id: event.eventId }],
  };
}

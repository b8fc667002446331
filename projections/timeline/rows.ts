/** What became of an event: the numbers of `events.kind`. */
export const eventKinds = { event: 0, backfilled: 1, outlier: 2, soft_failed: 3, rejected: 4 } as const;

/** A row of `events`. */
export interface EventRow {
  readonly room: number;
  readonly place: number;
  readonly log_offset: number;
  readonly ts: number;
  readonly ordinal: number | null;
  readonly thread_ordinal: number | null;
  readonly kind: number;
  readonly hops: number | null;
  has_url: boolean;
  readonly notifies: boolean;
  readonly event_id: string;
  readonly type: string;
  readonly sender: string;
  readonly state_key: string | null;
  content: string;
  redacts: string | null;
  redacted_by: string | null;
  readonly skeleton: string | null;
  readonly device_id: string | null;
  readonly txn_id: string | null;
  readonly scope: Uint8Array | null;
  readonly command: Uint8Array | null;
  readonly thread: string | null;
}

/** An event that is recorded again: what its newer record says of it; the event itself is the same. */
export function recordedAgain(before: EventRow, now: EventRow): EventRow {
  const { place, log_offset, ordinal, thread_ordinal, kind, hops, notifies, thread } = now;
  const { device_id, txn_id, scope, command } = now;
  const placed = { place, log_offset, ordinal, thread_ordinal, kind, hops, notifies, thread };
  return { ...before, ...placed, device_id, txn_id, scope, command };
}

/** A row of `mentions`. */
export interface MentionRow {
  readonly user_id: string;
  readonly room: number;
  readonly place: number;
  readonly notifies: boolean;
  readonly sender: string;
  readonly thread: string | null;
}

/** A row of `relations`. */
export interface RelationRow {
  readonly room: number;
  readonly place: number;
  readonly ts: number;
  readonly replaces: boolean;
  readonly parent: string;
  readonly rel_type: string;
  readonly event_id: string;
  readonly sender: string;
  readonly type: string;
  readonly key: string | null;
}

/** What names a row of `relations`, with the event's place. */
export type RelationKey = Pick<RelationRow, 'event_id' | 'parent' | 'rel_type'>;

/** A row of `senders`. */
export interface SenderRow {
  readonly room: number;
  readonly sender: string;
  readonly place: number;
  /** Empty for the main timeline. */
  readonly thread: string;
}

/** A row of `threads`. */
export interface ThreadRow {
  readonly room: number;
  readonly thread: string;
  readonly place: number;
}

/** A redaction of an event that was stored earlier: what is left of it. */
export interface Redaction {
  readonly event_id: string;
  readonly content: string;
  readonly redacts: string | null;
  readonly redacted_by: string;
}

/** All that a batch writes. */
export interface TimelineRows {
  readonly rooms: { readonly room: number; readonly room_id: string; readonly version: string }[];
  /** By event ID: an event may be recorded again, say first as an outlier; the last record counts. */
  readonly events: Map<string, EventRow>;
  readonly mentions: MentionRow[];
  /** By room, sender and thread. */
  readonly senders: Map<string, SenderRow>;
  /** By room and thread. */
  readonly threads: Map<string, ThreadRow>;
  /** By the child's ID. */
  readonly relations: Map<string, RelationRow>;
  readonly redactions: Redaction[];
  /** Relations of earlier batches that redactions have broken. */
  readonly broken: RelationKey[];
}

/** No rows yet. */
export function noRows(): TimelineRows {
  return {
    rooms: [],
    events: new Map(),
    mentions: [],
    senders: new Map(),
    threads: new Map(),
    relations: new Map(),
    redactions: [],
    broken: [],
  };
}

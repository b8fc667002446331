import { type EventId, parseEventId } from './identifiers.ts';
import { type JsonObject, ownObject, ownString } from './json.ts';

/** Relationships between events (spec: client-server API, "Forming relationships between events"). */

/** What a child event says of its parent. */
export interface Relation {
  /** `m.thread`, `m.replace`, `m.reference`, `m.annotation`, or one that this server does not know. */
  readonly rel_type: string;
  /** The parent. */
  readonly event_id: EventId;
  /** Of an annotation: what is annotated, such as a thumb. */
  readonly key?: string;
}

/** The thread of all that is in no other (spec: "Threaded read receipts"). */
export const MAIN_THREAD = 'main';

/** Relations followed in search of a thread, as the spec recommends. */
export const MOST_HOPS = 3;

/** Bytes of the longest `rel_type` heeded: as for event types. It is part of a key. */
const LONGEST_TYPE = 255;

/**
 * The relation in an event's content. Undefined where there is none that fits the schema: such is ignored. A reply
 * without `rel_type` is none either.
 */
export function relationOf(content: JsonObject): Relation | undefined {
  const relates = ownObject(content, 'm.relates_to');
  const rel_type = relates && ownString(relates, 'rel_type');
  const event_id = relates && parseEventId(ownString(relates, 'event_id') ?? '');
  if (relates === undefined || rel_type === undefined || event_id === undefined) return undefined;
  if (rel_type === '' || Buffer.byteLength(rel_type) > LONGEST_TYPE) return undefined;
  const key = ownString(relates, 'key');
  return { rel_type, event_id, ...(key === undefined ? {} : { key }) };
}

/**
 * Whether an event has what a replacement needs, the parent aside (spec: "Validity of replacement events"): new
 * content, which may be encrypted, and no state key.
 */
export function mayReplace(event: {
  readonly type: string;
  readonly state_key?: string | undefined;
  readonly content: JsonObject;
}): boolean {
  if (event.state_key !== undefined) return false;
  return event.type === 'm.room.encrypted' || ownObject(event.content, 'm.new_content') !== undefined;
}

/** In which thread an event is, and how many relations away from the event that says so. */
export interface ThreadPlace {
  /** The root's ID. */
  readonly thread: EventId;
  readonly hops: number;
}

/**
 * The thread of an event (spec: "Threaded read receipts"). Undefined: the main timeline.
 * @param parent where the event's parent is; undefined where that is the main timeline, or it is not known.
 */
export function threadOf(
  relation: Relation | undefined,
  parent: ThreadPlace | undefined,
): ThreadPlace | undefined {
  if (relation === undefined) return undefined;
  if (relation.rel_type === 'm.thread') return { thread: relation.event_id, hops: 0 };
  if (parent === undefined || parent.hops >= MOST_HOPS) return undefined;
  return { thread: parent.thread, hops: parent.hops + 1 };
}

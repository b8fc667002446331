import type { RoomEventRecord } from '../src/log/records.ts';
import type { Pdu } from '../src/matrix/event.ts';

/** An event of a record: parsed, and its content as it came. */
export interface ParsedEvent {
  /** With what is left of its content: after an erasure that is what redaction leaves. */
  readonly pdu: Pdu;
  /** JSON of an object; byte for byte what the sender signed, where it was not erased. */
  readonly content: string;
}

/** Whether an event came live into its room. */
export function isLive({ kind, verdict }: RoomEventRecord): boolean {
  return kind === 'event' && verdict === 'accepted';
}

/** Whether an event is in the timeline of its room: came live, or was filled in. */
export function isInTimeline({ kind, verdict }: RoomEventRecord): boolean {
  return (kind === 'event' || kind === 'backfilled') && verdict === 'accepted';
}

/** Where a record keeps its event once parsed: a WeakMap of so many objects slows every collection of garbage. */
const parsed = Symbol('parsed event');

/**
 * The event of a record. All models of a process get the same record objects, so it is parsed once for all.
 * @throws SyntaxError when the record holds no JSON.
 */
export function parsedEvent(record: RoomEventRecord & { [parsed]?: ParsedEvent }): ParsedEvent {
  record[parsed] ??= parse(record);
  return record[parsed];
}

function parse({ skeleton, sealed }: RoomEventRecord): ParsedEvent {
  const redacted: Pdu = JSON.parse(skeleton); // The owner writes PDUs; a broken one is poison where it is used.
  if (sealed === null) return { pdu: redacted, content: JSON.stringify(redacted.content) };
  const opened: Partial<Pdu> = JSON.parse(sealed);
  const pdu = Object.assign(redacted, opened);
  return { pdu, content: contentText(sealed, opened, pdu) };
}

const START = '{"content":';

/** The sealed text is `{"content":…}`, with the event's `redacts` behind it in older room versions. */
function contentText(sealed: string, opened: Partial<Pdu>, pdu: Pdu): string {
  const redacts = opened.redacts === undefined ? '' : `,"redacts":${JSON.stringify(opened.redacts)}`;
  const end = `${redacts}}`;
  const whole = opened.content !== undefined && sealed.startsWith(START) && sealed.endsWith(end);
  return whole ? sealed.slice(START.length, -end.length) : JSON.stringify(pdu.content);
}

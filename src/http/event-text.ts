import type { EventRelations } from '../../projections/timeline/stored-event.ts';
import type { JsonObject } from '../matrix/json.ts';
import type { StoredEvent } from './reads/stored-event.ts';

/** What is printed of an event: events of the models, and those of the log's tail. */
export type PrintableEvent = Omit<StoredEvent, 'redacted_because' | 'replaces_place' | 'relations'> & {
  readonly redacted_because?: PrintableEvent;
  readonly relations?: EventRelations<PrintableEvent>;
};

/** For whom an event is formatted. */
export interface Viewer {
  readonly user_id: string;
  readonly device_id: string;
  /** The viewer's membership at an event, with what the event itself changes; left out where it is not known. */
  readonly membershipAt?: (event: Pick<PrintableEvent, 'place' | 'type' | 'state_key'>) => string;
}

/**
 * An event as clients get it, as JSON text (spec: client-server API, "ClientEvent"). The content is put in as it
 * stands. `redacts` stands both at the top and in the content whatever the room's version, as the spec asks for
 * the sake of clients of either form.
 * @param now milliseconds since the epoch, for `unsigned.age`.
 */
export function eventText(event: PrintableEvent, viewer: Viewer, now: number): string {
  return textOf(event, true, viewer, now);
}

/** As `eventText`, without the room ID: the form of `/sync`, where the room is said around it. */
export function roomlessEventText(event: PrintableEvent, viewer: Viewer, now: number): string {
  return textOf(event, false, viewer, now);
}

function textOf(event: PrintableEvent, withRoom: boolean, viewer: Viewer, now: number): string {
  const roomId = withRoom ? `"room_id":${JSON.stringify(event.room_id)},` : '';
  const stateKey = event.state_key === null ? '' : `"state_key":${JSON.stringify(event.state_key)},`;
  const redacts = event.redacts === null ? '' : `"redacts":${JSON.stringify(event.redacts)}`;
  return (
    `{"type":${JSON.stringify(event.type)},${roomId}` +
    `"sender":${JSON.stringify(event.sender)},"event_id":${JSON.stringify(event.event_id)},` +
    `"origin_server_ts":${event.origin_server_ts},${stateKey}${redacts === '' ? '' : `${redacts},`}` +
    `"content":${redacts === '' ? event.content : withMember(event.content, redacts)},"unsigned":${unsignedText(event, withRoom, viewer, now)}}`
  );
}

/** The text of an object with one more member, unless it has one of that name. */
function withMember(object: string, member: string): string {
  const parsed: JsonObject = JSON.parse(object);
  if ('redacts' in parsed) return object;
  return Object.keys(parsed).length === 0 ? `{${member}}` : `{${member},${object.trimStart().slice(1)}`;
}

/** A JSON array of events. */
export function eventsText(events: readonly StoredEvent[], viewer: Viewer, now: number): string {
  return `[${events.map((event) => eventText(event, viewer, now)).join(',')}]`;
}

function unsignedText(event: PrintableEvent, withRoom: boolean, viewer: Viewer, now: number): string {
  let text = `{"age":${Math.max(0, now - event.origin_server_ts)}`;
  const { transaction } = event;
  // Only the device that sent the event gets its transaction ID back.
  if (transaction !== null && event.sender === viewer.user_id && transaction.device_id === viewer.device_id) {
    text += `,"transaction_id":${JSON.stringify(transaction.txn_id)}`;
  }
  const membership = event.membership ?? viewer.membershipAt?.(event);
  if (membership !== undefined) text += `,"membership":${JSON.stringify(membership)}`;
  if (event.prev_content !== undefined) text += `,"prev_content":${event.prev_content}`;
  if (event.replaces_state !== undefined) text += `,"replaces_state":${JSON.stringify(event.replaces_state)}`;
  if (event.redacted_because !== undefined) {
    text += `,"redacted_because":${eventText(event.redacted_because, viewer, now)}`;
  }
  const { relations } = event;
  if (relations !== undefined) {
    text += `,"m.relations":${relationsText(relations, (child) => textOf(child, withRoom, viewer, now))}`;
  }
  return `${text}}`;
}

/** Children as they are told of their parent, in the form of the parent. */
function relationsText(
  { replacement, thread, references }: EventRelations<PrintableEvent>,
  text: (event: PrintableEvent) => string,
): string {
  const parts: string[] = [];
  if (replacement !== undefined) parts.push(`"m.replace":${text(replacement)}`);
  if (thread !== undefined) {
    const { latest, count, participated } = thread;
    parts.push(
      `"m.thread":{"latest_event":${text(latest)},"count":${count},"current_user_participated":${participated}}`,
    );
  }
  if (references !== undefined) {
    const chunk = references.map((event_id) => ({ event_id }));
    parts.push(`"m.reference":${JSON.stringify({ chunk })}`);
  }
  return `{${parts.join(',')}}`;
}

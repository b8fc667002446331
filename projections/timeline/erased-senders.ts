import type { RoomId, UserId } from '../../src/matrix/identifiers.ts';
import type { ModelDatabase, ModelSql } from '../framework/active-schemas.ts';
import { textColumn } from '../framework/columns.ts';
import type { HistoryView } from '../room_state/visibility.ts';
import { whatIsLeft } from './redact-row.ts';
import { type Telling, toldWith, withTold } from './told-events.ts';

/** What is looked at, and changed, of an event of whatever reader: pages, single events, syncs. */
interface Erasable<E> extends Telling<E> {
  readonly room_id: RoomId;
  readonly type: string;
  readonly sender: UserId;
  readonly state_key: string | null;
  readonly content: string;
  readonly place: number;
  readonly prev_content?: string;
}

/** `$1` rooms, `$2` users: those who wanted to be erased, the last place that the room had then, and its version. */
const ERASED: ModelSql = (m) => `SELECT r.room_id, u.user_id, r.version,
    (SELECT e.place FROM ${m('timeline')}.events e
      WHERE e.room = r.room AND e.kind <= 1 AND e.ts <= u.deactivated_at ORDER BY e.place DESC LIMIT 1) AS place
  FROM unnest($1::text[], $2::text[]) a(room_id, sender)
  JOIN ${m('accounts')}.users u ON u.user_id = a.sender AND u.erased
  JOIN ${m('timeline')}.rooms r ON r.room_id = a.room_id`;

interface Row {
  readonly room_id: RoomId;
  readonly user_id: string;
  readonly version: string;
  readonly place: number | null;
}

/** What a reader could see of a sender's events before the sender was erased. */
interface Before {
  readonly view: HistoryView;
  readonly version: string;
}

/**
 * Events as their reader is served them where senders wanted to be erased (spec: client-server API, `POST
 * account/deactivate`): who could see an event before that sees it still, everybody else gets a redacted copy. The
 * children that are told with them, and what redacted them, are served the same way.
 * @param views what the reader may see, by room; events of other rooms are left as they are.
 */
export async function withoutErased<E extends Erasable<E>>(
  db: ModelDatabase,
  events: readonly E[],
  views: ReadonlyMap<RoomId, HistoryView>,
): Promise<readonly E[]> {
  const senders = new Map<string, readonly [RoomId, string]>();
  for (const event of events) {
    if (!views.has(event.room_id)) continue;
    for (const { room_id, sender } of toldWith(event)) senders.set(`${room_id} ${sender}`, [room_id, sender]);
  }
  if (senders.size === 0) return events;
  const pairs = [...senders.values()];
  const rows = await db.query<Row>(ERASED, [
    textColumn(pairs.map(([roomId]) => roomId)),
    textColumn(pairs.map(([, sender]) => sender)),
  ]);
  if (rows.length === 0) return events;
  const before = new Map<string, Before>();
  for (const { room_id, user_id, version, place } of rows) {
    const view = views.get(room_id)?.until(place ?? 0);
    if (view !== undefined) before.set(`${room_id} ${user_id}`, { view, version });
  }
  return events.map((event) => served(event, before));
}

function served<E extends Erasable<E>>(event: E, before: ReadonlyMap<string, Before>): E {
  const whole = withTold(event, (one) => served(one, before));
  const erased = before.get(`${event.room_id} ${event.sender}`);
  return erased === undefined || erased.view.canSee(event) ? whole : redactedCopy(whole, erased.version);
}

/** The event with the content that a redaction would leave. */
function redactedCopy<E extends Erasable<E>>(event: E, version: string): E {
  const { prev_content: _, ...rest } = event;
  const { content } = whatIsLeft({ type: event.type, content: event.content, redacts: null }, version);
  // Of the same type: what is left out is optional.
  return { ...rest, content } as unknown as E;
}

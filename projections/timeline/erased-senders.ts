import type { Pdu } from '../../src/matrix/event.ts';
import type { RoomId } from '../../src/matrix/identifiers.ts';
import { redact } from '../../src/matrix/redaction.ts';
import { type RoomVersion, roomVersion } from '../../src/matrix/room-versions.ts';
import type { ModelDatabase, ModelSql } from '../framework/active-schemas.ts';
import { textColumn } from '../framework/columns.ts';
import type { HistoryView } from '../room_state/visibility.ts';
import type { StoredEvent } from './stored-event.ts';

/** Of some users those who wanted to be erased, and the last place that a room had then. */
const ERASED: ModelSql = (m) => `SELECT u.user_id, (SELECT e.place FROM ${m('timeline')}.events e
      JOIN ${m('timeline')}.rooms r USING (room)
    WHERE r.room_id = $2 AND e.kind <= 1 AND e.ts <= u.deactivated_at ORDER BY e.place DESC LIMIT 1) AS place
  FROM ${m('accounts')}.users u WHERE u.user_id = ANY ($1::text[]) AND u.erased`;

/**
 * Events as their reader is served them where senders wanted to be erased (spec: client-server API, `POST
 * account/deactivate`): who could see an event before that sees it still, everybody else gets a redacted copy.
 */
export async function withoutErased(
  db: ModelDatabase,
  events: readonly StoredEvent[],
  reader: { readonly roomId: RoomId; readonly view: HistoryView },
  version: () => Promise<string | undefined>,
): Promise<readonly StoredEvent[]> {
  const senders = textColumn([...new Set(events.map(({ sender }) => sender))]);
  const rows = await db.query<{ user_id: string; place: number | null }>(ERASED, [senders, reader.roomId]);
  if (rows.length === 0) return events;
  const known = roomVersion((await version()) ?? '');
  const views = new Map(rows.map((row) => [row.user_id, reader.view.until(row.place ?? 0)]));
  return events.map((event) => {
    const before = views.get(event.sender);
    return before === undefined || before.canSee(event) ? event : redactedCopy(event, known);
  });
}

/** Nothing at all is left of it where the rules of its room are not known. */
function redactedCopy(event: StoredEvent, version: RoomVersion | undefined): StoredEvent {
  const pdu: Pdu = {
    room_id: event.room_id,
    type: event.type,
    sender: event.sender,
    ...(event.state_key === null ? {} : { state_key: event.state_key }),
    content: JSON.parse(event.content),
    origin_server_ts: event.origin_server_ts,
    depth: 0,
    prev_events: [],
    auth_events: [],
    hashes: { sha256: '' },
    signatures: {},
  };
  const { prev_content: _, ...rest } = event;
  return { ...rest, content: version === undefined ? '{}' : JSON.stringify(redact(pdu, version).content) };
}

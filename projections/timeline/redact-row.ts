import { redactJson } from '../../src/matrix/redaction.ts';
import { roomVersion } from '../../src/matrix/room-versions.ts';
import type { EventRow, RelationKey, TimelineRows } from './rows.ts';
import { storedRelation } from './stored-relation.ts';

/** Redacts an event of the batch that is being made. */
export function redactRow(row: EventRow, version: string, by: string, rows: TimelineRows): void {
  const left = whatIsLeft(row, version);
  row.content = left.content;
  row.redacts = left.redacts;
  row.redacted_by = by;
  row.has_url = false;
  rows.relations.delete(row.event_id);
  const kept = rows.mentions.filter(({ room, place }) => room !== row.room || place !== row.place);
  rows.mentions.splice(0, rows.mentions.length, ...kept);
}

/** What redaction leaves of a stored event. */
export function whatIsLeft<Id extends string>(
  event: { readonly type: string; readonly content: string; readonly redacts: Id | null },
  version: string,
): { readonly content: string; readonly redacts: Id | null } {
  const rules = roomVersion(version);
  if (rules === undefined) return { content: '{}', redacts: null };
  const left = redactJson({ type: event.type, content: JSON.parse(event.content) }, rules);
  // Where `redacts` stands in the content it survives; where it is a key of the event it does not.
  return {
    content: JSON.stringify(left['content']),
    redacts: rules.redactsIn === 'content' ? event.redacts : null,
  };
}

/** The relation that a stored event has, as it stood before its redaction; none where it has none. */
export function relationOfRow(event: {
  readonly event_id: string;
  readonly content: string;
}): readonly RelationKey[] {
  const { event_id, content } = event;
  const relation = storedRelation(content);
  return relation === undefined ? [] : [{ event_id, parent: relation.event_id, rel_type: relation.rel_type }];
}

import { asEventId, type UserId } from '../../src/matrix/identifiers.ts';
import { redactJson } from '../../src/matrix/redaction.ts';
import { relationOf } from '../../src/matrix/relations.ts';
import { roomVersion } from '../../src/matrix/room-versions.ts';
import type { EventRelations } from '../timeline/stored-event.ts';
import type { FakeEvent } from './fake-house.fixture.ts';
import type { SyncEvent } from './sync-event.ts';

/** Events as clients get them, redacted where one of them redacts another. */
export function shownEvents(events: readonly FakeEvent[]): readonly SyncEvent[] {
  const shown = events.map((event) => shownEvent(event));
  for (const redaction of shown) {
    const at = shown.findIndex(({ event_id }) => event_id === redaction.redacts);
    const target = shown[at];
    const rules = roomVersion('11');
    if (target === undefined || rules === undefined) continue;
    const left = redactJson({ type: target.type, content: JSON.parse(target.content) }, rules);
    shown[at] = { ...target, content: JSON.stringify(left['content']), redacted_because: redaction };
  }
  return shown;
}

/** What is told of an event's children, as the spec says, but that children have none told of theirs. */
export function relationsAmong(
  events: readonly SyncEvent[],
  parent: SyncEvent,
  userId: UserId,
): EventRelations<SyncEvent> | undefined {
  if (parent.state_key !== null) return undefined;
  const children = (type: string) =>
    events.filter(({ content }) => {
      const relation = relationOf(JSON.parse(content));
      return relation?.event_id === parent.event_id && relation.rel_type === type;
    });
  const own = relationOf(JSON.parse(parent.content))?.rel_type;
  const edits = own === 'm.replace' || parent.redacted_because !== undefined ? [] : children('m.replace');
  const valid = edits.filter(
    (edit) =>
      edit.sender === parent.sender && edit.type === parent.type && edit.content.includes('m.new_content'),
  );
  const replacement = valid.toSorted((one, other) => one.origin_server_ts - other.origin_server_ts).at(-1);
  const thread = own === undefined ? children('m.thread') : [];
  const latest = thread.at(-1);
  const participated = [parent, ...thread].some(({ sender }) => sender === userId);
  const references = children('m.reference').map(({ event_id }) => event_id);
  if (replacement === undefined && latest === undefined && references.length === 0) return undefined;
  return {
    ...(replacement === undefined ? {} : { replacement }),
    ...(latest === undefined ? {} : { thread: { latest, count: thread.length, participated } }),
    ...(references.length === 0 ? {} : { references }),
  };
}

function shownEvent({ offset: _offset, partition: _partition, ...event }: FakeEvent): SyncEvent {
  return {
    ...event,
    event_id: asEventId(event.event_id),
    redacts: event.redacts === null ? null : asEventId(event.redacts),
    content: JSON.stringify(event.content),
    origin_server_ts: event.place,
    transaction: null,
  };
}

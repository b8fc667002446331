import type { SyncEvent } from '../../../projections/sync/sync-event.ts';

/** Answers of reads in a form in which two that mean the same are equal. */

/** What a client sees of an event. */
function plainEvent(event: SyncEvent): object {
  const { event_id, type, sender, state_key, content, redacts, place, origin_server_ts } = event;
  const { prev_content, replaces_state, redacted_because } = event;
  const redacted_by = redacted_because?.event_id;
  const fields = { event_id, type, sender, state_key, content, redacts, place, origin_server_ts };
  return { ...fields, prev_content, replaces_state, redacted_by };
}

/** Events by room, rooms without any left out. */
export function plainEvents(found: ReadonlyMap<string, readonly SyncEvent[]>): object {
  return plainMap(found, (events) =>
    events.length === 0
      ? undefined
      : events.toSorted((one, other) => one.place - other.place).map(plainEvent),
  );
}

/** A map by its keys; values that come to undefined are left out. */
export function plainMap<V>(found: ReadonlyMap<string, V>, plain: (value: V) => unknown): object {
  const entries = [...found].map(([key, value]): [string, unknown] => [key, plain(value)]);
  const kept = entries.filter(([, value]) => value !== undefined);
  return Object.fromEntries(kept.toSorted(([one], [other]) => (one < other ? -1 : 1)));
}

/** Objects with these fields alone, in the order of their JSON. */
export function plainRows<T extends object>(
  rows: readonly T[],
  ...fields: readonly (keyof T)[]
): readonly string[] {
  return rows.map((row) => JSON.stringify(fields.map((field) => row[field]))).sort();
}

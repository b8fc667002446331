import { isJsonObject, type JsonObject, type JsonValue } from '../../../matrix/json.ts';

/** What every event is told with, wanted or not: clients could not place it without. */
const ALWAYS = ['type', 'event_id', 'sender', 'origin_server_ts', 'state_key', 'room_id'] as const;

/** Fields by name; true: with all that is in it. */
type Wanted = Map<string, Wanted | true>;

/**
 * Reduces events to some of their fields (spec: client-server API, "Filtering", `event_fields`).
 * @returns what makes of an event's JSON text the text with these fields alone.
 */
export function fieldSelection(paths: readonly (readonly string[])[]): (event: string) => string {
  const wanted: Wanted = new Map(ALWAYS.map((name) => [name, true]));
  wanted.set('content', new Map());
  for (const path of paths) want(wanted, path);
  return (event) => JSON.stringify(reduced(JSON.parse(event), wanted));
}

function want(wanted: Wanted, [name = '', ...rest]: readonly string[]): void {
  const present = wanted.get(name);
  if (present === true) return;
  if (rest.length === 0) {
    wanted.set(name, true);
    return;
  }
  const inner: Wanted = present ?? new Map();
  wanted.set(name, inner);
  want(inner, rest);
}

function reduced(object: JsonObject, wanted: Wanted): JsonObject {
  return Object.fromEntries(
    Object.entries(object).flatMap(([name, value]): readonly [string, JsonValue][] => {
      const inner = wanted.get(name);
      if (inner === undefined) return [];
      if (inner === true) return [[name, value]];
      // Of what is no object nothing in it can be wanted.
      return isJsonObject(value) ? [[name, reduced(value, inner)]] : [];
    }),
  );
}

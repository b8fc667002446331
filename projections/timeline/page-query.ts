import { textColumn } from '../framework/columns.ts';
import type { Parameter } from '../framework/model.ts';

/** Which events of a page are wanted (spec: client-server API, "Filtering", RoomEventFilter). */
export interface EventFilter {
  /** `*` matches any run of characters. */
  readonly types?: readonly string[];
  readonly not_types?: readonly string[];
  readonly senders?: readonly string[];
  readonly not_senders?: readonly string[];
  readonly contains_url?: boolean;
  /** Senders of whom state events alone are wanted (spec: "Ignoring Users"). */
  readonly ignored?: readonly string[];
}

/** Where a page lies. */
export interface PageBounds {
  readonly direction: 'b' | 'f';
  /**
   * A position between places, in the room's order. Backwards: events at places below it; forwards: at or above
   * it. Undefined: from the newest (backwards) or the oldest (forwards).
   */
  readonly from?: number;
  /** Where to stop: a position like `from`. */
  readonly to?: number;
  readonly limit: number;
  readonly filter?: EventFilter;
}

/** Events by their time: of a room, behind a time and place, in one direction. */
export interface TimeBounds {
  readonly direction: 'b' | 'f';
  /** `origin_server_ts`, milliseconds. Events of that very time belong to it, unless `place` is given. */
  readonly ts: number;
  /** Of the events of that very time those behind this place, in the direction. */
  readonly place?: number;
  /** Only events between these places, both inclusive. */
  readonly first: number;
  readonly last: number;
  readonly limit: number;
}

/** The six parameters of a filter: patterns and lists, null where all are wanted. */
export function filterValues(filter: EventFilter = {}): readonly Parameter[] {
  return [
    filter.types === undefined ? null : textColumn(filter.types.map(likePattern)),
    filter.not_types === undefined ? null : textColumn(filter.not_types.map(likePattern)),
    filter.senders === undefined ? null : textColumn(filter.senders),
    filter.not_senders === undefined ? null : textColumn(filter.not_senders),
    filter.contains_url === undefined ? null : String(filter.contains_url),
    filter.ignored === undefined || filter.ignored.length === 0 ? null : textColumn(filter.ignored),
  ];
}

/** What the filter asks of an event: the SQL for `filterValues` as parameters from `$5` on. */
export function filterSql(event: string): string {
  return `($5::text[] IS NULL OR ${event}.type LIKE ANY ($5::text[]))
    AND ($6::text[] IS NULL OR NOT ${event}.type LIKE ANY ($6::text[]))
    AND ($7::text[] IS NULL OR ${event}.sender = ANY ($7::text[]))
    AND ($8::text[] IS NULL OR NOT ${event}.sender = ANY ($8::text[]))
    AND ($9::boolean IS NULL OR ${event}.has_url = $9::boolean)
    AND ($10::text[] IS NULL OR ${event}.state_key IS NOT NULL OR NOT ${event}.sender = ANY ($10::text[]))`;
}

/** A pattern of the filter as one of LIKE, in which `%`, `_` and the backslash would mean something. */
export function likePattern(pattern: string): string {
  return pattern.replaceAll(/[\\%_]/g, '\\$&').replaceAll('*', '%');
}

import { LRUCache } from 'lru-cache';
import type { JsonObject } from '../../src/matrix/json.ts';
import { type Relation, relationOf, type ThreadPlace, threadOf } from '../../src/matrix/relations.ts';
import { int8Column, textColumn } from '../framework/columns.ts';
import type { OpenedRecord, ProjectorContext } from '../framework/model.ts';
import { isInTimeline, parsedEvent } from '../room-record.ts';

/** Threads of a partition whose ordinals are kept in memory: about 3 MB. */
const KEPT_THREADS = 20_000;

type Pair = readonly [room: number, eventId: string];

interface StoredPlace extends ThreadPlace {
  readonly room: number;
  readonly event_id: string;
}

interface StoredOrdinal {
  readonly room: number;
  readonly thread: string;
  readonly ordinal: number;
}

/** Which events of a partition are in which threads, and how many of each thread notify. */
export class ThreadIndex {
  readonly #context: ProjectorContext;
  readonly #ordinals = new LRUCache<string, number>({ max: KEPT_THREADS });
  readonly #loadPlaces: string;
  readonly #loadOrdinals: string;

  constructor(context: ProjectorContext) {
    const { schema } = context;
    this.#context = context;
    // Only of the same room: what another partition has written must not matter.
    this.#loadPlaces = `SELECT e.room, e.event_id, e.thread, e.hops
      FROM unnest($1::int8[], $2::text[]) a(room, event_id)
      JOIN ${schema}.events e ON e.event_id = a.event_id AND e.room = a.room WHERE e.thread IS NOT NULL`;
    this.#loadOrdinals = `SELECT a.room, a.thread, e.thread_ordinal AS ordinal
      FROM unnest($1::int8[], $2::text[]) a(room, thread)
      CROSS JOIN LATERAL (SELECT thread_ordinal FROM ${schema}.events
        WHERE room = a.room AND thread = a.thread AND thread_ordinal IS NOT NULL
        ORDER BY place DESC LIMIT 1) e`;
  }

  /**
   * Looks up what the events of a batch need of earlier batches: nothing where none of them has a relation.
   * @param roomOf the number of a room.
   */
  async ofBatch(
    records: readonly OpenedRecord[],
    roomOf: (roomId: string) => number | undefined,
  ): Promise<BatchThreads> {
    const parents = new Map<string, Pair>();
    const threads = new Map<string, Pair>();
    for (const { room, relation } of relationsOf(records, roomOf)) {
      const { rel_type, event_id } = relation;
      (rel_type === 'm.thread' ? threads : parents).set(`${room} ${event_id}`, [room, event_id]);
    }
    const places = await this.#places([...parents.values()]);
    for (const { room, thread } of places) threads.set(`${room} ${thread}`, [room, thread]);
    await this.#load([...threads].flatMap(([key, pair]) => (this.#ordinals.has(key) ? [] : [pair])));
    // Held here too, since a large batch may push them out of the cache.
    const counts = new Map([...threads.keys()].map((key) => [key, this.#ordinals.get(key) ?? 0]));
    return new BatchThreads(places, counts, this.#ordinals);
  }

  /** Forgets what it keeps. */
  forget(): void {
    this.#ordinals.clear();
  }

  async #places(parents: readonly Pair[]): Promise<readonly StoredPlace[]> {
    if (parents.length === 0) return [];
    return this.#context.read<StoredPlace>({ text: this.#loadPlaces, values: columns(parents) });
  }

  async #load(threads: readonly Pair[]): Promise<void> {
    if (threads.length === 0) return;
    const statement = { text: this.#loadOrdinals, values: columns(threads) };
    for (const { room, thread, ordinal } of await this.#context.read<StoredOrdinal>(statement)) {
      this.#ordinals.set(`${room} ${thread}`, ordinal);
    }
  }
}

/** The threads of one batch, told event by event in the batch's order. */
export class BatchThreads {
  readonly #places: Map<string, ThreadPlace>;
  readonly #counts: Map<string, number>;
  readonly #kept: LRUCache<string, number>;

  constructor(places: readonly StoredPlace[], counts: Map<string, number>, kept: LRUCache<string, number>) {
    this.#places = new Map(places.map((place) => [`${place.room} ${place.event_id}`, place]));
    this.#counts = counts;
    this.#kept = kept;
  }

  /** The thread of the next event; undefined for the main timeline. */
  place(room: number, eventId: string, content: JsonObject): ThreadPlace | undefined {
    const relation = relationOf(content);
    if (relation === undefined) return undefined;
    const place = threadOf(relation, this.#places.get(`${room} ${relation.event_id}`));
    if (place !== undefined) this.#places.set(`${room} ${eventId}`, place);
    return place;
  }

  /** The notifying events of a thread up to and with the next one. */
  count(room: number, thread: string, notifies: boolean): number {
    const key = `${room} ${thread}`;
    const count = (this.#counts.get(key) ?? 0) + Number(notifies);
    this.#counts.set(key, count);
    this.#kept.set(key, count);
    return count;
  }
}

function relationsOf(
  records: readonly OpenedRecord[],
  roomOf: (roomId: string) => number | undefined,
): readonly { readonly room: number; readonly relation: Relation }[] {
  return records.flatMap(({ key, fact }) => {
    const room = roomOf(key);
    if (fact?.type !== 'room_event' || room === undefined || !isInTimeline(fact.value)) return [];
    const relation = relationOf(parsedEvent(fact.value).pdu.content);
    return relation === undefined ? [] : [{ room, relation }];
  });
}

function columns(pairs: readonly Pair[]): readonly Buffer[] {
  return [int8Column(pairs.map(([room]) => room)), textColumn(pairs.map(([, id]) => id))];
}

import { setTimeout as sleep } from 'node:timers/promises';
import { isMilenaError } from '../../src/errors/milena-error.ts';
import type { EventLog, LogRecord, NewRecord, Offset, ReadPosition } from '../../src/log/port.ts';
import type { TopicName } from '../../src/log/topics.ts';

/** From where a reader begins that has read nothing. */
export const beginning: ReadPosition = { offset: 0, epoch: 0 };

/** A record whose value is any text: the log does not look into it. */
export function record(key: string, more: Partial<NewRecord> = {}): NewRecord {
  return { key, type: 'room_event', at: 1_700_000_000_000, value: Buffer.from(`value of ${key}`), ...more };
}

/** All valid records of a partition from a position to its present end. */
export async function readAll(
  log: EventLog,
  topic: TopicName,
  partition: number,
  from: ReadPosition = beginning,
  batchSize?: number,
): Promise<LogRecord[]> {
  const records: LogRecord[] = [];
  const to = await log.end(topic, partition);
  const options = { from, to, ...(batchSize === undefined ? {} : { batchSize }) };
  for await (const batch of log.read(topic, partition, options)) records.push(...batch.records);
  return records;
}

/** The keys of records, in order. */
export function keys(records: readonly { readonly key: string }[]): string[] {
  return records.map((each) => each.key);
}

/** The error that work ends with. */
export async function failure(work: () => Promise<unknown>): Promise<unknown> {
  try {
    await work();
  } catch (error) {
    return error;
  }
  return undefined;
}

/** The code of the catalogue that work fails with; the error itself when it is not of the catalogue. */
export async function codeOf(work: () => Promise<unknown>): Promise<unknown> {
  const error = await failure(work);
  return isMilenaError(error) ? error.code : error;
}

/** A reader that tails a partition and keeps what it saw. */
export interface Tailing {
  readonly records: LogRecord[];
  /** Where the reader stands. */
  position(): ReadPosition;
  /** Resolves when the condition holds; fails after the time given (10 s). */
  until(condition: (records: readonly LogRecord[]) => boolean, withinMs?: number): Promise<void>;
  /** Ends it. @throws what the iteration threw. */
  stop(): Promise<void>;
}

/** Begins to tail a partition. */
export function tail(
  log: EventLog,
  topic: TopicName,
  partition: number,
  from: ReadPosition = beginning,
): Tailing {
  const records: LogRecord[] = [];
  const stopping = new AbortController();
  let position = from;
  let changed = Promise.withResolvers<void>();
  const running = (async () => {
    for await (const batch of log.read(topic, partition, { from, signal: stopping.signal })) {
      records.push(...batch.records);
      position = batch.next;
      changed.resolve();
      changed = Promise.withResolvers();
    }
  })();
  running.catch(() => changed.resolve());
  return {
    records,
    position: () => position,
    async until(condition, withinMs = 10_000) {
      const deadline = performance.now() + withinMs;
      while (!condition(records)) {
        const left = deadline - performance.now();
        if (left <= 0) throw new Error(`after ${withinMs} ms the reader has ${records.length} records`);
        await Promise.race([changed.promise, sleep(left, undefined, { ref: false })]);
      }
    },
    async stop() {
      stopping.abort();
      await running;
    },
  };
}

/** Where a claim of this epoch lets its owner begin: everything before it has been read. */
export function readToClaim(log: EventLog, slot: number, epoch: Offset): Promise<LogRecord[]> {
  return readBetween(log, 'rooms', slot, beginning, epoch);
}

/** Valid records of a range. */
export async function readBetween(
  log: EventLog,
  topic: TopicName,
  partition: number,
  from: ReadPosition,
  to: Offset,
): Promise<LogRecord[]> {
  const records: LogRecord[] = [];
  for await (const batch of log.read(topic, partition, { from, to })) records.push(...batch.records);
  return records;
}

/** Waits until a condition holds, looking every few milliseconds. */
export async function eventually(
  condition: () => boolean | Promise<boolean>,
  withinMs: number,
): Promise<void> {
  const deadline = performance.now() + withinMs;
  while (!(await condition())) {
    if (performance.now() > deadline) throw new Error(`it did not come about within ${withinMs} ms`);
    await sleep(5);
  }
}

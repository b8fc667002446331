import { MilenaError } from '../errors/milena-error.ts';
import type { LogRecord, NewRecord, Offset } from './port.ts';
import { type TopicName, topics } from './topics.ts';

/** The first line of an exported log. */
export interface TransferHeader {
  readonly milena: 'log';
  readonly format: 1;
  /** The generation of the log that was exported. */
  readonly generation: string;
  /** The server whose history it is; absent where the log did not know it. */
  readonly serverName?: string;
  readonly slots: number;
}

/** The last line: without it the export is not whole. */
export interface TransferEnd {
  readonly end: true;
  readonly records: number;
  /** SHA-256, in hex, of all record lines, each with its line feed. */
  readonly digest: string;
}

/** A record as a line holds it: bytes in base64, what is not there left out. */
interface TransferRecord {
  readonly topic: TopicName;
  readonly partition: number;
  readonly offset: Offset;
  readonly at: number;
  readonly key: string;
  readonly type: string;
  readonly command?: string;
  readonly part?: 'chunk' | 'closing';
  /** Null for a tombstone. */
  readonly value: string | null;
}

/** A line that was read, and where its record belongs. */
export interface Transferred {
  readonly topic: TopicName;
  readonly partition: number;
  /** With `origin` set to where it stood. */
  readonly record: NewRecord;
}

/** The line of a record, without its line feed. */
export function recordLine(record: LogRecord): string {
  const { topic, partition, offset, at, key, type, command, part, value } = record;
  const line: TransferRecord = {
    topic,
    partition,
    offset,
    at,
    key,
    type,
    ...(command === undefined ? {} : { command: base64(command) }),
    ...(part === undefined ? {} : { part }),
    value: value === null ? null : base64(value),
  };
  return JSON.stringify(line);
}

/** Reads the first line. @throws MilenaError DATA_MISMATCH when it is none of ours. */
export function parseHeader(line: string | undefined): TransferHeader {
  const header = parseLine(line ?? '', 1);
  if (header['milena'] !== 'log' || header['format'] !== 1) {
    throw new MilenaError('DATA_MISMATCH', 'This is not an exported log of a format that can be imported.');
  }
  const { generation, slots, serverName } = header;
  if (typeof generation !== 'string' || typeof slots !== 'number') throw broken(1);
  if (serverName === undefined) return { milena: 'log', format: 1, generation, slots };
  if (typeof serverName !== 'string') throw broken(1);
  return { milena: 'log', format: 1, generation, serverName, slots };
}

/** Reads any further line. @throws MilenaError DATA_MISMATCH that names the line. */
export function parseRecordOrEnd(line: string, number: number): Transferred | TransferEnd {
  const parsed = parseLine(line, number);
  const { records, digest } = parsed;
  if (parsed['end'] === true && typeof records === 'number' && typeof digest === 'string') {
    return { end: true, records, digest };
  }
  if (!isRecord(parsed)) throw broken(number);
  const { topic, partition, offset, at, key, type, command, part, value } = parsed;
  const record: NewRecord = {
    key,
    type,
    at,
    origin: offset,
    value: value === null ? null : Buffer.from(value, 'base64'),
    ...(command === undefined ? {} : { command: Buffer.from(command, 'base64') }),
    ...(part === undefined ? {} : { part }),
  };
  return { topic, partition, record };
}

function isRecord(
  line: Readonly<Record<string, unknown>>,
): line is Readonly<Record<string, unknown>> & TransferRecord {
  const { topic, partition, offset, at, key, type, command, part, value } = line;
  return (
    typeof topic === 'string' &&
    Object.hasOwn(topics, topic) &&
    [partition, offset, at].every((number) => Number.isSafeInteger(number)) &&
    typeof key === 'string' &&
    typeof type === 'string' &&
    (command === undefined || typeof command === 'string') &&
    (part === undefined || part === 'chunk' || part === 'closing') &&
    (value === null || typeof value === 'string')
  );
}

function parseLine(line: string, number: number): Readonly<Record<string, unknown>> {
  let parsed: unknown;
  try {
    parsed = JSON.parse(line);
  } catch {
    throw broken(number);
  }
  if (typeof parsed !== 'object' || parsed === null) throw broken(number);
  return { ...parsed };
}

function broken(line: number): MilenaError {
  return new MilenaError('DATA_MISMATCH', `Line ${line} of the exported log is damaged.`);
}

function base64(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('base64');
}

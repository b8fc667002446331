import { createHash } from 'node:crypto';
import { MilenaError } from '../errors/milena-error.ts';
import { sizeOf } from './facts.ts';
import type { EventLog, NewRecord, Writer } from './port.ts';
import { type TopicName, topicNames, topics } from './topics.ts';
import {
  parseHeader,
  parseRecordOrEnd,
  recordLine,
  type TransferEnd,
  type TransferHeader,
  type Transferred,
} from './transfer-format.ts';

const beginning = { offset: 0, epoch: 0 };

/** Keys come first, so that whoever reads an import under way finds the keys of what it reads. */
const order: readonly TopicName[] = ['content_keys', ...topicNames.filter((name) => name !== 'content_keys')];

/** The most records in one append of an import. */
const appendRecords = 1_000;

/**
 * Exports a log as lines of JSON (`transfer-format.ts`), without line feeds: all valid records up to the ends
 * that the partitions have now. The log may be written meanwhile. Contents stay sealed: the master key is
 * needed beside the file.
 */
export async function* exportLog(log: EventLog): AsyncIterable<string> {
  const { generation, serverName, slots } = log;
  const named = serverName === undefined ? {} : { serverName };
  const header: TransferHeader = { milena: 'log', format: 1, generation, ...named, slots };
  yield JSON.stringify(header);
  const ends = new Map<TopicName, readonly number[]>();
  // The ends of the keys are taken last, for a key stands on the log before what it seals.
  for (const topic of order.toReversed()) ends.set(topic, await log.ends(topic));
  const digest = createHash('sha256');
  let records = 0;
  for (const topic of order) {
    for (const [partition, to] of (ends.get(topic) ?? []).entries()) {
      for await (const batch of log.read(topic, partition, { from: beginning, to })) {
        for (const record of batch.records) {
          const line = recordLine(record);
          digest.update(line).update('\n');
          records++;
          yield line;
        }
      }
    }
  }
  const end: TransferEnd = { end: true, records, digest: digest.digest('hex') };
  yield JSON.stringify(end);
}

/**
 * Imports exported lines into an empty log. Records keep their partition, order, time, command and value; their
 * old offset becomes their `origin`. The log must not be served meanwhile: every slot is claimed.
 * @param progress called now and then with the number of records imported so far.
 * @returns how many records were imported.
 * From before the first record until the end was found to fit, the log can be opened by nobody: what an import
 * that failed or was killed has left is never served.
 * @throws MilenaError DATA_MISMATCH: the log is not empty, has other slots or is another server's (nothing was
 *   written), or the lines are damaged or not whole (what was written is to be thrown away).
 */
export async function importLog(
  log: EventLog,
  lines: AsyncIterable<string>,
  progress: (records: number) => void = () => undefined,
): Promise<number> {
  const digest = createHash('sha256');
  const importing = new Importing(log);
  let number = 0;
  let records = 0;
  let end: TransferEnd | undefined;
  for await (const line of lines) {
    number++;
    if (number === 1) {
      await refuseUnfit(log, parseHeader(line));
      await log.beginImport();
    } else if (line !== '') {
      if (end !== undefined)
        throw new MilenaError('DATA_MISMATCH', 'The exported log goes on after its end.');
      const parsed = parseRecordOrEnd(line, number);
      if ('end' in parsed) {
        end = parsed;
      } else {
        digest.update(line).update('\n');
        records++;
        if (await importing.add(parsed)) progress(records);
      }
    }
  }
  if (number === 0) parseHeader(undefined);
  await importing.finish();
  progress(records);
  if (end?.records !== records || end.digest !== digest.digest('hex')) {
    throw new MilenaError(
      'DATA_MISMATCH',
      'The exported log is not whole: its end does not fit its records.',
    );
  }
  await log.endImport();
  return records;
}

async function refuseUnfit(log: EventLog, header: TransferHeader): Promise<void> {
  if (header.slots !== log.slots) {
    const message = `The exported log has ${header.slots} slots, this one ${log.slots}.`;
    throw new MilenaError('DATA_MISMATCH', message);
  }
  if (
    header.serverName !== undefined &&
    log.serverName !== undefined &&
    header.serverName !== log.serverName
  ) {
    throw new MilenaError(
      'DATA_MISMATCH',
      `The exported log is of the server "${header.serverName}", this one is of "${log.serverName}". The way out: ` +
        `set MILENA_SERVER_NAME=${header.serverName} and import into a new log (and a new data folder).`,
    );
  }
  for (const topic of topicNames) {
    for (const [partition, to] of (await log.ends(topic)).entries()) {
      for await (const batch of log.read(topic, partition, { from: beginning, to })) {
        if (batch.records.length === 0) continue;
        throw new MilenaError(
          'DATA_MISMATCH',
          'The log is not empty: it can only be imported into a new one.',
        );
      }
    }
  }
}

/** Gathers records of one partition into appends. */
class Importing {
  readonly #log: EventLog;
  readonly #writers = new Map<number, Writer>();
  #records: NewRecord[] = [];
  #bytes = 0;
  #topic: TopicName = 'content_keys';
  #partition = 0;

  constructor(log: EventLog) {
    this.#log = log;
  }

  /** @returns whether something was appended. */
  async add({ topic, partition, record }: Transferred): Promise<boolean> {
    const size = sizeOf(record);
    const elsewhere = topic !== this.#topic || partition !== this.#partition;
    const full = this.#records.length >= appendRecords || this.#bytes + size > this.#log.maxAppendBytes;
    const flush = this.#records.length > 0 && (elsewhere || full);
    if (flush) await this.#append();
    this.#topic = topic;
    this.#partition = partition;
    this.#records.push(record);
    this.#bytes += size;
    return flush;
  }

  async finish(): Promise<void> {
    if (this.#records.length > 0) await this.#append();
    for (const writer of this.#writers.values()) await writer.close();
  }

  async #append(): Promise<void> {
    if (topics[this.#topic].writer === 'any') {
      await this.#log.publish(this.#topic, this.#partition, this.#records);
    } else {
      const writer = this.#writers.get(this.#partition) ?? (await this.#log.claim(this.#partition));
      this.#writers.set(this.#partition, writer);
      await writer.append(this.#topic, this.#records);
    }
    this.#records = [];
    this.#bytes = 0;
  }
}

import { MilenaError } from '../errors/milena-error.ts';
import { checkAppend } from './check-append.ts';
import type { EventLog, LogBatch, LogRecord, NewRecord, Offset, ReadOptions, Writer } from './port.ts';
import { ownedTopics, type TopicName } from './topics.ts';
import { voidFilter } from './void-filter.ts';

/** A log in memory, for tests of what stands on the port. It has no settlement of slots and does not tail. */
export class MemoryLog implements EventLog {
  readonly adapter = 'postgres';
  readonly generation = 'memory';
  readonly serverName = undefined;
  readonly slots: number;
  readonly maxAppendBytes: number;
  /** Everything appended, by `topic/partition`. */
  readonly stored = new Map<string, LogRecord[]>();
  /** Each append: topic and number of records. */
  readonly appends: { readonly topic: TopicName; readonly records: number }[] = [];
  /** Called before each append; it may throw, or let the test wait. */
  before: (topic: TopicName, records: readonly NewRecord[]) => void | Promise<void> = () => undefined;
  readonly #epochs = new Map<number, number>();
  #master: string | undefined;

  constructor(options: { readonly slots?: number; readonly maxAppendBytes?: number } = {}) {
    this.slots = options.slots ?? 2;
    this.maxAppendBytes = options.maxAppendBytes ?? 1024 * 1024;
  }

  async claim(slot: number): Promise<Writer> {
    const epoch = this.#partition('rooms', slot).length + 1;
    this.#epochs.set(slot, epoch);
    const claim = { key: 'claim', type: 'claim', at: 0, value: null };
    for (const topic of ownedTopics) this.#store(topic, slot, epoch, [claim]);
    return {
      slot,
      epoch,
      append: async (topic, records) => {
        checkAppend(topic, records, 'owner', this.maxAppendBytes);
        await this.before(topic, records);
        if (this.#epochs.get(slot) !== epoch) throw new MilenaError('FENCED');
        this.appends.push({ topic, records: records.length });
        return this.#store(topic, slot, epoch, records);
      },
      close: () => Promise.resolve(),
    };
  }

  async publish(
    topic: TopicName,
    partition: number,
    records: readonly NewRecord[],
  ): Promise<readonly Offset[]> {
    checkAppend(topic, records, 'any', this.maxAppendBytes);
    return this.#store(topic, partition, 0, records);
  }

  async *read(topic: TopicName, partition: number, options: ReadOptions): AsyncIterable<LogBatch> {
    const filter = voidFilter(options.from);
    const all = [...this.#partition(topic, partition)];
    const wanted = all.filter(
      ({ offset }) => offset >= options.from.offset && offset < (options.to ?? Infinity),
    );
    const size = options.batchSize ?? 2_000;
    for (let from = 0; from < wanted.length; from += size) {
      yield { topic, partition, ...filter.take(wanted.slice(from, from + size)) };
    }
  }

  async end(topic: TopicName, partition: number): Promise<Offset> {
    return this.#partition(topic, partition).length + 1;
  }

  async ends(topic: TopicName): Promise<readonly Offset[]> {
    return Promise.all(Array.from({ length: this.slots }, (_, partition) => this.end(topic, partition)));
  }

  async compact(): Promise<void> {}

  async beginImport(): Promise<void> {}

  async endImport(): Promise<void> {}

  async noteMaster(id?: string): Promise<string | undefined> {
    this.#master ??= id;
    return this.#master;
  }

  assignment(): never {
    throw new Error('a log in memory settles no slots');
  }

  async close(): Promise<void> {}

  #partition(topic: TopicName, partition: number): LogRecord[] {
    const name = `${topic}/${partition}`;
    const records = this.stored.get(name) ?? [];
    this.stored.set(name, records);
    return records;
  }

  #store(
    topic: TopicName,
    partition: number,
    epoch: number,
    records: readonly NewRecord[],
  ): readonly Offset[] {
    const stored = this.#partition(topic, partition);
    return records.map((record) => {
      const offset = stored.length + 1;
      stored.push({ ...record, topic, partition, epoch, offset });
      return offset;
    });
  }
}

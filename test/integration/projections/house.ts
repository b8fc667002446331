import { randomBytes } from 'node:crypto';
import type { ReadModel } from '../../../projections/framework/model.ts';
import { Projections } from '../../../projections/framework/projections.ts';
import { type Codec, createCodec } from '../../../src/log/codec.ts';
import type { FactReaderParts } from '../../../src/log/fact-reader.ts';
import { type AnyNewFact, FactWriter } from '../../../src/log/fact-writer.ts';
import type { EventLog, NewRecord, Offset } from '../../../src/log/port.ts';
import { createPostgresLog } from '../../../src/log/postgres/postgres-log.ts';
import { ContentKeys } from '../../../src/log/sealing/content-keys.ts';
import { type MasterKey, masterKey } from '../../../src/log/sealing/master-key.ts';
import { slotOf } from '../../../src/log/slot.ts';
import type { TopicName } from '../../../src/log/topics.ts';
import type { TestPostgres } from '../../support/postgres.ts';

/** A log in a database of its own, with a writer for every slot, and models over it. */
export class House implements AsyncDisposable {
  readonly url: string;
  readonly log: EventLog;
  readonly codec: Codec;
  readonly keys: ContentKeys;
  readonly #writers: readonly FactWriter[];
  readonly #opened = new AsyncDisposableStack();

  private constructor(
    url: string,
    log: EventLog,
    parts: { readonly codec: Codec; readonly keys: ContentKeys },
    writers: readonly FactWriter[],
  ) {
    this.url = url;
    this.log = log;
    this.codec = parts.codec;
    this.keys = parts.keys;
    this.#writers = writers;
    this.#opened.defer(() => log.close());
  }

  /** Makes the database, the log and its claims. */
  static async make(server: TestPostgres, name: string, slots = 4): Promise<House> {
    const url = await server.createDatabase(name);
    const log = await createPostgresLog({ connection: url, slots });
    const codec = createCodec();
    const master: MasterKey = masterKey(randomBytes(32));
    const keys = new ContentKeys(log, codec, master);
    const parts = { log, codec, keys, master };
    const writers: FactWriter[] = [];
    for (let slot = 0; slot < slots; slot++) writers.push(new FactWriter(await log.claim(slot), parts));
    return new House(url, log, parts, writers);
  }

  /** What readers of the log need. */
  get parts(): FactReaderParts {
    const { log, codec, keys } = this;
    return { log, codec, keys };
  }

  /** Appends facts about one subject (a room, a user, an alias) to its partition. @returns the last offset. */
  async append(topic: TopicName, subject: string, facts: readonly AnyNewFact[]): Promise<Offset> {
    const writer = this.#writers[slotOf(subject, this.log.slots)];
    const appended = await writer?.append(topic, facts);
    return appended?.at(-1)?.offset ?? 0;
  }

  /** Appends a record as it is, well-formed or not. */
  async appendRaw(topic: TopicName, subject: string, record: NewRecord): Promise<Offset> {
    const writer = this.#writers[slotOf(subject, this.log.slots)]?.writer;
    return (await writer?.append(topic, [record]))?.[0] ?? 0;
  }

  /** Erases the content of a record that stands at an offset. */
  async erase(topic: TopicName, subject: string, offset: Offset): Promise<void> {
    const slot = slotOf(subject, this.log.slots);
    const from = { offset, epoch: 0 };
    for await (const batch of this.log.read(topic, slot, { from, to: offset + 1 })) {
      for (const record of batch.records) await this.#writers[slot]?.eraseRecord(record, Date.now());
    }
  }

  /** Opens models over the log, as a process of its own would; with projectors unless told otherwise. */
  async open(
    models: readonly ReadModel[],
    options: { readonly project?: boolean } = {},
  ): Promise<Projections> {
    const projections = await Projections.open({
      database: { connection: { connectionString: this.url } },
      log: this.parts,
      models,
    });
    this.#opened.use(projections);
    await projections.start({ project: options.project ?? true });
    return projections;
  }

  /** Waits until models have applied all that the log holds. */
  async caughtUp(projections: Projections, timeoutMs = 90_000): Promise<void> {
    for (const model of projections.models) {
      for (const topic of model.topics) {
        for (const [partition, end] of (await this.log.ends(topic)).entries()) {
          const { positions } = projections;
          const done = await positions.waitFor(model.name, topic, partition, end - 1, timeoutMs);
          if (!done) throw new Error(`${model.name} does not get to ${end} of ${topic}/${partition}`);
        }
      }
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#opened.disposeAsync();
  }
}

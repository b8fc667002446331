import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { createCodec, currentSchemas } from '../../src/log/codec.ts';
import { type AnyNewFact, FactWriter } from '../../src/log/fact-writer.ts';
import type { EventLog } from '../../src/log/port.ts';
import { createPostgresLog } from '../../src/log/postgres/postgres-log.ts';
import type { RecordType } from '../../src/log/records.ts';
import { schemaKey } from '../../src/log/schema-records.ts';
import { ContentKeys } from '../../src/log/sealing/content-keys.ts';
import { masterKey } from '../../src/log/sealing/master-key.ts';
import { slotOf } from '../../src/log/slot.ts';
import type { TopicName } from '../../src/log/topics.ts';

/** What a newer Milena writes with: the schema of one record type has a field more, which nobody here knows. */
export interface NewerSchema {
  readonly type: RecordType;
  readonly text: string;
  readonly fingerprint: string;
}

/** The schema of a type as newer software has it: with a text at its end. */
export function newerSchemaOf(type: RecordType): NewerSchema {
  const present = currentSchemas.find(({ name }) => name === type);
  const schema = JSON.parse(present?.schema ?? '{}');
  schema.fields.push({ name: 'mood', type: 'string', default: '', doc: 'What newer software adds.' });
  const text = JSON.stringify(schema);
  return { type, text, fingerprint: createCodec().learn(text) };
}

/**
 * Writes on the log of a stopped server, as an owner of newer software: its facts are sealed with the server's
 * own key. Every slot that is written to is claimed, once.
 */
export class NewerSoftware implements AsyncDisposable {
  readonly schema: NewerSchema;
  readonly #log: EventLog;
  readonly #plain: (slot: number) => Promise<FactWriter>;
  readonly #newer: (slot: number) => Promise<FactWriter>;

  private constructor(schema: NewerSchema, log: EventLog, master: Uint8Array) {
    this.schema = schema;
    this.#log = log;
    const codec = createCodec();
    const key = masterKey(master);
    const keys = new ContentKeys(log, codec, key);
    const encodeNewer: typeof codec.encode = (type, value) => {
      const bytes = codec.encode(type, value);
      return type === schema.type ? newerBytes(bytes, schema.fingerprint) : bytes;
    };
    const writers = (encode: typeof codec.encode) => async (slot: number) =>
      new FactWriter(await log.claim(slot), { log, codec: { ...codec, encode }, keys, master: key });
    this.#plain = writers(codec.encode);
    this.#newer = writers(encodeNewer);
  }

  /** @param dataDir the server's folder, for its key. @param url the Postgres of its log. */
  static async open(type: RecordType, url: string, dataDir: string): Promise<NewerSoftware> {
    const master = Buffer.from(readFileSync(join(dataDir, 'master.key'), 'utf8'), 'base64');
    const log = await createPostgresLog({ connection: url, slots: 8 });
    return new NewerSoftware(newerSchemaOf(type), log, master);
  }

  /** Appends facts as this version writes them. */
  async append(topic: TopicName, subject: string, facts: readonly AnyNewFact[]): Promise<void> {
    await (await this.#plain(slotOf(subject, this.#log.slots))).append(topic, facts);
  }

  /** Appends facts under the newer schema. */
  async appendNewer(topic: TopicName, subject: string, facts: readonly AnyNewFact[]): Promise<void> {
    await (await this.#newer(slotOf(subject, this.#log.slots))).append(topic, facts);
  }

  /** Puts the newer schema on the log, as every owner does at its claim. */
  async putSchema(): Promise<void> {
    const { type: name, text, fingerprint } = this.schema;
    const key = schemaKey(fingerprint);
    const value = { fingerprint, name, schema: text };
    await this.append('server', key, [{ key, type: 'schema', at: Date.now(), value }]);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#log.close();
  }
}

/** The bytes of a record with the newer schema's fingerprint and its field, a text, at the end. */
function newerBytes(bytes: Buffer, fingerprint: string): Buffer {
  const newer = Buffer.concat([bytes, Buffer.from([8]), Buffer.from('glad')]);
  Buffer.from(fingerprint, 'hex').reverse().copy(newer, 2);
  return newer;
}

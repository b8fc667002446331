import { type Codec, type CurrentSchema, currentSchemas } from './codec.ts';
import type { NewFact } from './fact-writer.ts';
import type { EventLog } from './port.ts';
import { slotOf } from './slot.ts';

/** How long a fingerprint that the log does not explain is not looked for again, in milliseconds. */
const lookAgainMs = 10_000;

/** The key of a schema's record on `server`; the partition is the key's slot. */
export function schemaKey(fingerprint: string): string {
  return `schema/${fingerprint}`;
}

/**
 * The `schema` records that a slot's owner has to append, so that the log explains what this software writes:
 * the schemas whose key is of the slot and which are not on the log. Where they are all there, they stand at
 * the beginning, so this reads little; after an upgrade that changed a schema of the slot it reads the
 * partition once. It need not be awaited before the slot is served.
 */
export async function missingSchemas(
  log: EventLog,
  slot: number,
  at: number,
): Promise<readonly NewFact<'schema'>[]> {
  const mine = currentSchemas.filter((schema) => slotOf(schemaKey(schema.fingerprint), log.slots) === slot);
  const missing = new Map(mine.map((schema) => [schemaKey(schema.fingerprint), schema]));
  if (missing.size > 0) {
    for await (const record of schemaRecords(log, slot)) {
      missing.delete(record.key);
      if (missing.size === 0) break;
    }
  }
  return [...missing].map(([key, schema]) => schemaFact(key, schema, at));
}

function schemaFact(
  key: string,
  { fingerprint, name, schema }: CurrentSchema,
  at: number,
): NewFact<'schema'> {
  return { key, type: 'schema', at, value: { fingerprint, name, schema } };
}

/** Looks up on the log the schemas that a codec does not know. */
export class SchemaLookup {
  readonly #log: EventLog;
  readonly #codec: Codec;
  readonly #looked = new Map<string, { readonly at: number; readonly found: Promise<boolean> }>();

  constructor(log: EventLog, codec: Codec) {
    this.#log = log;
    this.#codec = codec;
  }

  /**
   * Makes the schema behind a fingerprint known to the codec.
   * @returns whether it is known now.
   * @throws MilenaError BAD_RECORD when it is of a type that this software does not know; LOG_UNAVAILABLE.
   */
  async learn(fingerprint: string): Promise<boolean> {
    if (this.#codec.knows(fingerprint)) return true;
    const before = this.#looked.get(fingerprint);
    if (before !== undefined && performance.now() - before.at < lookAgainMs) return before.found;
    const found = this.#look(fingerprint);
    this.#looked.set(fingerprint, { at: performance.now(), found });
    return found;
  }

  async #look(fingerprint: string): Promise<boolean> {
    const key = schemaKey(fingerprint);
    for await (const record of schemaRecords(this.#log, slotOf(key, this.#log.slots))) {
      if (record.key !== key || record.value === null) continue;
      const fact = this.#codec.decode(record.value);
      if (fact.type === 'schema') this.#codec.learn(fact.value.schema);
      break;
    }
    return this.#codec.knows(fingerprint);
  }
}

async function* schemaRecords(log: EventLog, slot: number) {
  const to = await log.end('server', slot);
  for await (const batch of log.read('server', slot, { from: { offset: 0, epoch: 0 }, to })) {
    for (const record of batch.records) if (record.type === 'schema') yield record;
  }
}

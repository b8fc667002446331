import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { describe, test } from 'node:test';
import { createCodec, currentSchemas } from './codec.ts';
import { readFacts } from './fact-reader.ts';
import { FactWriter } from './fact-writer.ts';
import { MemoryLog } from './memory-log.fixture.ts';
import { missingSchemas, SchemaLookup, schemaKey } from './schema-records.ts';
import { ContentKeys } from './sealing/content-keys.ts';
import { masterKey } from './sealing/master-key.ts';
import { slotOf } from './slot.ts';

const from = { offset: 0, epoch: 0 };

async function house() {
  const log = new MemoryLog({ slots: 4 });
  const codec = createCodec();
  const master = masterKey(randomBytes(32));
  const parts = { log, codec, keys: new ContentKeys(log, codec, master), master };
  return { ...parts, writer: async (slot: number) => new FactWriter(await log.claim(slot), parts) };
}

describe('schemas on the log', () => {
  test('the owners of all slots together write every schema once', async () => {
    const { log, writer } = await house();
    for (let round = 0; round < 2; round++) {
      for (let slot = 0; slot < log.slots; slot++) {
        const facts = await missingSchemas(log, slot, 1);
        if (round === 1) assert.deepEqual(facts, []);
        await (await writer(slot)).append('server', facts);
      }
    }
    const stored = Array.from(
      { length: log.slots },
      (_, slot) => log.stored.get(`server/${slot}`) ?? [],
    ).flat();
    const keys = stored.filter((record) => record.type === 'schema').map((record) => record.key);
    assert.deepEqual(keys.sort(), currentSchemas.map(({ fingerprint }) => schemaKey(fingerprint)).sort());
  });

  test('a record of a schema that only newer software knows is read, once its schema is on the log', async () => {
    const { log, codec, keys, writer } = await house();
    const present = currentSchemas.find(({ name }) => name === 'alias_removed');
    const schema = JSON.parse(present?.schema ?? '{}');
    schema.fields.push({ name: 'note', type: 'string', default: '', doc: 'New.' });
    const newer = JSON.stringify(schema);
    const fingerprint = createCodec().learn(newer);
    const slot = slotOf(schemaKey(fingerprint), log.slots);
    const value = Buffer.concat([
      codec.encode('alias_removed', { actor: 'saga' }),
      Buffer.from([4, 104, 105]),
    ]);
    Buffer.from(fingerprint, 'hex').reverse().copy(value, 2);
    const one = await writer(slot);
    await one.writer.append('users', [{ key: '#a:x', type: 'alias_removed', at: 1, value }]);
    const codes = async (schemas?: SchemaLookup) => {
      const parts = { log, codec, keys, ...(schemas === undefined ? {} : { schemas }) };
      const seen: unknown[] = [];
      for await (const { facts } of readFacts(parts, 'users', slot, { from })) {
        seen.push(...facts.map(({ fact, error }) => error?.code ?? fact?.type));
      }
      return seen;
    };
    assert.deepEqual(await codes(), ['BAD_RECORD']);
    assert.deepEqual(await codes(new SchemaLookup(log, codec)), ['BAD_RECORD']);
    const fact = { fingerprint, name: 'alias_removed', schema: newer };
    await one.append('server', [{ key: schemaKey(fingerprint), type: 'schema', at: 1, value: fact }]);
    assert.deepEqual(await codes(new SchemaLookup(log, codec)), ['alias_removed']);
  });
});

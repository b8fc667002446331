import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { isMilenaError } from '../errors/milena-error.ts';
import { createCodec, currentSchemas, fingerprintIn } from './codec.ts';
import { fingerprintName, fingerprintOf } from './fingerprint.ts';

const typing = { room_id: '!a', user_id: '@b', typing: true, until: 12 };

/** The schema of `typing` as another version of the software might have it. */
function otherTyping(change: (schema: { fields: object[]; name: string }) => void): string {
  const text = currentSchemas.find((schema) => schema.name === 'typing')?.schema;
  const schema = JSON.parse(text ?? '{}');
  change(schema);
  return JSON.stringify(schema);
}

describe('codec', () => {
  test('fingerprints are those of the Avro specification', () => {
    assert.equal(fingerprintName(fingerprintOf('"int"')), '7275d51a3f395c8f');
    assert.equal(fingerprintName(fingerprintOf('"string"')), '8f014872634503c7');
    assert.equal(fingerprintName(fingerprintOf('"null"')), '63dd24e7cc258f8a');
  });

  test('values come back as they were: numbers, bytes, nulls, nested records', () => {
    const codec = createCodec();
    const content = fc.record({
      user_id: fc.string({ unit: 'binary' }),
      room_id: fc.option(fc.string()),
      type: fc.string(),
      sealed: fc.record({
        block: fc.string(),
        leaf: fc.integer({ min: 0, max: 1023 }),
        nonce: fc.uint8Array({ minLength: 12, maxLength: 12 }).map((bytes) => Buffer.from(bytes)),
        box: fc.uint8Array({ maxLength: 5_000 }).map((bytes) => Buffer.from(bytes)),
      }),
    });
    fc.assert(
      fc.property(content, (value) => {
        const fact = codec.decode(codec.encode('account_data_set', value));
        assert.equal(fact.type, 'account_data_set');
        assert.deepEqual(
          { ...fact.value, sealed: { ...sealedOf(fact.value) } },
          { ...value, sealed: { ...value.sealed } },
        );
      }),
    );
  });

  test('a value larger than the scratch buffer is encoded whole', () => {
    const codec = createCodec();
    const value = { ...typing, room_id: '!'.repeat(300_000) };
    assert.deepEqual({ ...codec.decode(codec.encode('typing', value)).value }, value);
  });

  test('bytes carry the fingerprint of their schema', () => {
    const codec = createCodec();
    const bytes = codec.encode('typing', typing);
    assert.equal(bytes.subarray(0, 2).toString('hex'), 'c301');
    assert.equal(fingerprintIn(bytes), currentSchemas.find(({ name }) => name === 'typing')?.fingerprint);
    assert.equal(fingerprintIn(Buffer.from('{"json":true}')), undefined);
  });

  test('a value that does not fit is refused, and the error names the place but not the value', () => {
    const codec = createCodec();
    // The point is a value of the wrong type.
    const wrong = { ...typing, until: 'a secret' } as unknown as typeof typing;
    assert.throws(
      () => codec.encode('typing', wrong),
      (error) =>
        isMilenaError(error, 'BAD_RECORD') &&
        error.facts.log?.['path'] === 'until' &&
        !JSON.stringify([error, error.message, error.cause]).includes('secret'),
    );
  });

  test('no bytes make it fail otherwise than with BAD_RECORD', () => {
    const codec = createCodec();
    const good = codec.encode('typing', typing);
    const damaged = fc.oneof(
      fc.uint8Array({ maxLength: 40 }),
      fc.nat(good.length - 1).map((length) => good.subarray(0, length)),
      fc.uint8Array({ minLength: 1, maxLength: 3 }).map((more) => Buffer.concat([good, more])),
    );
    fc.assert(
      fc.property(damaged, (bytes) => {
        assert.throws(
          () => codec.decode(bytes),
          (error) => isMilenaError(error, 'BAD_RECORD'),
        );
      }),
    );
  });

  test('records of an older version are read in the present shape', () => {
    const codec = createCodec();
    const older = otherTyping((schema) => schema.fields.push({ name: 'gone', type: 'string', doc: 'Once.' }));
    const bytes = Buffer.concat([
      codec.encode('typing', typing),
      Buffer.from([4, 104, 105]), // "hi", the older version's last field
    ]);
    const fingerprint = codec.learn(older);
    Buffer.from(fingerprint, 'hex').reverse().copy(bytes, 2);
    assert.ok(codec.knows(fingerprint));
    assert.deepEqual({ ...codec.decode(bytes).value }, typing);
  });

  test('an unknown schema is named by its fingerprint, and what is no schema of ours is not learned', () => {
    const codec = createCodec();
    const bytes = codec.encode('typing', typing);
    bytes.writeBigUInt64LE(0x0123456789abcdefn, 2);
    assert.throws(
      () => codec.decode(bytes),
      (error) =>
        isMilenaError(error, 'BAD_RECORD') && error.facts.log?.['fingerprint'] === '0123456789abcdef',
    );
    const unfit = otherTyping((schema) => schema.fields.splice(0, 1));
    const unknown = otherTyping((schema) => {
      schema.name = 'from_the_future';
    });
    for (const schema of ['{', '"string"', unfit, unknown]) {
      assert.throws(
        () => codec.learn(schema),
        (error) => isMilenaError(error, 'BAD_RECORD'),
      );
    }
  });
});

/** A decoded `sealed` without the class that avsc gives it. */
function sealedOf(value: object): object {
  return 'sealed' in value && typeof value.sealed === 'object' ? { ...value.sealed } : {};
}

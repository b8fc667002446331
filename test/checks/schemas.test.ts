import assert from 'node:assert/strict';
import { readdirSync } from 'node:fs';
import { describe, test } from 'node:test';
import { createCodec, currentSchemas, parseSchema } from '../../src/log/codec.ts';
import type { RecordType } from '../../src/log/records.ts';
import { goldenFiles, samples } from '../contract/golden.ts';
import { incompatibilities } from './schema-change.ts';
import { namedTypes, shapeOfSchema, shapesOfRecords } from './schema-shape.ts';

const golden = goldenFiles();

describe('schemas', () => {
  test('every type, field and enum is documented', () => {
    for (const { name, schema } of currentSchemas) {
      for (const [type, { doc, fields, type: kind }] of namedTypes(JSON.parse(schema))) {
        if (kind === 'record') assert.ok((doc ?? '').length > 5, `${name}: ${type} has no doc`);
        for (const field of fields ?? []) {
          assert.ok((field.doc ?? '').length > 3, `${name}: ${type}.${field.name} has no doc`);
        }
      }
    }
  });

  test('a schema is named after its file, in the namespace milena', () => {
    const files = readdirSync(new URL('../../schemas/', import.meta.url)).sort();
    assert.deepEqual(files, currentSchemas.map(({ name }) => `${name}.avsc`).sort());
    for (const { name, schema } of currentSchemas) assert.equal(parseSchema(schema).name, `milena.${name}`);
  });

  test('each has an interface of the same shape in records.ts, and the other way round', () => {
    const interfaces = shapesOfRecords();
    const schemas = new Map<string, string>(
      currentSchemas.map(({ name, schema }) => [name, shapeOfSchema(JSON.parse(schema))]),
    );
    assert.deepEqual([...interfaces.keys()].sort(), [...schemas.keys()].sort());
    for (const [name, shape] of schemas) assert.equal(interfaces.get(name), shape, name);
  });

  test('a type that several schemas hold is the same in all', () => {
    const seen = new Map<string, string>();
    for (const { name, schema } of currentSchemas) {
      for (const [type, definition] of namedTypes(JSON.parse(schema))) {
        const text = JSON.stringify(definition);
        assert.equal(seen.get(type) ?? text, text, `${type} differs in ${name}`);
        seen.set(type, text);
      }
    }
  });
});

describe('changes of schemas', () => {
  test('each present schema has its golden file (test/contract/write-golden.ts makes missing ones)', () => {
    const files = new Set(golden.map(({ type, fingerprint }) => `${type}.${fingerprint}`));
    for (const { name, fingerprint } of currentSchemas) assert.ok(files.has(`${name}.${fingerprint}`), name);
  });

  test('no present schema is incompatible with any version that there ever was', () => {
    const present = new Map<string, string>(currentSchemas.map(({ name, schema }) => [name, schema]));
    for (const { file, type, schema } of golden) {
      const now = present.get(type);
      assert.ok(now !== undefined, `the record type ${type} has vanished`);
      assert.deepEqual(incompatibilities(schema, now), [], file);
    }
  });

  test('golden bytes decode to their values, whichever version wrote them', () => {
    const codec = createCodec();
    for (const { file, schema, fingerprint, type, value, bytes } of golden) {
      assert.equal(codec.learn(schema), fingerprint, file);
      const fact = codec.decode(bytes);
      assert.equal(fact.type, type);
      assert.partialDeepStrictEqual(plain(fact.value), plain(value), file);
    }
  });

  test('present values encode to exactly the golden bytes', () => {
    const codec = createCodec();
    const current = new Map<string, RecordType>(
      currentSchemas.map(({ name, fingerprint }) => [fingerprint, name]),
    );
    for (const { file, fingerprint, bytes } of golden) {
      const name = current.get(fingerprint);
      if (name !== undefined) assert.deepEqual(codec.encode(name, samples[name]), bytes, file);
    }
  });

  const schema = (fields: unknown) =>
    JSON.stringify({ type: 'record', name: 'thing', namespace: 'milena', fields });
  const a = { name: 'a', type: 'string' };
  const kind = (...symbols: string[]) => ({ name: 'kind', type: { type: 'enum', name: 'kind', symbols } });
  const before = schema([a, kind('x', 'y')]);
  for (const [change, after] of Object.entries({
    'a field that vanishes': schema([kind('x', 'y')]),
    'a field that is renamed': schema([{ name: 'b', type: 'string', default: '' }, kind('x', 'y')]),
    'a new field without a default': schema([a, { name: 'b', type: 'string' }, kind('x', 'y')]),
    'another type of a field': schema([{ name: 'a', type: 'long' }, kind('x', 'y')]),
    'a field that may now be null': schema([{ name: 'a', type: ['null', 'string'] }, kind('x', 'y')]),
    'a symbol that vanishes': schema([a, kind('x')]),
  })) {
    test(`refused: ${change}`, () => assert.notDeepEqual(incompatibilities(before, after), []));
  }
  for (const [change, after] of Object.entries({
    documentation: schema([{ ...a, doc: 'What it is.' }, kind('x', 'y')]),
    'a new field with a default': schema([a, { name: 'b', type: 'string', default: '' }, kind('x', 'y')]),
    'a new symbol': schema([a, kind('x', 'y', 'z')]),
  })) {
    test(`allowed: ${change}`, () => assert.deepEqual(incompatibilities(before, after), []));
  }
});

/** Values without the classes that avsc gives to records. */
function plain(value: unknown): unknown {
  return JSON.parse(JSON.stringify(value));
}

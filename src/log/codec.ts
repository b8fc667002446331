import avro from 'avsc';
import { MilenaError } from '../errors/milena-error.ts';
import { fingerprintName, fingerprintOf } from './fingerprint.ts';
import type { Records, RecordType } from './records.ts';
import { schemaTexts } from './schema-files.ts';

/** Sealed content as it stands in a record: see `schemas/room_event.avsc` and `sealing/`. */
export interface Sealed {
  readonly block: string;
  readonly leaf: number;
  readonly nonce: Uint8Array;
  readonly box: Uint8Array;
}

/** A record type's value as it is stored: `sealed` is not opened. */
export type Stored<T extends RecordType> = {
  readonly [K in keyof Records[T]]: K extends 'sealed' ? Sealed | null : Records[T][K];
};

/** A decoded record whose `sealed` is not opened. A union that `switch (fact.type)` narrows. */
export type StoredFact = {
  [T in RecordType]: { readonly type: T; readonly value: Stored<T> };
}[RecordType];

/** How records are written and read: Avro, single-object encoding. */
export interface Codec {
  /**
   * Encodes a value: C3 01, the fingerprint of the type's schema, the Avro body.
   * @throws MilenaError BAD_RECORD when the value does not fit the schema; it names the place, never the value.
   */
  encode<T extends RecordType>(type: T, value: Stored<T>): Buffer;
  /**
   * Decodes bytes written under any schema that this codec knows, into the shape of the present schema.
   * @throws MilenaError BAD_RECORD when they are not such bytes; `facts.log.fingerprint` names an unknown schema.
   */
  decode(bytes: Uint8Array): StoredFact;
  /**
   * Makes a schema known, as it stands in a `schema` record (an older or a newer version of a type).
   * @returns its fingerprint's name.
   * @throws MilenaError BAD_RECORD when it is no schema, or can't be read as the present one of its name.
   */
  learn(schema: string): string;
  /** Whether bytes with this fingerprint (its name) can be decoded. */
  knows(fingerprint: string): boolean;
}

/** A schema of the software, for `schema` records. */
export interface CurrentSchema {
  readonly fingerprint: string;
  readonly name: RecordType;
  readonly schema: string;
}

const headerBytes = 10;

interface Present {
  readonly name: RecordType;
  readonly type: avro.Type;
  readonly header: Buffer;
  readonly schema: string;
}

/** How bytes of one fingerprint are read: always as the present type, through a resolver if they differ. */
interface Reading {
  readonly present: Present;
  readonly resolver?: ReturnType<avro.Type['createResolver']>;
}

const present: ReadonlyMap<RecordType, Present> = new Map(
  [...schemaTexts].map(([name, schema]) => {
    const type = parseSchema(schema);
    const header = Buffer.concat([Buffer.from([0xc3, 0x01]), fingerprintOf(canonicalForm(type))]);
    return [name, { name, type, header, schema }];
  }),
);

/** The schemas that this version of the software writes with. */
export const currentSchemas: readonly CurrentSchema[] = [...present.values()].map((entry) => ({
  fingerprint: fingerprintName(entry.header.subarray(2)),
  name: entry.name,
  schema: entry.schema,
}));

/** The Parsing Canonical Form of a schema: what its fingerprint is taken of. */
function canonicalForm(type: avro.Type): string {
  return JSON.stringify(type.schema());
}

/** The name of the fingerprint that encoded bytes carry, or undefined when they carry none. */
export function fingerprintIn(bytes: Uint8Array): string | undefined {
  const marked = bytes.length >= headerBytes && bytes[0] === 0xc3 && bytes[1] === 0x01;
  return marked ? fingerprintName(bytes.subarray(2, headerBytes)) : undefined;
}

/** Reads a schema's text. Options are made anew each time, since avsc keeps the names it meets in them. */
export function parseSchema(schema: string): avro.Type {
  return avro.Type.forSchema(JSON.parse(schema), { wrapUnions: 'never', omitRecordMethods: true });
}

/** Makes a codec that knows the schemas of this software, and more as it learns them. */
export function createCodec(): Codec {
  // Keyed by the eight bytes read as latin1: a third quicker to look up than their hex name.
  const readings = new Map<string, Reading>();
  for (const entry of present.values()) {
    readings.set(entry.header.toString('latin1', 2, headerBytes), { present: entry });
  }
  return {
    encode: encodeRecord,
    decode: (bytes) => decodeRecord(readings, bytes),
    learn(schema) {
      const type = parse(schema);
      const fingerprint = fingerprintOf(canonicalForm(type));
      const key = fingerprint.toString('latin1');
      if (!readings.has(key)) readings.set(key, readingOf(type));
      return fingerprintName(fingerprint);
    },
    knows: (fingerprint) => readings.has(Buffer.from(fingerprint, 'hex').reverse().toString('latin1')),
  };
}

/** Encoding goes through one buffer and one copy: avsc's own `toBuffer` encodes what exceeds 1 KB twice. */
const scratch = Buffer.allocUnsafeSlow(64 * 1024);

function encodeRecord<T extends RecordType>(name: T, value: Stored<T>): Buffer {
  const { type, header } = presentOf(name);
  try {
    const end = type.encode(value, scratch, headerBytes);
    if (end >= 0) {
      header.copy(scratch);
      return Buffer.from(scratch.subarray(0, end));
    }
    // A negative result says how many bytes the buffer was short of.
    const bytes = Buffer.allocUnsafe(scratch.length - end);
    header.copy(bytes);
    type.encode(value, bytes, headerBytes);
    return bytes;
  } catch {
    // avsc's error is not kept: its message holds the value.
    throw badRecord(`a ${name} does not fit its schema`, { type: name, path: misfit(type, value) });
  }
}

function decodeRecord(readings: ReadonlyMap<string, Reading>, given: Uint8Array): StoredFact {
  const bytes = Buffer.isBuffer(given)
    ? given
    : Buffer.from(given.buffer, given.byteOffset, given.byteLength);
  if (bytes.length < headerBytes || bytes[0] !== 0xc3 || bytes[1] !== 0x01) {
    throw badRecord('the value is not in single-object encoding', { bytes: bytes.length });
  }
  const reading = readings.get(bytes.toString('latin1', 2, headerBytes));
  if (reading === undefined) {
    throw badRecord('the schema of the value is not known', { fingerprint: fingerprintIn(bytes) });
  }
  const type = reading.present.name;
  let decoded: { readonly value: unknown; readonly offset: number };
  try {
    decoded = reading.present.type.decode(bytes, headerBytes, reading.resolver);
  } catch {
    throw badRecord(`a ${type} cannot be decoded`, { type });
  }
  if (decoded.offset !== bytes.length) {
    throw badRecord(`a ${type} has a wrong length`, { type, bytes: bytes.length, end: decoded.offset });
  }
  // avsc returned what the schema of `type` describes; schemas and interfaces are compared by a test.
  return { type, value: decoded.value } as StoredFact;
}

function parse(schema: string): avro.Type {
  try {
    return parseSchema(schema);
  } catch (cause) {
    throw badRecord('the text is not an Avro schema', {}, cause);
  }
}

function readingOf(type: avro.Type): Reading {
  const name = type.name?.replace(/^milena\./, '');
  const entry = [...present.values()].find((candidate) => candidate.name === name);
  if (entry === undefined) throw badRecord('the schema is of a type that is not known', { type: name });
  try {
    return { present: entry, resolver: entry.type.createResolver(type) };
  } catch (cause) {
    throw badRecord(`the schema cannot be read as the present ${name}`, { type: name }, cause);
  }
}

function presentOf(name: RecordType): Present {
  const entry = present.get(name);
  if (entry === undefined) throw badRecord(`there is no record type ${name}`, { type: name });
  return entry;
}

/** Where a value does not fit: the path of the first field that is wrong. */
function misfit(type: avro.Type, value: unknown): string {
  let first = '';
  type.isValid(value, {
    errorHook: (path) => {
      first ||= path.join('.');
    },
  });
  return first;
}

function badRecord(message: string, log: Readonly<Record<string, unknown>>, cause?: unknown): MilenaError {
  return new MilenaError('BAD_RECORD', message, { log, ...(cause === undefined ? {} : { cause }) });
}

import assert from 'node:assert/strict';
import { before, describe, it } from 'node:test';
import fc from 'fast-check';
import type { Pdu, UnsignedPdu } from './event.ts';
import { eventIdOf } from './hashes.ts';
import { asServerName, asUserId } from './identifiers.ts';
import { type JsonObject, ownObject } from './json.ts';
import { redact } from './redaction.ts';
import { ROOM_VERSIONS, type RoomVersion, roomVersion } from './room-versions.ts';
import {
  addEventSignature,
  type KeyLookup,
  signEvent,
  signJson,
  type Verifier,
  verifyEventSignature,
  verifyJsonSignature,
} from './signing.ts';
import { type SodiumSigner, sodiumSigner, sodiumVerifier } from './sodium-signing.ts';
import { specVectors } from './spec-vectors.fixture.ts';
import { fromBase64 } from './unpadded-base64.ts';

// Spec: appendices, "Cryptographic Test Vectors".
const SEED = fromBase64('YJDBA9Xnr2sVqXD9Vj7XVUnmFZcZrlw8Md7kMW+3XA1') ?? new Uint8Array();
const domain = asServerName('domain');

let signer: SodiumSigner;
let other: SodiumSigner;
let verifier: Verifier;
let version: RoomVersion;
const own: KeyLookup = (keyId) => (keyId === signer.keyId ? signer.publicKey : undefined);

before(async () => {
  signer = await sodiumSigner(domain, '1', SEED);
  other = await sodiumSigner(asServerName('other'), 'x', new Uint8Array(32).fill(7));
  verifier = await sodiumVerifier();
  version = roomVersion('10') ?? assert.fail();
});

const JSON_CASES: readonly (readonly [JsonObject, string])[] = [
  [{}, 'K8280/U9SSy9IVtjBuVeLr+HpOB4BQFWbg+UZaADMtTdGYI7Geitb76LTrr5QV/7Xg4ahLwYGYZzuHGZKM5ZAQ'],
  [
    { one: 1, two: 'Two' },
    'KqmLSbO39/Bzb0QIYE82zqLwsA+PDzYIpIRA2sRQ4sL53+sN6/fpNSoqE7BP7vBZhG6kYdD13EIMJpvhJI+6Bw',
  ],
];

const EVENT_CASES: readonly { input: JsonObject; hash: string; signature: string }[] = [
  {
    input: {
      room_id: '!x:domain',
      sender: '@a:domain',
      origin: 'domain',
      origin_server_ts: 1000000,
      signatures: {},
      hashes: {},
      type: 'X',
      content: {},
      prev_events: [],
      auth_events: [],
      depth: 3,
      unsigned: { age_ts: 1000000 },
    },
    hash: '5jM4wQpv6lnBo7CLIghJuHdW+s2CMBJPUOGOC89ncos',
    signature: 'KxwGjPSDEtvnFgU00fwFz+l6d2pJM6XBIaMEn81SXPTRl16AqLAYqfIReFGZlHi5KLjAWbOoMszkwsQma+lYAg',
  },
  {
    input: {
      content: { body: 'Here is the message content' },
      event_id: '$0:domain',
      origin: 'domain',
      origin_server_ts: 1000000,
      type: 'm.room.message',
      room_id: '!r:domain',
      sender: '@u:domain',
      signatures: {},
      unsigned: { age_ts: 1000000 },
    },
    hash: 'onLKD1bGljeBWQhWZ1kaP9SorVmRQNdN5aM2JYU2n/g',
    signature: 'Wm+VzmOUOz08Ds+0NTWb1d4CZrVsJSikkeRxh6aCcUwu6pNC78FunoD7KNWzqFn241eYHYMGCA5McEiVPdhzBA',
  },
];

/** The spec signs events of version 1 there, one of them without its ID: version 3 redacts as 1 does and needs none. */
function signed(input: JsonObject): Pdu {
  return signEvent(input as unknown as UnsignedPdu, rules(input), signer).pdu;
}

function rules(input: JsonObject): RoomVersion {
  return roomVersion('event_id' in input ? '1' : '3') ?? assert.fail();
}

describe("the spec's numbers", () => {
  for (const [input, signature] of JSON_CASES) {
    it(`JSON ${JSON.stringify(input)}`, () => {
      const output = signJson(input, signer);
      assert.deepEqual(output, { ...input, signatures: { domain: { 'ed25519:1': signature } } });
      assert.ok(verifyJsonSignature(output, 'domain', own, verifier));
    });
  }
  for (const { input, hash, signature } of EVENT_CASES) {
    it(`an event of type ${input['type']}`, () => {
      const signatures = { domain: { 'ed25519:1': signature } };
      assert.deepEqual(signed(input), { ...input, hashes: { sha256: hash }, signatures });
      assert.ok(verifyEventSignature(signed(input), rules(input), domain, own, verifier));
    });
  }
});

interface SigningVectors {
  readonly json_signing: readonly { input: JsonObject; signed: JsonObject }[];
  readonly event_signing: readonly { input: JsonObject; signed: JsonObject }[];
}
const vectors = specVectors('vectors/spec/signing.json');
it('the vectors of the spec folder', { skip: vectors.skip }, () => {
  const { json_signing, event_signing } = vectors.json<SigningVectors>();
  assert.equal(json_signing.length + event_signing.length, 4);
  for (const each of json_signing) assert.deepEqual(signJson(each.input, signer), each.signed);
  for (const each of event_signing) assert.deepEqual(signed(each.input), each.signed);
});

describe('signatures of JSON', () => {
  it('leave other signatures and unsigned alone, and do not cover them', () => {
    const first = signJson({ a: 1, unsigned: { age: 5 }, signatures: { x: { 'ed25519:q': 'sig' } } }, signer);
    const both: JsonObject = { ...signJson(first, other), unsigned: { age: 6 } };
    assert.ok(verifyJsonSignature(both, 'domain', own, verifier));
    assert.deepEqual(ownObject(ownObject(both, 'signatures') ?? {}, 'x'), { 'ed25519:q': 'sig' });
  });
  it('are refused when the object was altered, the key is unknown, or nobody of that name signed', () => {
    const object = signJson({ a: 1 }, signer);
    assert.ok(!verifyJsonSignature({ ...object, a: 2 }, 'domain', own, verifier));
    assert.ok(!verifyJsonSignature(object, 'domain', () => undefined, verifier));
    assert.ok(!verifyJsonSignature(object, 'other', own, verifier));
    assert.ok(!verifyJsonSignature(object, '__proto__', own, verifier));
    assert.ok(!verifyJsonSignature({ a: 1 }, 'domain', own, verifier));
    assert.ok(!verifyJsonSignature(object, 'domain', () => other.publicKey, verifier));
  });
  it('are refused when one by a known key is wrong, whatever the others are', () => {
    const object = { a: 1 };
    const right = signer.sign(Buffer.from('{"a":1}'));
    const keys: KeyLookup = () => signer.publicKey;
    const signedBy = (entries: JsonObject) => ({ ...object, signatures: { domain: entries } });
    assert.ok(verifyJsonSignature(signedBy({ 'ed25519:1': right }), 'domain', keys, verifier));
    const wrongs = [other.sign(Buffer.from('{"a":1}')), 'x', '', 5, right.slice(0, -2), `${right}AAAA`];
    for (const wrong of wrongs) {
      const entries = { 'ed25519:1': right, 'ed25519:2': wrong };
      assert.ok(!verifyJsonSignature(signedBy(entries), 'domain', keys, verifier), String(wrong));
    }
    const unknownKind = signedBy({ 'ed25519:1': right, 'rsa:2': 'x' });
    assert.ok(verifyJsonSignature(unknownKind, 'domain', keys, verifier), 'other algorithms are skipped');
    assert.ok(!verifyJsonSignature(signedBy({ 'rsa:2': right }), 'domain', keys, verifier));
  });
});

describe('signatures of events', () => {
  const event: UnsignedPdu = {
    type: 'm.room.message',
    sender: asUserId('@a:domain'),
    content: { body: 'hello' },
    origin_server_ts: 1,
    depth: 1,
    prev_events: [],
    auth_events: [],
  };
  it('hold for the redacted event, and a second server can add its own', () => {
    const { pdu, eventId } = signEvent(event, version, signer);
    assert.equal(eventId, eventIdOf(pdu, version));
    const both = addEventSignature(pdu, version, other);
    assert.equal(eventIdOf(both, version), eventId);
    for (const each of [both, redact(both, version)]) {
      assert.ok(verifyEventSignature(each, version, domain, own, verifier));
      assert.ok(verifyEventSignature(each, version, other.serverName, () => other.publicKey, verifier));
    }
    assert.deepEqual(both.signatures['domain'], pdu.signatures['domain']);
  });
  it('fail when a key that survives redaction was altered, or the content hash', () => {
    const { pdu } = signEvent(event, version, signer);
    for (const altered of [
      { ...pdu, depth: 2 },
      { ...pdu, hashes: { sha256: 'x' } },
    ]) {
      assert.ok(!verifyEventSignature(altered, version, domain, own, verifier));
    }
  });
  it('for every event: signed, then redacted or not, it has one ID and a good signature', () => {
    const anyContent = fc.dictionary(fc.string(), fc.oneof(fc.string(), fc.maxSafeInteger(), fc.boolean()));
    const types = fc.constantFrom('m.room.message', 'm.room.create', 'm.room.member', 'x');
    fc.assert(
      fc.property(anyContent, types, fc.constantFrom(...ROOM_VERSIONS), (content, type, row) => {
        const { pdu, eventId } = signEvent({ ...event, type, content }, row, signer);
        const left = redact(pdu, row);
        assert.equal(eventIdOf(left, row), eventId);
        assert.ok(verifyEventSignature(left, row, domain, own, verifier));
        assert.deepEqual(redact(left, row), left);
      }),
      { numRuns: 50 },
    );
  });
});

it('libsodium refuses a seed that is not 32 bytes, and signatures and keys of other lengths', async () => {
  await assert.rejects(sodiumSigner(domain, '1', new Uint8Array(31)), RangeError);
  const message = Buffer.from('m');
  const signature = fromBase64(signer.sign(message)) ?? assert.fail();
  const key = fromBase64(signer.publicKey) ?? assert.fail();
  assert.ok(verifier.verify(message, signature, key));
  assert.ok(!verifier.verify(message, signature.slice(1), key));
  assert.ok(!verifier.verify(message, signature, key.slice(1)));
  assert.ok(!verifier.verify(Buffer.from('n'), signature, key));
});

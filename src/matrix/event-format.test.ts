import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { EventFormatError, hashForReferences, parsePdu } from './event-format.ts';
import { contentHash, eventIdOf, referenceHash, withEventId } from './hashes.ts';
import { asServerName, asUserId } from './identifiers.ts';
import type { JsonObject, JsonValue } from './json.ts';
import { ROOM_VERSIONS, type RoomVersion } from './room-versions.ts';
import { StrictJsonError } from './strict-json.ts';

const ID = '$abc:one';
const pairs = (version: RoomVersion): boolean => Number(version.id) <= 2;

/** An event in the form of a version; `more` replaces what is given here. */
function event(version: RoomVersion, more: JsonObject = {}): JsonObject {
  const reference: JsonValue = pairs(version) ? [ID, { sha256: 'x' }] : ID;
  return {
    ...(pairs(version) ? { event_id: '$self:one' } : {}),
    room_id: '!room:one',
    type: 'm.room.message',
    sender: '@a:one',
    content: { body: 'b' },
    origin_server_ts: 5,
    depth: 7,
    prev_events: [reference],
    auth_events: [reference, reference],
    hashes: { sha256: 'x' },
    signatures: { one: { 'ed25519:1': 'y' } },
    ...more,
  };
}

const parsed = (version: RoomVersion, more: JsonObject = {}) =>
  parsePdu(JSON.stringify(event(version, more)), version);

for (const version of ROOM_VERSIONS) {
  describe(`an event from outside, version ${version.id}`, () => {
    it('is what its text says', () => {
      assert.deepEqual(parsed(version), event(version));
      assert.deepEqual(parsed(version, { state_key: '', unsigned: { age: 1 } }).state_key, '');
    });
    it('is refused in the other form', () => {
      const other = pairs(version) ? [ID] : [[ID, { sha256: 'x' }]];
      for (const key of ['prev_events', 'auth_events']) {
        assert.throws(() => parsed(version, { [key]: other }), EventFormatError, key);
      }
    });
    it('is refused where something is missing or of another kind', () => {
      const needed = Object.keys(event(version));
      for (const key of needed) {
        const { [key]: _, ...rest } = event(version);
        assert.throws(() => parsePdu(JSON.stringify(rest), version), EventFormatError, key);
        for (const odd of [null, 5.5, true, {}, 'x', ['x'], [[ID]], [[5, {}]], [[ID, 'x']]]) {
          const isFine =
            (key === 'content' || key === 'signatures' ? JSON.stringify(odd) === '{}' : false) ||
            (key === 'type' && odd === 'x');
          const attempt = () => parsed(version, { [key]: odd });
          if (isFine) assert.doesNotThrow(attempt);
          else assert.throws(attempt, Error, `${key} ${JSON.stringify(odd)}`);
        }
      }
      assert.throws(() => parsed(version, { state_key: 5 }), EventFormatError);
      assert.throws(() => parsed(version, { depth: -1 }), EventFormatError);
      for (const text of ['[]', '5', 'null']) assert.throws(() => parsePdu(text, version), EventFormatError);
      assert.throws(() => parsePdu('{', version), StrictJsonError);
    });
    it('names at most 20 events before it and 10 that authorise it', () => {
      const [one] = event(version)['prev_events'] as readonly JsonValue[];
      const many = (count: number) => Array.from({ length: count }, () => one ?? null);
      assert.doesNotThrow(() => parsed(version, { prev_events: many(20), auth_events: many(10) }));
      assert.throws(() => parsed(version, { prev_events: many(21) }), EventFormatError);
      assert.throws(() => parsed(version, { auth_events: many(11) }), EventFormatError);
    });
    const isStrict = Number(version.id) >= 6;
    it(`may hold ${isStrict ? 'integers within 2^53 alone' : 'any number'}`, () => {
      const text = JSON.stringify(event(version));
      for (const altered of [
        text.replace('"body":"b"', '"body":1.5'),
        text.replace('"body":"b"', '"body":9007199254740992'),
        text.replace('"depth":7', '"depth":9223372036854775807'),
      ]) {
        if (isStrict) assert.throws(() => parsePdu(altered, version), StrictJsonError);
        else assert.equal(parsePdu(altered, version).type, 'm.room.message');
      }
    });
    it('a create event may lack its room where that is made of it', () => {
      const { room_id: _, ...create } = event(version, { type: 'm.room.create', state_key: '' });
      const attempt = () => parsePdu(JSON.stringify(create), version);
      if (version.id === '12') assert.doesNotThrow(attempt);
      else assert.throws(attempt, EventFormatError);
    });
  });
}

describe('IDs and hashes by which events are named', () => {
  for (const version of ROOM_VERSIONS) {
    it(`version ${version.id}`, () => {
      const pdu = parsed(version);
      const hash = referenceHash(pdu, version);
      assert.match(hash, /^[A-Za-z0-9+/]{43}$/);
      assert.equal(hashForReferences(version, pdu), pairs(version) ? hash : undefined);
      const urlSafe = hash.replaceAll('+', '-').replaceAll('/', '_');
      const expected = pairs(version) ? '$self:one' : `$${version.id === '3' ? hash : urlSafe}`;
      assert.equal(eventIdOf(pdu, version), expected);
    });
    it(`a new event of version ${version.id} ${pairs(version) ? 'gets an ID of its server' : 'needs none'}`, () => {
      const server = asServerName('one');
      const { event_id: _, ...draft } = parsed(version);
      const named = withEventId(draft, version, server);
      if (!pairs(version)) return assert.equal(named, draft);
      assert.match(named.event_id ?? '', /^\$[A-Za-z0-9_-]{43}:one$/);
      assert.equal(withEventId(named, version, server), named);
      const other = withEventId({ ...draft, sender: asUserId('@b:one') }, version, server);
      assert.notEqual(other.event_id, named.event_id);
      assert.notEqual(contentHash(named), contentHash(draft));
      assert.throws(() => eventIdOf({ ...draft }, version), TypeError);
    });
  }
});

import assert from 'node:assert/strict';
import { before, describe, it } from 'node:test';
import type { Pdu } from './event.ts';
import { parsePdu } from './event-format.ts';
import { contentHash, createEventIdOf, eventIdOf, hasValidContentHash, roomIdOfCreate } from './hashes.ts';
import { asEventId, asServerName, serverOf } from './identifiers.ts';
import { redact } from './redaction.ts';
import { type RoomVersion, roomVersion } from './room-versions.ts';
import { type Verifier, verifyEventSignature } from './signing.ts';
import { sodiumVerifier } from './sodium-signing.ts';
import { specVectors } from './spec-vectors.fixture.ts';
import { parseJson } from './strict-json.ts';

let verifier: Verifier;
before(async () => {
  verifier = await sodiumVerifier();
});

function known(id: string): RoomVersion {
  return roomVersion(id) ?? assert.fail(`room version ${id}`);
}

function pduOf(text: string): Pdu {
  return parseJson(text, 'integers') as unknown as Pdu; // Test data in the form of a PDU.
}

/** A create event that is signed and public, so that hash, ID and room ID have a fixed point here. */
const CREATE = `{"auth_events":[],"content":{"room_version":"12"},"depth":1,
  "hashes":{"sha256":"qJYytb+EqWPiiZ0ogDODcLeA8XYw/2hVTaLHihcVBZQ"},"origin_server_ts":1756071567186,
  "prev_events":[],"sender":"@tulir:maunium.net","signatures":{"maunium.net":{"ed25519:a_xxeS":
  "/9pp+2tkLo6XcZ3opqLeIpa3D96fh3QLpR2PQrZ6Z6j7wyRAvBrcgCpAeMtuyDCzW8Wh1QFEPG4FSsGvVaEFBg"}},
  "state_key":"","type":"m.room.create","unsigned":{"age_ts":1756071567186}}`;

describe('a create event of version 12', () => {
  const pdu = pduOf(CREATE);
  it('has the content hash, event ID and room ID that its server gave it', () => {
    assert.equal(contentHash(pdu), 'qJYytb+EqWPiiZ0ogDODcLeA8XYw/2hVTaLHihcVBZQ');
    const eventId = eventIdOf(pdu, known('12'));
    assert.equal(eventId, '$lVEL38waGAf4ggmWC3OVk_bbx8kZx-iOcTBKXTBnM54');
    assert.equal(roomIdOfCreate(eventId), '!lVEL38waGAf4ggmWC3OVk_bbx8kZx-iOcTBKXTBnM54');
    assert.equal(createEventIdOf(roomIdOfCreate(eventId)), eventId);
  });
  it('content altered shows in the content hash, signatures and unsigned do not', () => {
    assert.ok(hasValidContentHash(pdu));
    assert.ok(!hasValidContentHash({ ...pdu, content: { room_version: '11' } }));
    assert.ok(!hasValidContentHash({ ...pdu, hashes: { sha256: 'no base64!' } }));
    assert.ok(hasValidContentHash({ ...pdu, hashes: { sha256: `${pdu.hashes.sha256}=` } }));
    assert.ok(hasValidContentHash({ ...pdu, signatures: {}, unsigned: { age: 1 } }));
  });
  it('the ID is of what redaction leaves: content hash and all, not signatures or unsigned', () => {
    const version = known('12');
    const id = eventIdOf(pdu, version);
    assert.equal(eventIdOf({ ...pdu, signatures: {}, unsigned: {} }, version), id);
    assert.notEqual(eventIdOf({ ...pdu, hashes: { sha256: '' } }, version), id);
    assert.notEqual(eventIdOf({ ...pdu, content: {} }, version), id);
    const message = { ...pdu, type: 'm.room.message' };
    assert.equal(eventIdOf({ ...message, content: {} }, version), eventIdOf(message, version));
  });
});

interface SignedEvents {
  readonly cases: readonly {
    readonly name: string;
    readonly room_version: string;
    readonly event_id: string;
    readonly redacted: boolean;
    readonly signing_server: string;
    readonly verify_keys: Readonly<Record<string, { readonly public_key: string }>>;
    readonly pdu_json: string;
  }[];
}

const signedEvents = specVectors('vectors/pdus/signed-events.json');
describe('real events of other servers', { skip: signedEvents.skip }, () => {
  const cases = signedEvents.skip === false ? signedEvents.json<SignedEvents>().cases : [];
  it('are there for versions 1, 4, 5, 10, 11 and 12', () => {
    const versions = new Set(cases.map((each) => each.room_version));
    for (const id of ['1', '4', '5', '10', '11', '12']) assert.ok(versions.has(id));
  });
  for (const each of cases) {
    it(each.name, () => {
      const version = known(each.room_version);
      const pdu = parsePdu(each.pdu_json, version);
      assert.equal(hasValidContentHash(pdu), !each.redacted);
      assert.equal(eventIdOf(pdu, version), each.event_id);
      assert.equal(eventIdOf(redact(pdu, version), version), each.event_id);
      const server = asServerName(each.signing_server);
      const keys = (keyId: string) => each.verify_keys[keyId]?.public_key;
      assert.ok(verifyEventSignature(pdu, version, server, keys, verifier));
    });
  }
});

const room = specVectors('vectors/pdus/testroom-v12-success.jsonl');
it('a whole room of version 12: every hash, ID and signature', { skip: room.skip }, () => {
  const events = room.text().trim().split('\n').map(pduOf);
  assert.equal(events.length, 21);
  const keys = () => 'lVt/CC3tv74OH6xTph2JrUmeRj/j+1q0HVa0Xf4QlCg';
  for (const pdu of events) {
    assert.ok(hasValidContentHash(pdu));
    assert.equal(eventIdOf(pdu, known('12')), asEventId(String(pdu.unsigned?.['event_id'])));
    if (serverOf(pdu.sender) === 'maunium.net') {
      assert.ok(verifyEventSignature(pdu, known('12'), serverOf(pdu.sender), keys, verifier));
    }
  }
});

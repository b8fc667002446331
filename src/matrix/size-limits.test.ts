import assert from 'node:assert/strict';
import { it } from 'node:test';
import { canonicalJson } from './canonical-json.ts';
import { type Pdu, pduJson } from './event.ts';
import { asEventId, asRoomId, asUserId } from './identifiers.ts';
import { MAX_EVENT_BYTES, pduBytes, sizeViolation } from './size-limits.ts';

const event: Pdu = {
  room_id: asRoomId('!r:b'),
  type: 'm.room.message',
  sender: asUserId('@a:b'),
  content: { body: 'ü "\n😀' },
  origin_server_ts: 1,
  depth: 1,
  prev_events: [],
  auth_events: [],
  hashes: { sha256: '' },
  signatures: { b: { 'ed25519:1': 'sig' } },
};

it('the size is that of the canonical JSON in UTF-8, signatures included', () => {
  assert.equal(pduBytes(event), Buffer.byteLength(canonicalJson(pduJson(event))));
});

it('an event of 65,536 bytes passes, one of 65,537 does not', () => {
  const room = MAX_EVENT_BYTES - pduBytes({ ...event, content: { body: '' } });
  assert.equal(sizeViolation({ ...event, content: { body: 'x'.repeat(room) } }), undefined);
  assert.deepEqual(sizeViolation({ ...event, content: { body: 'x'.repeat(room + 1) } }), {
    field: 'event',
    bytes: 65_537,
    limit: 65_536,
  });
  assert.equal(sizeViolation({ ...event, content: { body: 'ü'.repeat(room / 2 + 1) } })?.field, 'event');
});

const fits = 'ü'.repeat(127); // 254 bytes; with one letter more, 255.
const cases: [string, (text: string) => [Pdu, string?]][] = [
  ['type', (text) => [{ ...event, type: text }]],
  ['state_key', (text) => [{ ...event, state_key: text }]],
  ['sender', (text) => [{ ...event, sender: asUserId(text) }]],
  ['room_id', (text) => [{ ...event, room_id: asRoomId(text) }]],
  ['event_id', (text) => [event, asEventId(text)]],
];
for (const [field, make] of cases) {
  it(`${field} has at most 255 bytes`, () => {
    assert.equal(sizeViolation(...make(`${fits}a`)), undefined);
    assert.deepEqual(sizeViolation(...make(`${fits}ab`)), { field, bytes: 256, limit: 255 });
  });
}

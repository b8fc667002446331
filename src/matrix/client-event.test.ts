import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { clientEvent, strippedEvent, strippedStateKeys, syncEvent } from './client-event.ts';
import type { Pdu } from './event.ts';
import { asEventId, asRoomId, asUserId } from './identifiers.ts';
import { ROOM_VERSIONS, type RoomVersion, roomVersion } from './room-versions.ts';

const eventId = asEventId('$event');
const roomId = asRoomId('!room:one');
const pdu: Pdu = {
  room_id: asRoomId('!room:one'),
  type: 'm.room.message',
  sender: asUserId('@a:one'),
  content: { body: 'hello' },
  origin_server_ts: 5,
  depth: 7,
  prev_events: [asEventId('$prev')],
  auth_events: [asEventId('$auth')],
  hashes: { sha256: 'hash' },
  signatures: { one: { 'ed25519:1': 'signature' } },
  unsigned: { age_ts: 1, prev_content: { from: 'another server' } },
};

function version(id: string): RoomVersion {
  return roomVersion(id) ?? assert.fail();
}

describe('client events', () => {
  it('have what the spec lists and nothing of the federation format', () => {
    const event = clientEvent({ pdu, eventId, version: version('12') }, roomId);
    assert.deepEqual(event, {
      event_id: '$event',
      room_id: '!room:one',
      type: 'm.room.message',
      sender: '@a:one',
      origin_server_ts: 5,
      content: { body: 'hello' },
    });
  });
  it('of /sync have no room_id, of state a state_key, and the unsigned that the caller gives', () => {
    const event = syncEvent({ pdu: { ...pdu, state_key: '' }, eventId, version: version('12') }, { age: 1 });
    assert.equal(event.room_id, undefined);
    assert.ok(!('room_id' in event));
    assert.equal(event.state_key, '');
    assert.deepEqual(event.unsigned, { age: 1 });
  });
  it('of a create event of version 12 have a room_id', () => {
    const { room_id: _, ...create } = { ...pdu, type: 'm.room.create' };
    assert.equal(clientEvent({ pdu: create, eventId, version: version('12') }, roomId).room_id, roomId);
  });
});

describe('redactions', () => {
  const redacts = asEventId('$bad');
  const redaction = { ...pdu, type: 'm.room.redaction', content: { reason: 'spam' } };
  const asBoth = { content: { reason: 'spam', redacts }, redacts };
  function shown(row: RoomVersion, event: Pdu) {
    const { content, redacts: outside } = syncEvent({ pdu: event, eventId, version: row });
    return outside === undefined ? { content } : { content, redacts: outside };
  }
  for (const row of ROOM_VERSIONS) {
    const inside = { ...redaction, content: { ...redaction.content, redacts } };
    const outside = { ...redaction, redacts };
    it(`version ${row.id}: redacts stands in both places, from the one that counts`, () => {
      const [right, wrong] = row.redactsIn === 'event' ? [outside, inside] : [inside, outside];
      assert.deepEqual(shown(row, right), asBoth);
      assert.deepEqual(shown(row, wrong), { content: wrong.content });
    });
    it(`version ${row.id}: what names no event stays as it is`, () => {
      assert.deepEqual(shown(row, redaction), { content: redaction.content });
      const odd = { ...redaction, content: { redacts: 5 } };
      assert.deepEqual(shown(row, odd), { content: odd.content });
    });
    it(`version ${row.id}: other events may have a redacts of their own`, () => {
      const message = { ...inside, type: 'm.room.message' };
      assert.deepEqual(shown(row, message), { content: message.content });
    });
  }
});

it('stripped state has four properties', () => {
  const stripped = strippedEvent({ ...pdu, type: 'm.room.name', state_key: '', content: { name: 'x' } });
  assert.deepEqual(stripped, {
    type: 'm.room.name',
    state_key: '',
    sender: '@a:one',
    content: { name: 'x' },
  });
});

it('stripped state is made of the types of the spec and the members it is about', () => {
  const keys = strippedStateKeys(asUserId('@a:one'), asUserId('@b:one'), asUserId('@a:one'));
  assert.deepEqual(keys, [
    ['m.room.create', ''],
    ['m.room.name', ''],
    ['m.room.avatar', ''],
    ['m.room.topic', ''],
    ['m.room.join_rules', ''],
    ['m.room.canonical_alias', ''],
    ['m.room.encryption', ''],
    ['m.room.member', '@a:one'],
    ['m.room.member', '@b:one'],
  ]);
});

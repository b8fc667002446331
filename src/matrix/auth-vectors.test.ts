import assert from 'node:assert/strict';
import { before, it } from 'node:test';
import { checkAuthEvents } from './auth-events.ts';
import { checkAuth } from './auth-rules.ts';
import type { StateEvent, StateLookup } from './auth-state.ts';
import { isStateEvent, type Pdu } from './event.ts';
import { authEventIds } from './event-format.ts';
import { eventIdOf } from './hashes.ts';
import { type EventId, serverOf } from './identifiers.ts';
import { type RoomVersion, roomVersion } from './room-versions.ts';
import type { Verifier } from './signing.ts';
import { sodiumVerifier } from './sodium-signing.ts';
import { specVectors } from './spec-vectors.fixture.ts';
import { parseJson } from './strict-json.ts';

/** A real room of version 12, from its first event to its last: all of them were accepted. */

const room = specVectors('vectors/pdus/testroom-v12-success.jsonl');
let verifier: Verifier;
before(async () => {
  verifier = await sodiumVerifier();
});

interface Step {
  readonly version: RoomVersion;
  readonly eventId: EventId;
  readonly pdu: Pdu;
  readonly state: ReadonlyMap<string, StateEvent>;
  readonly known: ReadonlyMap<EventId, Pdu>;
}

function* steps(): Iterable<Step> {
  const version = roomVersion('12') ?? assert.fail();
  const state = new Map<string, StateEvent>();
  const known = new Map<EventId, Pdu>();
  for (const line of room.text().trim().split('\n')) {
    const pdu = parseJson(line, 'integers') as unknown as Pdu; // Test data in the form of a PDU.
    const eventId = eventIdOf(pdu, version);
    yield { version, eventId, pdu, state, known };
    known.set(eventId, pdu);
    if (isStateEvent(pdu)) {
      state.set(JSON.stringify([pdu.type, pdu.state_key]), {
        event_id: eventId,
        sender: pdu.sender,
        content: pdu.content,
      });
    }
  }
}

function lookup(state: ReadonlyMap<string, StateEvent>): StateLookup {
  return (type, key) => state.get(JSON.stringify([type, key]));
}

it('every event is allowed by the state before it, and so is its list of auth events', {
  skip: room.skip,
}, () => {
  let count = 0;
  for (const { version, eventId, pdu, state, known } of steps()) {
    count += 1;
    assert.equal(eventId, pdu.unsigned?.['event_id']);
    const context = { verifier, isSignedBy: (server: string) => Object.hasOwn(pdu.signatures, server) };
    assert.deepEqual(checkAuth(version, pdu, lookup(state), context), { allowed: true }, `event ${count}`);
    const entries = authEventIds(pdu).map((id) => ({
      ...(known.get(id) ?? assert.fail(id)),
      rejected: false,
    }));
    assert.deepEqual(
      checkAuthEvents(version, pdu, entries),
      { allowed: true },
      `auth events of event ${count}`,
    );
  }
  assert.equal(count, 21);
});

it('none of them is allowed to who never was in the room', { skip: room.skip }, () => {
  for (const { version, pdu, state } of steps()) {
    if (pdu.type === 'm.room.create') continue;
    const stranger = { ...pdu, sender: `@stranger:${serverOf(pdu.sender)}` as Pdu['sender'] };
    const verdict = checkAuth(version, stranger, lookup(state), { verifier, isSignedBy: () => true });
    // The very first join is the one thing that the rules allow whoever sends it (5.3.1).
    assert.equal(verdict.allowed, pdu.depth === 2);
  }
});

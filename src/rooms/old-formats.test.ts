import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Pdu, referencedId } from '../matrix/event.ts';
import { authEventIds, parsePdu, prevEventIds } from '../matrix/event-format.ts';
import { eventIdOf, hasValidContentHash, referenceHash } from '../matrix/hashes.ts';
import { asEventId, type EventId } from '../matrix/identifiers.ts';
import { ROOM_VERSIONS } from '../matrix/room-versions.ts';
import { verifyEventSignature } from '../matrix/signing.ts';
import { testKeys } from '../owner/memory-house.fixture.ts';
import { decideCreate } from './create.ts';
import { decideSend, type RoomAccepted, type RoomRefusal } from './decide.ts';
import { evolveRoom } from './evolve.ts';
import type { RoomFact } from './facts.ts';
import { ALICE, BOB, member, newRoom, send } from './new-room.fixture.ts';
import { pduOfRecord } from './pdu-of-record.ts';
import { noRoom } from './room.ts';

const keys = await testKeys();
const publicKey = () => keys.signer.publicKey;

function accepted(decided: RoomAccepted | RoomRefusal): RoomAccepted {
  return 'refused' in decided ? assert.fail(decided.message) : decided;
}

/** The facts of a room in which somebody joins, talks, redacts and leaves. */
function history(version: string): readonly RoomFact[] {
  const command = newRoom(keys.signer, { id: 'c', version });
  const all: RoomFact[] = [];
  let room = noRoom(command.room_id);
  const known = new Map<EventId, Pdu>();
  const take = (decided: RoomAccepted): RoomAccepted => {
    for (const [id, pdu] of decided.events) known.set(id, pdu);
    for (const fact of decided.facts) room = evolveRoom(room, fact);
    all.push(...decided.facts);
    return decided;
  };
  take(accepted(decideCreate(room, command, keys)));
  const say = (event: Parameters<typeof decideSend>[2]) =>
    take(accepted(decideSend(room, known, event, keys)));
  say(member(room.id, BOB, BOB, 'join', 'j'));
  const said = say(send(room.id, BOB, 's')).event_id ?? assert.fail();
  known.set(said, { ...(known.get(said) ?? pduOf(all.at(-1))), content: {} });
  say(send(room.id, ALICE, 'r', { type: 'm.room.redaction', content: '{"reason":"spam"}', redacts: said }));
  say(send(room.id, ALICE, 't', { type: 'm.room.topic', state_key: '', content: '{"topic":"x"}' }));
  say(member(room.id, BOB, BOB, 'leave', 'l'));
  return all;
}

function pduOf(fact: RoomFact | undefined): Pdu {
  return fact?.type === 'room_event' ? pduOfRecord(fact.value) : assert.fail();
}

for (const version of ROOM_VERSIONS) {
  test(`every event of a room of version ${version.id} is one that another server of that version takes`, () => {
    const facts = history(version.id);
    assert.equal(facts.length, 9);
    const events = new Map<EventId, Pdu>();
    for (const fact of facts) {
      const pdu = pduOf(fact);
      const id = fact.type === 'room_event' ? asEventId(fact.value.event_id) : assert.fail();
      assert.deepEqual(parsePdu(JSON.stringify(pdu), version), pdu);
      assert.equal(eventIdOf(pdu, version), id);
      assert.ok(hasValidContentHash(pdu));
      assert.ok(verifyEventSignature(pdu, version, keys.signer.serverName, publicKey, keys.verifier));
      assert.equal('event_id' in pdu, Number(version.id) <= 2);
      for (const reference of [...pdu.prev_events, ...pdu.auth_events]) {
        const named =
          events.get(referencedId(reference)) ?? assert.fail('it names an event that came before');
        if (typeof reference !== 'string')
          assert.deepEqual(reference[1], { sha256: referenceHash(named, version) });
      }
      assert.deepEqual(prevEventIds(pdu), [...events.keys()].slice(-1));
      assert.equal(
        authEventIds(pdu).includes([...events.keys()][0] ?? id),
        Number(version.id) < 12 && events.size > 0,
      );
      events.set(id, pdu);
    }
  });
}

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { createLoader } from '../../../projections/loader.ts';
import { roomStateModel } from '../../../projections/room_state/model.ts';
import { timelineModel } from '../../../projections/timeline/model.ts';
import { timelineQueries } from '../../../projections/timeline/queries.ts';
import type { AnyNewFact } from '../../../src/log/fact-writer.ts';
import { ROOM_VERSIONS } from '../../../src/matrix/room-versions.ts';
import { testKeys } from '../../../src/owner/memory-house.fixture.ts';
import { decideCreate } from '../../../src/rooms/create.ts';
import { decideSend, type RoomAccepted, type RoomRefusal } from '../../../src/rooms/decide.ts';
import { evolveRoom } from '../../../src/rooms/evolve.ts';
import { missingEvents } from '../../../src/rooms/needs.ts';
import { ALICE, BOB, member, newRoom, send } from '../../../src/rooms/new-room.fixture.ts';
import { noRoom, type Room } from '../../../src/rooms/room.ts';
import { StateTree } from '../../../src/state/state-tree.ts';
import { startPostgres, type TestPostgres } from '../../support/postgres.ts';
import { House } from './house.ts';

let server: TestPostgres;
before(async () => {
  server = await startPostgres();
});
after(() => server.stop());

const keys = await testKeys();

function accepted(decided: RoomAccepted | RoomRefusal): RoomAccepted {
  return 'refused' in decided ? assert.fail(decided.message) : decided;
}

for (const version of ROOM_VERSIONS) {
  test(`a room of version ${version.id} that is loaded from the models goes on as from memory`, async () => {
    await using house = await House.make(server, `version${version.id}`, 1);
    const projections = await house.open([roomStateModel, timelineModel]);
    const loader = createLoader(projections.queries, timelineQueries(projections.queries), 1);
    const command = newRoom(keys.signer, { id: 'c', version: version.id });
    const id = command.room_id;
    let room = noRoom(id);
    const known = new Map();
    const take = async (decided: RoomAccepted) => {
      for (const [eventId, pdu] of decided.events) known.set(eventId, pdu);
      for (const fact of decided.facts) room = evolveRoom(room, fact);
      const facts = decided.facts.map((fact) => ({ ...fact, key: id, at: 1 }) as AnyNewFact);
      await house.append('rooms', id, facts);
    };
    await take(accepted(decideCreate(room, command, keys)));
    await take(accepted(decideSend(room, known, member(id, BOB, BOB, 'join', 'j'), keys)));
    await take(accepted(decideSend(room, known, send(id, BOB, 's'), keys)));
    await house.caughtUp(projections);

    const snapshot = (await loader.room(id)) ?? assert.fail();
    assert.deepEqual(snapshot.extremities, room.extremities);
    const loaded: Room = {
      ...room,
      state: StateTree.fromEntries(
        snapshot.state.map(({ type, state_key, event_id }) => ({
          type,
          stateKey: state_key,
          eventId: event_id,
        })),
      ),
      extremities: snapshot.extremities,
    };
    for (const next of [send(id, ALICE, 'n'), member(id, ALICE, BOB, 'ban', 'b')]) {
      const read = await loader.events(id, missingEvents(loaded, new Map(), next));
      const fromModels = accepted(decideSend(loaded, read, next, keys));
      assert.deepEqual(fromModels.facts, accepted(decideSend(room, known, next, keys)).facts);
    }
  });
}

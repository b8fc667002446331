import { freshCommandId } from '../../src/owner/command-id.ts';
import { testKeys } from '../../src/owner/memory-house.fixture.ts';
import { decideCreate } from '../../src/rooms/create.ts';
import { decideSend } from '../../src/rooms/decide.ts';
import { evolveRoom } from '../../src/rooms/evolve.ts';
import { ALICE, newRoom, send } from '../../src/rooms/new-room.fixture.ts';
import { noRoom } from '../../src/rooms/room.ts';

/**
 * Prints what one decision costs: draft, authorise, hash, sign, make the record, evolve. No I/O in it.
 * `node src/main/launch.js --script test/load/decide.ts`
 */
const ROUNDS = 20_000;

const keys = await testKeys();
const creation = newRoom(keys.signer, { id: freshCommandId() });
const made = decideCreate(noRoom(creation.room_id), creation, keys);
if ('refused' in made) throw new Error(made.message);
let room = noRoom(creation.room_id);
for (const fact of made.facts) room = evolveRoom(room, fact);

const content = JSON.stringify({ msgtype: 'm.text', body: 'x'.repeat(100) });
for (const phase of ['warm-up', 'measured']) {
  const started = performance.now();
  for (let round = 0; round < ROUNDS; round += 1) {
    const decided = decideSend(room, made.events, send(room.id, ALICE, 'id', { content }), keys);
    if ('refused' in decided) throw new Error(decided.message);
    for (const fact of decided.facts) room = evolveRoom(room, fact);
  }
  const micros = ((performance.now() - started) * 1_000) / ROUNDS;
  console.log(`${phase}: ${micros.toFixed(1)} µs a decision`);
}

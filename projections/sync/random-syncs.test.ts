import { test } from 'node:test';
import { RandomHistory, seeded, USERS } from './random-history.fixture.ts';
import { type ClientKind, ReferenceClient } from './reference-client.fixture.ts';
import { SyncScene } from './scene.fixture.ts';

/** Histories tried; set higher to search for longer. */
const HISTORIES = Number(process.env['MILENA_SYNC_HISTORIES'] ?? 60);
const FIRST = Number(process.env['MILENA_SYNC_FIRST'] ?? 1);
const STEPS = 120;

const KINDS: readonly ClientKind[] = [
  { limit: 3 },
  { limit: 20, stateAfter: true },
  { limit: 2, lazy: true },
  { limit: 5, lazy: true, stateAfter: true },
  { limit: 4, types: ['m.room.message'] },
];

test(`whatever happens, no client misses anything, sees it twice, or is told a wrong count`, async () => {
  for (let seed = FIRST; seed < FIRST + HISTORIES; seed += 1) {
    try {
      await run(seed);
    } catch (error) {
      throw new Error(`history ${seed}: ${error instanceof Error ? error.message : error}`, { cause: error });
    }
  }
});

async function run(seed: number): Promise<void> {
  const random = seeded(seed);
  // The tail holds next to nothing, or everything: tokens are answered from the models and from memory.
  await using scene = new SyncScene({ slots: 1 + random(3), kept: [3, 12, 60, 1_000][random(4)] ?? 3 });
  const history = new RandomHistory(scene.house, random);
  const clients = USERS.flatMap((user) =>
    KINDS.map((kind, index) => new ReferenceClient(user, `DEVICE${index}`, kind)),
  );
  for (let step = 0; step < STEPS; step += 1) {
    for (let facts = random(8); facts > 0; facts -= 1) history.step();
    moveModels(scene, random);
    if (random(25) === 0) await scene.restart();
    // Some come back at once, some after long.
    const client = clients[random(2) === 0 ? random(3) : random(clients.length)];
    await client?.sync(scene);
  }
  scene.reads.catchesUp = true;
  scene.reads.catchUp();
  for (const client of clients) await client.sync(scene);
}

/** The models catch up, or fall behind and stay there. */
function moveModels({ reads, house }: SyncScene, random: ReturnType<typeof seeded>): void {
  reads.catchesUp = random(3) > 0;
  const ends = house.ends();
  for (const topic of ['rooms', 'user_values'] as const) {
    for (const [partition, end] of ends[topic].entries()) {
      const at = reads.models[topic][partition] ?? 0;
      if (random(2) === 0) reads.models[topic][partition] = at + random(end - at + 1);
    }
  }
}

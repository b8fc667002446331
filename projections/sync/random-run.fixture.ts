import { type ClientKind, randomKind } from './random-client.fixture.ts';
import { type Random, RandomHistory, seeded, USERS } from './random-history.fixture.ts';
import { ReferenceClient } from './reference-client.fixture.ts';
import { SyncScene } from './scene.fixture.ts';

/** How much happens in a history. */
export interface RunSize {
  /** Steps: some facts, then a client syncs. */
  readonly steps: number;
  /** Facts before the first sync. */
  readonly before: number;
  /** One step in so many is a restart; one in so many a rebuild. */
  readonly restart: number;
  /** Clients of each user. */
  readonly clients: number;
}

/** A long life of a house: what builds up slowly shows here. */
export const LONG: RunSize = { steps: 120, before: 0, restart: 25, clients: 5 };
/** A short one, of which many can be tried. */
export const SHORT: RunSize = { steps: 16, before: 25, restart: 6, clients: 2 };

/** Kinds that must be among the clients of every long history. */
const KINDS: readonly ClientKind[] = [
  { limit: 3 },
  { limit: 20, stateAfter: true },
  { limit: 2, lazy: true },
  { limit: 5, lazy: true, stateAfter: true },
];

/**
 * One random history, and clients that sync while it happens: of three users in four rooms, with random filters,
 * some losing answers; the models lag and are rebuilt, the process restarts.
 * @throws AssertionError when a client is told anything that is not so.
 */
export async function runHistory(seed: number, size: RunSize): Promise<void> {
  const random = seeded(seed);
  // The tail holds next to nothing, or everything: tokens are answered from the models and from memory.
  await using scene = new SyncScene({ slots: 1 + random(3), kept: [3, 12, 60, 1_000][random(4)] ?? 3 });
  const history = new RandomHistory(scene.house, random);
  for (let fact = 0; fact < size.before; fact += 1) history.step();
  const clients = USERS.flatMap((user) =>
    Array.from({ length: size.clients }, (_, index) => {
      const kind = size.clients > KINDS.length ? KINDS[index] : undefined;
      return new ReferenceClient(user, `DEVICE${index}`, kind ?? randomKind(random));
    }),
  );
  for (let step = 0; step < size.steps; step += 1) {
    for (let facts = random(8); facts > 0; facts -= 1) history.step();
    moveModels(scene, random);
    if (random(size.restart) === 0) await scene.restart();
    if (random(size.restart) === 0) scene.reads.rebuild(random);
    // Some come back at once, some after long.
    const client = clients[random(2) === 0 ? random(3) : random(clients.length)];
    await client?.sync(scene, { fullState: random(12) === 0, lost: random(10) === 0 });
  }
  scene.reads.catchesUp = true;
  scene.reads.catchUp();
  for (const client of clients) await client.sync(scene);
}

/** The models catch up, or fall behind and stay there. */
function moveModels({ reads, house }: SyncScene, random: Random): void {
  reads.catchesUp = random(3) > 0;
  const ends = house.ends();
  for (const topic of ['rooms', 'user_values'] as const) {
    for (const [partition, end] of ends[topic].entries()) {
      const at = reads.models[topic][partition] ?? 0;
      if (random(2) === 0) reads.models[topic][partition] = at + random(end - at + 1);
    }
  }
}

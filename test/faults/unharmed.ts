import pg from 'pg';
import type { Core } from '../../src/main/core.ts';
import { openReadModels, type ReadModels } from '../../src/main/read-models.ts';
import type { Apart } from '../support/apart.ts';

/** Read models that nobody harms: they go on following the log from where the server's own stood. */
export interface Unharmed extends AsyncDisposable {
  readonly url: string;
  readonly models: ReadModels;
}

/** Copies the database of a stopped deployment, rows and checkpoints. @returns the copy's URL. */
export async function copyDatabase(apart: Apart): Promise<string> {
  const from = new URL(apart.env('projector')['MILENA_POSTGRES_URL'] ?? '');
  const name = `${from.pathname.slice(1)}_unharmed`;
  const admin = new pg.Client({ connectionString: apart.postgres.url });
  await admin.connect();
  try {
    await admin.query(`CREATE DATABASE ${name} TEMPLATE ${from.pathname.slice(1)}`);
  } finally {
    await admin.end();
  }
  const url = Object.assign(from, { pathname: `/${name}` }).href;
  const copy = new pg.Client({ connectionString: url });
  await copy.connect();
  try {
    // So that nothing is ever read from the copied log: what these models follow is the living one.
    await copy.query('DROP SCHEMA log CASCADE');
  } finally {
    await copy.end();
  }
  return url;
}

/** Projects the log into the copy from here on, as a second server with a Postgres of its own would. */
export async function followUnharmed(core: Core, url: string): Promise<Unharmed> {
  const models = await openReadModels({ ...core, postgresUrl: url });
  await models.start(true);
  return { url, models, [Symbol.asyncDispose]: () => models[Symbol.asyncDispose]() };
}

/** Waits until models have applied all that stands on the log now. @throws Error when they do not get there. */
export async function caughtUp({ projections }: ReadModels, core: Core, withinMs = 60_000): Promise<void> {
  for (const { name, topics } of projections.models)
    for (const topic of topics)
      for (const [partition, end] of (await core.log.ends(topic)).entries()) {
        const reached = await projections.positions.waitFor(name, topic, partition, end - 1, withinMs);
        if (!reached) throw new Error(`${name} does not get to ${end} of ${topic}/${partition}`);
      }
}

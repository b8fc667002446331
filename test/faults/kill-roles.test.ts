import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { type Apart, startApart } from '../support/apart.ts';
import { type Kafka, startKafka } from '../support/kafka.ts';
import type { MilenaProcess } from '../support/milena-process.ts';
import { killOnce, type Round, summary, type Victim } from './kill-rounds.ts';
import { compareWithRebuild, MODELS } from './read-models.ts';
import { Scene } from './scene.ts';

/** Kills in each deployment. */
const ROUNDS = Number(process.env['FAULT_ROUNDS'] ?? 20);
/** `postgres` or `kafka`. */
const LOG = process.env['FAULT_LOG'] === 'kafka' ? 'kafka' : 'postgres';
/** No round begins after this many seconds; the checks follow all the same. */
const SECONDS = Number(process.env['FAULT_SECONDS'] ?? 400);

/** The deployments: what is killed in each is every process of it in turn. */
const deployments = {
  'a process for each role': ['api', 'owner', 'projector', 'manager'],
  'all roles in one process': ['api,owner,projector,manager'],
} as const;

describe(`kill -9 in the middle of load, log: ${LOG} (architecture, section 11)`, () => {
  for (const [name, roles] of Object.entries(deployments))
    it(`${name}: nothing acknowledged is lost, doubled or out of order, and the models equal their rebuild`, async (t) => {
      const kafka = LOG === 'kafka' ? await startKafkaOrSkip(t) : undefined;
      if (LOG === 'kafka' && kafka === undefined) return;
      try {
        const env: Record<string, string> =
          kafka === undefined ? {} : { MILENA_KAFKA_BROKERS: kafka.brokers.join(',') };
        await using apart = await startApart({ roles, log: LOG, env });
        await trial(apart, name.startsWith('all') ? Math.ceil(ROUNDS / 4) : ROUNDS, (line) =>
          t.diagnostic(line),
        );
      } finally {
        await kafka?.stop();
      }
    });
});

async function startKafkaOrSkip(t: { skip(reason: string): void }): Promise<Kafka | undefined> {
  try {
    return await startKafka();
  } catch (error) {
    t.skip(`no broker can be had here: ${String(error)}`);
    return undefined;
  }
}

async function trial(apart: Apart, rounds: number, say: (line: string) => void): Promise<void> {
  using scene = await Scene.set(apart.url);
  const done: Round[] = [];
  const victims = [...apart.processes.values()].map(victimOf);
  const end = performance.now() + SECONDS * 1000;
  scene.start();
  for (let i = 0; i < rounds && performance.now() < end; i++) {
    const victim = victims[i % victims.length];
    if (victim !== undefined) done.push(await killOnce(scene, victim));
  }
  await scene.stop();
  await scene.check();
  for (const line of summary(done, scene).split('\n')) say(line);
  await checkModels(apart, scene, say);
  assert.equal(scene.violations.count, 0, `\n${scene.violations}`);
  assert.equal(
    done.length,
    rounds,
    `only ${done.length} of ${rounds} rounds fit into ${SECONDS} s (FAULT_SECONDS)`,
  );
}

function victimOf(process: MilenaProcess): Victim {
  return {
    name: process.plan.name,
    kill: () => process.kill(),
    start: () => process.start(),
    output: (characters) => process.output(characters),
  };
}

async function checkModels(apart: Apart, scene: Scene, say: (line: string) => void): Promise<void> {
  const url = apart.env('projector')['MILENA_POSTGRES_URL'] ?? '';
  for (const model of MODELS) {
    const { code, stderr } = await apart.milena('projector', ['rebuild', model], 300_000);
    if (code !== 0) scene.violations.add(`milena rebuild ${model}: exit ${code}: ${stderr.slice(-600)}`);
    else say(`${model}: ${await compareWithRebuild(url, model, scene.violations)} rows equal their rebuild`);
  }
}

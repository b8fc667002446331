import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Apart } from '../support/apart.ts';
import { kafkaOrReason } from '../support/kafka.ts';
import { compareWithRebuild, modelNames } from './read-models.ts';
import type { Scene } from './scene.ts';
import { killInTurn, ROUNDS, type Say, setScene, startVictims } from './trial.ts';

/** `postgres` or `kafka`. */
const LOG = process.env['FAULT_LOG'] === 'kafka' ? 'kafka' : 'postgres';
/** A process for each; every one of them is killed in its turn. */
const ROLES = ['api', 'owner', 'projector', 'manager'] as const;

describe(`kill -9 in the middle of load, log: ${LOG} (architecture, section 11)`, () => {
  it(`of each role's process, ${ROUNDS} times over: nothing acknowledged is lost, doubled or out of order, and the models equal their rebuild`, async (t) => {
    const say: Say = (line) => t.diagnostic(line);
    const kafka = LOG === 'kafka' ? await kafkaOrReason() : undefined;
    if (kafka !== undefined && 'skip' in kafka) return t.skip(kafka.skip);
    try {
      await using apart = await startVictims(ROLES, LOG, kafka?.brokers);
      using scene = await setScene(apart);
      await killInTurn(apart, scene, ROUNDS, say);
      await checkModels(apart, scene, say);
      assert.equal(scene.violations.count, 0, `\n${scene.violations}`);
    } finally {
      await kafka?.stop();
    }
  });
});

async function checkModels(apart: Apart, scene: Scene, say: Say): Promise<void> {
  const url = apart.env('projector')['MILENA_POSTGRES_URL'] ?? '';
  for (const model of await modelNames((args) => apart.milena('projector', args))) {
    const { code, stderr } = await apart.milena('projector', ['rebuild', model], 300_000);
    if (code !== 0) scene.violations.add(`milena rebuild ${model}: exit ${code}: ${stderr.slice(-600)}`);
    else say(`${model}: ${await compareWithRebuild(url, model, scene.violations)} rows equal their rebuild`);
  }
}

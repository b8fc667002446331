import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import pg from 'pg';
import type { EventLog } from '../../src/log/port.ts';
import { type TopicName, topicNames, topics } from '../../src/log/topics.ts';
import type { Core } from '../../src/main/core.ts';
import { openReadModels, type ReadModels } from '../../src/main/read-models.ts';
import { senders } from '../load/population.ts';
import { runPlan } from '../load/run-plan.ts';
import type { Apart } from '../support/apart.ts';
import { everyWay } from './bustle.ts';
import { census, missingTypes, recordTypes } from './census.ts';
import { compareRows } from './compare-rows.ts';
import { harm } from './harm.ts';
import { checkLog, openBeside } from './log-truth.ts';
import type { Onlooker } from './onlooker.ts';
import { activeSchemas, canRead, poisoned } from './read-models.ts';
import type { Scene } from './scene.ts';
import { killInTurn, ROUNDS, type Say, setScene, startVictims } from './trial.ts';
import { caughtUp, copyDatabase, followUnharmed, type Unharmed } from './unharmed.ts';

/** The log that is rebuilt from holds so many records at the least. */
const RECORDS = Number(process.env['FAULT_RECORDS'] ?? 100_000);
/** As few kills as there are for one process: each is of all roles at once. */
const KILLS = Math.ceil(ROUNDS / 4);
/** A rebuild that takes longer, milliseconds, is seen by people who write and read. A small model is built in less. */
const LONG_MS = 2_000;
/** The most seconds that the load may take to fill the log. */
const LOAD_SECONDS = 240;
/**
 * Models whose rows about the people and rooms of the scene stay whole: who writes and reads meanwhile must stay who he is,
 * and an owner asks the timeline what a command led to that is older than its filter.
 */
const NEEDED_MEANWHILE: ReadonlySet<string> = new Set(['accounts', 'timeline']);

describe('a rebuild of the log that faults and load leave behind', () => {
  let apart: Apart;
  let scene: Scene;
  before(async () => {
    apart = await startVictims(['api,owner,projector,manager'], 'postgres');
    scene = await setScene(apart);
  });
  after(async () => {
    scene?.[Symbol.dispose]();
    await apart?.[Symbol.asyncDispose]();
  });

  it(`kill -9 of all roles at once in the middle of load, ${KILLS} times over: nothing acknowledged is lost, doubled or out of order`, async (t) => {
    await killInTurn(apart, scene, KILLS, (line) => t.diagnostic(line));
    assert.equal(scene.violations.count, 0, `\n${scene.violations}`);
  });

  it(`the log holds ${RECORDS} records or more, and every record type in schemas/`, async (t) => {
    await everyWay(scene.hands, (settings) => restart(apart, settings));
    await using postgres = await connected(urlOf(apart));
    scene.bustle.start();
    await fill(apart, postgres.client).finally(() => scene.bustle.stop());
    const counted = await census(postgres.client);
    t.diagnostic([...counted].map(([type, records]) => `${records} ${type}`).join(', '));
    assert.ok(recordTypes().length >= 20, 'the schemas folder was found');
    assert.deepEqual(missingTypes(counted), []);
    assert.ok(total(counted) >= RECORDS, `${total(counted)} records`);
  });

  it('every model, its rows deleted and forged, comes from the log alone to what an unharmed server has, row by row, while people read and write', async (t) => {
    await apart.stop();
    const copy = await copyDatabase(apart);
    await restart(apart, {});
    await using core = await openBeside(apart.env('owner'));
    await using unharmed = await followUnharmed(core, copy);
    await using models = await openReadModels(core);
    await models.start(false);
    const trial = new Trial({ apart, scene, core, unharmed, models }, (line) => t.diagnostic(line));
    await trial.rebuildAll();
    await trial.compareAll();
    await scene.check();
    await checkLog(core, scene.acknowledged, scene.violations);
    assert.equal(scene.violations.count, 0, `\n${scene.violations}`);
  });
});

interface Parts {
  readonly apart: Apart;
  readonly scene: Scene;
  readonly core: Core;
  readonly unharmed: Unharmed;
  /** The server's own models, as this process sees them beside it. */
  readonly models: ReadModels;
}

class Trial {
  readonly #parts: Parts;
  readonly #say: Say;
  /** Rebuilds that were long. */
  #long = 0;

  constructor(parts: Parts, say: Say) {
    this.#parts = parts;
    this.#say = say;
  }

  /** Harms and rebuilds one model after the other, while everybody goes on. */
  async rebuildAll(): Promise<void> {
    const { scene, models } = this.#parts;
    await this.#compact();
    const onlooker = await scene.onlooker();
    scene.startWriting();
    onlooker.start();
    try {
      for (const { name } of models.projections.models) await this.#rebuild(name, onlooker);
    } finally {
      await onlooker.stop();
      await scene.stop();
    }
    assert.ok(this.#long > 0 || RECORDS < 100_000, 'some rebuild took long enough for people to be there');
  }

  /**
   * What is rebuilt from is the log as compaction leaves it, which it does every six hours. The unharmed server has
   * read the whole log.
   */
  async #compact(): Promise<void> {
    const { log } = this.#parts.core;
    for (const topic of topicNames.filter((name) => topics[name].kept === 'compacted')) {
      const before = await standing(log, topic);
      for (let slot = 0; slot < log.slots; slot += 1) await log.compact(topic, slot);
      const after = await standing(log, topic);
      this.#say(`${topic}: of ${before} records ${before - after} were replaced by later ones, and are gone`);
      if (topic === 'user_values') assert.ok(after < before, 'compaction has taken records away');
    }
  }

  async #rebuild(model: string, onlooker: Onlooker): Promise<void> {
    const { apart, scene, models } = this.#parts;
    await using postgres = await connected(urlOf(apart));
    const old = (await activeSchemas(postgres.client)).get(model) ?? '';
    const harmed = await harm(postgres.client, old, NEEDED_MEANWHILE.has(model) ? scene.names : []);
    for (const { table, rows, deleted, forged } of harmed)
      this.#say(`${old}.${table}: of ${rows} rows ${deleted} deleted, ${forged} forged`);
    assert.ok(
      harmed.every(({ rows, deleted, forged }) => rows < 20 || deleted + forged > 0),
      `every table of ${old} is harmed`,
    );
    const before = scene.progress();
    onlooker.take();
    let probe: Promise<readonly string[]> | undefined;
    const report = await models.projections.rebuild(model, {
      interleave: 'random',
      seed: scene.seed,
      onProgress: () => {
        probe ??= canRead(postgres.client, 'milena_builder', old);
      },
    });
    const [answers, written] = [onlooker.take(), scene.progress()];
    this.#say(
      `${model}: ${report.records} records in ${Math.round(report.ms)} ms; meanwhile ` +
        `${sum(written) - sum(before)} messages were sent, and reads answered: ` +
        [...answers].map(([status, count]) => `${count} × ${status}`).join(', '),
    );
    assert.ok(report.isolated, `${model} was built by a role of its own`);
    assert.deepEqual(await probe, [], `tables of ${old} that the role that builds can read`);
    if (report.ms > LONG_MS) {
      assert.ok(sum(written) > sum(before), `somebody wrote while ${model} was rebuilt`);
      assert.ok((answers.get(200) ?? 0) > 0, `somebody read while ${model} was rebuilt`);
    }
    this.#long += report.ms > LONG_MS ? 1 : 0;
    assert.equal(answers.get('none'), undefined, `reads that got no answer while ${model} was rebuilt`);
    assert.ok(await scene.progressSince(written), `every writer got on after ${model} was rebuilt`);
  }

  /** When all is quiet, nothing tells the rebuilt rows from those of the unharmed server. */
  async compareAll(): Promise<void> {
    const { apart, core, unharmed, models } = this.#parts;
    await caughtUp(models, core);
    await caughtUp(unharmed.models, core);
    await using here = await connected(urlOf(apart));
    await using there = await connected(unharmed.url);
    const [rebuilt, kept] = [await activeSchemas(here.client), await activeSchemas(there.client)];
    for (const { name } of models.projections.models) {
      const [ours, theirs] = [rebuilt.get(name) ?? '', kept.get(name) ?? ''];
      assert.notEqual(ours, theirs, `${name} was switched`);
      const compared = await compareRows(
        { client: here.client, schema: ours },
        { client: there.client, schema: theirs },
      );
      for (const { table, rows, onlyFirst, onlySecond } of compared) {
        assert.deepEqual({ onlyFirst, onlySecond }, { onlyFirst: [], onlySecond: [] }, `${name}.${table}`);
        this.#say(`${name}.${table}: ${rows} rows as the unharmed server has them`);
      }
      assert.deepEqual(await poisoned(here.client, ours), [], `records that ${ours} has set aside`);
      assert.deepEqual(await poisoned(there.client, theirs), [], `records that the unharmed ${theirs} has`);
    }
  }
}

async function restart(apart: Apart, settings: Readonly<Record<string, string>>): Promise<void> {
  await apart.stop();
  for (const process of apart.processes.values()) await process.start(settings);
}

/** Sends until the log holds enough. */
async function fill(apart: Apart, client: pg.Client): Promise<void> {
  const all = await senders(apart.url, 10, 5);
  const end = performance.now() + LOAD_SECONDS * 1000;
  for (;;) {
    const missing = RECORDS - total(await census(client));
    const seconds = (end - performance.now()) / 1000;
    if (missing <= 0 || seconds <= 1) return;
    const plan = {
      kind: 'send',
      url: apart.url,
      senders: all,
      characters: 100,
      seconds,
      atMost: missing,
    } as const;
    const { problems } = await runPlan(plan, () => undefined, (seconds + 30) * 1000);
    assert.deepEqual(problems, []);
  }
}

function total(counted: ReadonlyMap<string, number>): number {
  return sum([...counted.values()]);
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((all, one) => all + one, 0);
}

/** Records that stand in all of a topic. */
async function standing(log: EventLog, topic: TopicName): Promise<number> {
  let records = 0;
  for (const [partition, to] of (await log.ends(topic)).entries()) {
    const reading = { from: { offset: 0, epoch: 0 }, to };
    for await (const batch of log.read(topic, partition, reading)) records += batch.records.length;
  }
  return records;
}

function urlOf(apart: Apart): string {
  return apart.env('owner')['MILENA_POSTGRES_URL'] ?? '';
}

async function connected(url: string): Promise<AsyncDisposable & { readonly client: pg.Client }> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  return { client, [Symbol.asyncDispose]: () => client.end() };
}

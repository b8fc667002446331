import { MilenaError } from '../../src/errors/milena-error.ts';
import type { FactReaderParts } from '../../src/log/fact-reader.ts';
import type { TopicName } from '../../src/log/topics.ts';
import { ActiveSchemas, type ModelDatabase } from './active-schemas.ts';
import { Announcer } from './announcer.ts';
import { Database, type DatabaseOptions } from './database.ts';
import { isProjected, type LeaseHandlers, Leases, MANAGERS } from './leases.ts';
import type { ReadModel } from './model.ts';
import type { RebuildOptions, RebuildReport } from './one-rebuild.ts';
import type { PartitionFeed } from './partition-feed.ts';
import { Positions } from './positions.ts';
import { rebuild } from './rebuild.ts';
import { schemaCheckpoints } from './rebuild-switch.ts';
import { createRecordSource, type RecordSource } from './record-source.ts';
import {
  createFirstSchema,
  isUsable,
  migrateFramework,
  type RegisteredModel,
  registeredModels,
  setPaused,
} from './registry.ts';
import { rollBack } from './roll-back.ts';
import { Runner } from './runner.ts';
import { Signals } from './signals.ts';
import { type ModelStatus, modelStatus } from './status.ts';

/** What the read models of a process are opened with. */
export interface ProjectionsOptions {
  readonly database: DatabaseOptions;
  readonly log: FactReaderParts;
  readonly models: readonly ReadModel[];
  /**
   * Whether other processes are told when checkpoints move (default true). A process that has all roles and the
   * database to itself saves the statements.
   */
  readonly announce?: boolean;
}

/** How long a busy partition's records gather, if nobody in this process waits for them. */
const GATHER_MS = 20;

/** The same where others may wait in other processes, of whom nothing is known. */
const GATHER_APART_MS = 5;

/** The read models, as one process has them: queries for all, projectors where `project` was called. */
export class Projections implements AsyncDisposable {
  readonly database: Database;
  readonly positions = new Positions();
  readonly source: RecordSource;
  readonly #options: ProjectionsOptions;
  readonly #schemas: ActiveSchemas;
  readonly #signals: Signals;
  readonly #runner: Runner;
  readonly #announcer: Announcer | undefined;
  #leases: Leases | undefined;
  #managers: Leases | undefined;
  #registered: ReadonlyMap<string, RegisteredModel> = new Map();
  #refreshing: Promise<unknown> = Promise.resolve();
  #closing: Promise<void> | undefined;
  readonly #onRefreshed: (() => void)[] = [];

  private constructor(options: ProjectionsOptions) {
    this.#options = options;
    this.database = new Database(options.database);
    this.source = createRecordSource(options.log);
    this.#schemas = new ActiveSchemas(this.database);
    this.#signals = new Signals(this.database);
    const { models } = options;
    const { slots, generation } = options.log.log;
    const { database, source, positions } = this;
    const gatherMs = options.announce === false ? GATHER_MS : GATHER_APART_MS;
    this.#runner = new Runner({ database, source, positions, models, slots, generation, gatherMs });
    const announcer = new Announcer(this.#signals, positions, options.announce ?? true);
    this.#announcer = announcer;
    this.#signals.on('positions', (payload) => announcer.hear(payload, positions));
    this.#signals.on('models', (payload) => this.#heard(payload));
    this.#signals.onConnected(() => this.#refresh());
  }

  /**
   * Connects, makes the tables that are missing, and knows where every model stands. A model that other code, or
   * another log, has made is left as it is: see `outdated`.
   */
  static async open(options: ProjectionsOptions): Promise<Projections> {
    const projections = new Projections(options);
    const { database } = projections;
    try {
      await migrateFramework(database);
      const { slots, generation } = options.log.log;
      const registered = await registeredModels(database);
      for (const model of options.models) {
        if (!registered.has(model.name)) await createFirstSchema(database, model, slots, generation);
      }
      await projections.#refresh();
      return projections;
    } catch (error) {
      await database.close();
      throw error;
    }
  }

  /** Runs queries over the active schemas. */
  get queries(): ModelDatabase {
    return this.#schemas;
  }

  /** The models. */
  get models(): readonly ReadModel[] {
    return this.#options.models;
  }

  /**
   * Listens to other processes; with `project`, holds partitions and projects them; with `manage`, holds its share of
   * the partitions that process managers follow. Both as long as all models are usable: until then, and after newer
   * software has switched, that is left to who can. Call once.
   */
  async start(options: { readonly project: boolean; readonly manage?: LeaseHandlers }): Promise<void> {
    const { slots } = this.#options.log.log;
    if (options.manage !== undefined)
      this.#managers = new Leases(this.#signals, slots, options.manage, MANAGERS);
    if (options.project) {
      this.#leases = new Leases(this.#signals, slots, {
        gained: (partition) => this.#runner.gained(partition),
        lost: (partition) => this.#runner.lost(partition),
      });
    }
    await this.#signals.start();
  }

  /** Models whose rows were made by another version of the code, or from another log: to be rebuilt. */
  outdated(): readonly string[] {
    return this.#options.models.filter((model) => this.#isOutdated(model)).map((model) => model.name);
  }

  /** Models that this version of the code cannot serve as they are: made by another version, or from another log. */
  unusable(): readonly string[] {
    const { generation } = this.#options.log.log;
    return this.#options.models
      .filter((model) => !isUsable(model, this.#registered.get(model.name), generation))
      .map((model) => model.name);
  }

  /** Calls `changed` whenever it has been read anew which schemas are active. */
  onRefreshed(changed: () => void): void {
    this.#onRefreshed.push(changed);
  }

  /**
   * Goes back at once to schemas that this version of the code made; rebuilds what is outdated then, together.
   * @throws MilenaError UNAVAILABLE while newer software projects: a node of the old version that is merely
   *   started again must not take the schemas away from it.
   */
  async bringUpToDate(options: RebuildOptions = {}): Promise<void> {
    for (const name of this.outdated()) {
      const model = this.#model(name);
      const isOlder = (this.#registered.get(name)?.version ?? 0) > model.version;
      if (isOlder && (await isProjected(this.database))) {
        throw new MilenaError(
          'UNAVAILABLE',
          `${name} is served by newer software: stop that first, or this node`,
        );
      }
      if (await rollBack(this.database, model, model.version)) await this.#changed(name);
    }
    await this.#rebuild(this.outdated(), options);
  }

  /** Builds a model anew beside the old schema, then switches; see `rebuild.ts`. */
  async rebuild(name: string, options: RebuildOptions = {}): Promise<RebuildReport> {
    const [report] = await this.#rebuild([name], options);
    if (report === undefined) throw new MilenaError('NOT_FOUND', `there is no model ${name}`);
    return report;
  }

  async #rebuild(names: readonly string[], options: RebuildOptions): Promise<readonly RebuildReport[]> {
    if (names.length === 0) return [];
    const parts = { database: this.database, source: this.source, log: this.#options.log.log };
    const reports = await rebuild(
      parts,
      names.map((name) => this.#model(name)),
      options,
    );
    await this.#changed(names.join(' '));
    return reports;
  }

  /** Makes the schema active again that was so before the last rebuild. It catches up by itself. */
  async rollBack(name: string): Promise<void> {
    const model = this.#model(name);
    if (!(await rollBack(this.database, model, model.version))) {
      throw new MilenaError('NOT_FOUND', `there is no schema of ${name} to go back to`);
    }
    await this.#changed(name);
  }

  /** Stops a model's projectors in all processes, until `resume`. */
  async pause(name: string): Promise<void> {
    await setPaused(this.database, name, true);
    await this.#changed(name);
  }

  /** Ends a pause. */
  async resume(name: string): Promise<void> {
    await setPaused(this.database, name, false);
    await this.#changed(name);
  }

  /** Has a model try again what it has set aside, wherever its projectors run. Returns at once. */
  async retryPoison(name: string): Promise<void> {
    await this.#signals.tell('models', `retry/${this.#model(name).name}`);
  }

  /** Gives up a record that a model can never apply, for good; what waits behind it is tried at once. */
  async discardPoison(name: string, topic: TopicName, partition: number, offset: number): Promise<void> {
    const place = [topic, partition, offset];
    await this.database.transaction(async (client) => {
      const { rowCount } = await client.query(
        `DELETE FROM projection.poison WHERE schema = $1 AND topic = $2 AND partition = $3
           AND record_offset = $4 AND reason IS NOT NULL`,
        [this.#schemas.of(name), ...place],
      );
      if (rowCount !== 1) throw new MilenaError('NOT_FOUND', `no such record of ${name} is set aside`);
      await client.query('INSERT INTO projection.discarded VALUES ($1, $2, $3, $4)', [name, ...place]);
    });
    await this.retryPoison(name);
  }

  /** How far the models are, and what they have set aside. */
  status(): Promise<readonly ModelStatus[]> {
    return modelStatus(this.database, this.#options.log.log, this.#options.models);
  }

  /** The time of the newest record that any model has read, milliseconds since the epoch; 0 when there is none. */
  async newestAt(): Promise<number> {
    const text = 'SELECT coalesce(max(last_at), 0) AS at FROM projection.checkpoints';
    return (await this.database.read<{ at: number }>(text))[0]?.at ?? 0;
  }

  /** Partitions that this process projects. */
  get held(): ReadonlySet<number> {
    return this.#leases?.held ?? new Set();
  }

  /** One partition's records, decoded once for all in this process who follow them. */
  feed(topic: TopicName, partition: number): PartitionFeed {
    return this.#runner.feed(topic, partition);
  }

  /** Gives back the partitions that process managers follow; resolves when they have ended. */
  async stopManaging(): Promise<void> {
    const managers = this.#managers;
    this.#managers = undefined;
    await managers?.leave();
  }

  /** Ends projectors and connections. Once is enough; more does no harm. */
  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    await this.stopManaging();
    await this.#leases?.leave();
    await this.#runner.stop();
    this.#announcer?.close();
    await this.#signals.stop();
    await this.database.close();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  #model(name: string): ReadModel {
    const model = this.#options.models.find((candidate) => candidate.name === name);
    if (model === undefined) throw new MilenaError('NOT_FOUND', `there is no model ${name}`);
    return model;
  }

  #isOutdated(model: ReadModel): boolean {
    const row = this.#registered.get(model.name);
    return row?.version !== model.version || row.generation !== this.#options.log.log.generation;
  }

  async #changed(name: string): Promise<void> {
    await this.#refresh();
    await this.#signals.tell('models', `changed/${name}`);
  }

  #heard(payload: string): void {
    const [what, name] = payload.split('/');
    if (what === 'retry' && name !== undefined) this.#runner.retryPoison(name);
    else void this.#refresh().catch(() => undefined); // A lost connection refreshes when it is back.
  }

  /** Reads which schemas are active and where they stand. One at a time, so that the newest wins. */
  #refresh(): Promise<void> {
    const next = this.#refreshing.then(() => this.#readRegistry());
    this.#refreshing = next.catch(() => undefined);
    return next;
  }

  async #readRegistry(): Promise<void> {
    const before = this.#registered;
    const registered = await registeredModels(this.database);
    this.#registered = registered;
    const unusable = this.unusable();
    // A model of another version has no schema here: its queries answer that it is not built yet.
    const served = [...registered].filter(([name]) => !unusable.includes(name));
    this.#schemas.set(new Map(served.map(([name, row]) => [name, row.active_schema])));
    if (unusable.length > 0) await Promise.all([this.#managers?.leave(), this.#leases?.leave()]);
    for (const [name, { active_schema: schema }] of registered) {
      const switched = before.get(name)?.active_schema !== schema;
      for (const { topic, partition, checkpoint } of await schemaCheckpoints(this.database, schema)) {
        const { offset } = checkpoint.position;
        if (switched) this.positions.reset(name, topic, partition, offset);
        else this.positions.moved(name, topic, partition, offset);
      }
    }
    await this.#runner.update(registered);
    if (unusable.length === 0 && this.#closing === undefined) {
      await Promise.all([this.#leases?.enter(), this.#managers?.enter()]);
    }
    for (const changed of this.#onRefreshed) changed();
  }
}

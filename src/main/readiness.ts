import type { ModelStatus } from '../../projections/framework/status.ts';
import type { Core } from './core.ts';
import type { Owners } from './owners.ts';
import type { ReadModels } from './read-models.ts';

/** Seconds that a read model may lag before a node says that it is not ready. */
const MAX_LAG_SECONDS = 30;

/** Why this node cannot serve, sentence by sentence; empty when it can. */
export class Readiness {
  readonly #core: Core;
  readonly #models: ReadModels;
  readonly #owners: Owners;
  #stopping = false;

  constructor(core: Core, models: ReadModels, owners: Owners) {
    this.#core = core;
    this.#models = models;
    this.#owners = owners;
  }

  /** From now on the node says that it stops. */
  stopping(): void {
    this.#stopping = true;
  }

  /** The reasons, found out now. */
  async reasons(): Promise<readonly string[]> {
    if (this.#stopping) return ['The server is stopping.'];
    const reasons = await Promise.all([this.#slots(), this.#lag()]);
    return reasons.flat();
  }

  async #slots(): Promise<readonly string[]> {
    try {
      const owners = await this.#owners.assignment.owners(true);
      const orphans = owners.filter((owner) => owner.node === undefined || owner.epoch === undefined);
      return orphans.length === 0
        ? []
        : [`Slots without an owner: ${orphans.map((owner) => owner.slot).join(', ')}.`];
    } catch {
      return [`The log (${this.#core.config.log}) cannot be reached.`];
    }
  }

  async #lag(): Promise<readonly string[]> {
    try {
      const statuses = await this.#models.projections.status();
      const unusable = statuses.filter((model) => !model.usable).map(whyUnusable);
      const late = statuses
        .filter((model) => model.usable)
        .filter((model) => Math.max(0, ...model.partitions.map((one) => one.lagSeconds)) > MAX_LAG_SECONDS)
        .map((model) => `The read model ${model.name} is more than ${MAX_LAG_SECONDS} seconds behind.`);
      return [...unusable, ...late];
    } catch {
      return ['The Postgres of the read models cannot be reached.'];
    }
  }
}

function whyUnusable({ name, version, codeVersion, building, built, partitions }: ModelStatus): string {
  if (version > codeVersion) {
    return `The read model ${name} was built by newer software (version ${version}; this node reads ${codeVersion}).`;
  }
  const of = partitions.reduce((sum, one) => sum + one.records + one.lagRecords, 0);
  const how = building === null ? 'and waits for its turn' : `${built} of about ${of} records are in it`;
  return `The read model ${name} is being built for this version of the software: ${how}.`;
}

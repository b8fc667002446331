import type { OwnerService } from '../owner/owner-service.ts';
import type { ReadModels } from './read-models.ts';

/**
 * Has this node own slots as long as its software can serve the read models, from which owners load what they
 * decide on: not before models of another version are built, and not after newer software has switched to its own.
 */
export class OwnWhileUsable implements AsyncDisposable {
  readonly #service: Pick<OwnerService, 'start' | 'stop'>;
  readonly #models: Pick<ReadModels, 'usable' | 'onUsable'>;
  readonly #report: (error: unknown) => void;
  #wanted = false;
  #owns = false;
  #work: Promise<void> = Promise.resolve();

  /** @param report told when the node could not join or leave after the start. */
  constructor(
    service: Pick<OwnerService, 'start' | 'stop'>,
    models: Pick<ReadModels, 'usable' | 'onUsable'>,
    report: (error: unknown) => void,
  ) {
    this.#service = service;
    this.#models = models;
    this.#report = report;
  }

  /** Owns from now on, or as soon as it can. Call once. @throws what joining throws, if that is now. */
  begin(): Promise<void> {
    this.#wanted = true;
    this.#models.onUsable(() => {
      this.#settle().catch(this.#report);
    });
    return this.#settle();
  }

  /** Leaves; what is under way is finished first. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#wanted = false;
    await this.#settle();
  }

  /** One at a time: joining and leaving must not overlap. */
  #settle(): Promise<void> {
    const settled = this.#work.then(async () => {
      const should = this.#wanted && this.#models.usable();
      if (should === this.#owns) return;
      this.#owns = should;
      await (should ? this.#service.start() : this.#service.stop());
    });
    this.#work = settled.catch(() => undefined);
    return settled;
  }
}

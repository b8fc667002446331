/** What is done for one partition for as long as this process holds it; ends when the signal aborts. */
export type PartitionTask = (partition: number, signal: AbortSignal) => Promise<void>;

/**
 * Runs a task for each partition that this process holds (`projections/framework/leases.ts`). A task must survive
 * failures itself: one that ends is not begun again.
 */
export class PartitionWork {
  readonly #task: PartitionTask;
  readonly #report: (error: unknown) => void;
  readonly #running = new Map<number, { readonly stop: AbortController; readonly ended: Promise<void> }>();

  constructor(task: PartitionTask, report: (error: unknown) => void) {
    this.#task = task;
    this.#report = report;
  }

  /** The partition is this process's. */
  gained(partition: number): void {
    const stop = new AbortController();
    const ended = this.#task(partition, stop.signal).catch((error: unknown) => {
      if (!stop.signal.aborted) this.#report(error);
    });
    this.#running.set(partition, { stop, ended });
  }

  /** It is so no more. Resolves when nothing of it is under way. */
  async lost(partition: number): Promise<void> {
    const running = this.#running.get(partition);
    this.#running.delete(partition);
    running?.stop.abort();
    await running?.ended;
  }
}

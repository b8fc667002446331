import type { SlotAssignment } from '../port.ts';

/** What the owner is told. */
export type SlotCallbacks = Parameters<SlotAssignment['join']>[1];

/**
 * The slots that an owner was told it has. `gained` and `lost` of a slot never overlap; a slot that is being
 * lost does not count as held from the first moment.
 */
export class HeldSlots {
  readonly #callbacks: SlotCallbacks;
  readonly #failed: (slot: number, error: unknown) => void;
  readonly #held = new Set<number>();
  readonly #telling = new Map<number, Promise<void>>();

  /** @param failed called when `gained` or `lost` rejects; after a failed `gained` the slot is not held. */
  constructor(callbacks: SlotCallbacks, failed: (slot: number, error: unknown) => void) {
    this.#callbacks = callbacks;
    this.#failed = failed;
  }

  has(slot: number): boolean {
    return this.#held.has(slot);
  }

  all(): readonly number[] {
    return [...this.#held];
  }

  /** Tells the owner of a slot, unless it has it. */
  gain(slot: number): void {
    if (this.#held.has(slot)) return;
    this.#held.add(slot);
    void this.#tell(slot, async () => {
      // It may have been lost again while the owner was still closing it.
      if (this.#held.has(slot)) await this.#callbacks.gained(slot);
    });
  }

  /** Tells the owner that a slot is lost; resolves when it has closed it. */
  lose(slot: number): Promise<void> {
    if (!this.#held.delete(slot)) return this.#telling.get(slot) ?? Promise.resolve();
    return this.#tell(slot, () => this.#callbacks.lost(slot));
  }

  /** Loses all, and waits for what the owner is still being told. */
  async loseAll(): Promise<void> {
    for (const slot of this.all()) void this.lose(slot);
    await Promise.all(this.#telling.values());
  }

  #tell(slot: number, what: () => Promise<void>): Promise<void> {
    const told = (this.#telling.get(slot) ?? Promise.resolve()).then(what).catch((error: unknown) => {
      this.#failed(slot, error);
    });
    this.#telling.set(slot, told);
    return told;
  }
}

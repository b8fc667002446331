import { isMilenaError, MilenaError } from '../errors/milena-error.ts';
import type { SlotAssignment } from '../log/port.ts';
import { slotOf } from '../log/slot.ts';
import type { Command, CommandBus, CommandResult, CreateRoom } from './commands.ts';
import { needsSaga, runCreateRoom, type StepDone } from './create-room-saga.ts';
import type { Kinds } from './kinds/kinds.ts';
import type { Loader, SagaSnapshot } from './loader.ts';
import { openSagas } from './open-sagas.ts';
import type { SlotLog } from './slot-log.ts';
import { SlotOwner } from './slot-owner.ts';
import { subjectOf } from './subject.ts';

/** How often a command is tried again on this node after an append whose outcome is not known. */
const TRIES = 4;
/** Milliseconds between tries to finish sagas, doubled up to the last. */
const SAGA_MS = 1_000;
const LAST_SAGA_MS = 60_000;
/** Milliseconds between tries to open a slot whose log or models cannot be reached. */
const REOPEN_MS = 250;

/** What the owners of a node work with. */
export interface OwnerServiceDeps {
  readonly slots: number;
  readonly assignment: SlotAssignment;
  /** This node's address on the internal listener; asked for when it joins. */
  readonly node: () => string;
  readonly slotLog: (slot: number) => SlotLog;
  readonly loader: Loader;
  readonly kinds: Kinds;
  readonly bus: CommandBus;
  readonly now: () => number;
  readonly keep: number;
  /** Milliseconds after which a claim is renewed: brokers forget producers that were idle for days. */
  readonly renewMs: number;
  readonly stepDone: StepDone;
  readonly report: (event: OwnerEvent) => void;
}

/** What happens to slots, for logs and metrics. */
export interface OwnerEvent {
  readonly slot: number;
  readonly what: 'opened' | 'lost' | 'broken' | 'open_failed' | 'saga_failed';
  readonly epoch?: number;
  readonly error?: unknown;
}

/** A slot that this node has been given: opening, serving, or between two claims. */
interface Held {
  readonly log: SlotLog;
  owner: Promise<SlotOwner>;
  lost: boolean;
  /** Somebody runs the open sagas. */
  finishing: boolean;
}

/** The owners of this node's slots (architecture, section 4). */
export class OwnerService {
  private readonly deps: OwnerServiceDeps;
  private readonly held = new Map<number, Held>();

  constructor(deps: OwnerServiceDeps) {
    this.deps = deps;
  }

  /** Joins the settlement of slots; from then on they are gained and lost. */
  start(): Promise<void> {
    return this.deps.assignment.join(this.deps.node(), {
      gained: (slot) => this.gain(slot),
      lost: (slot) => this.lose(slot),
    });
  }

  /**
   * Decides a command of a slot that this node owns; resolves when the log has it.
   * @throws MilenaError NOT_OWNER when another node does; whatever the aggregate refuses with.
   */
  async execute(command: Command): Promise<CommandResult> {
    const subject = subjectOf(command);
    const slot = slotOf(subject.slotKey, this.deps.slots);
    for (let attempt = 1; ; attempt += 1) {
      const owner = await this.owner(slot);
      try {
        if (command.kind === 'create_room' && needsSaga(command))
          return await this.createRoom(slot, owner, command);
        return await owner.execute(subject, command);
      } catch (error) {
        // Not known, or certainly not written: claimed anew, the duplicate filter knows which.
        const again = isMilenaError(error, 'INDEFINITE') || isMilenaError(error, 'FENCED');
        if (!again || attempt >= TRIES) throw error;
      }
    }
  }

  /** Leaves; what is under way is finished first. */
  async stop(): Promise<void> {
    await this.deps.assignment.leave();
    await Promise.all([...this.held.keys()].map((slot) => this.lose(slot)));
  }

  private async createRoom(slot: number, owner: SlotOwner, command: CreateRoom): Promise<CommandResult> {
    try {
      return await runCreateRoom(command, this.saga(owner));
    } catch (error) {
      const held = this.held.get(slot);
      // Its client gets the error; what is begun is finished all the same.
      if (held !== undefined && !(isMilenaError(error) && error.status < 500))
        void this.finishSagas(slot, held);
      throw error;
    }
  }

  private async owner(slot: number): Promise<SlotOwner> {
    const held = this.held.get(slot);
    if (held === undefined) throw notOwner(slot);
    const owner = await held.owner;
    // A node that was suspended may have lost its lease without knowing: it answers nothing.
    if (performance.now() >= this.deps.assignment.leaseUntil(slot)) throw notOwner(slot);
    return owner;
  }

  private async gain(slot: number): Promise<void> {
    const held: Held = {
      log: this.deps.slotLog(slot),
      owner: Promise.reject(notOwner(slot)),
      lost: false,
      finishing: false,
    };
    held.owner.catch(() => undefined);
    this.held.set(slot, held);
    await this.reopen(slot, held);
  }

  private async lose(slot: number): Promise<void> {
    const held = this.held.get(slot);
    if (held === undefined) return;
    held.lost = true;
    this.held.delete(slot);
    const owner = await held.owner.catch(() => undefined);
    owner?.fail(notOwner(slot));
    await held.log.close();
    this.deps.report({ slot, what: 'lost' });
  }

  private reopen(slot: number, held: Held): Promise<unknown> {
    held.owner = this.open(slot, held);
    // Whoever waits for the slot sees the rejection; nobody else need.
    held.owner.catch(() => undefined);
    return held.owner.catch(() => undefined);
  }

  private async open(slot: number, held: Held): Promise<SlotOwner> {
    for (;;) {
      if (held.lost) throw notOwner(slot);
      const owner = this.newOwner(slot, held);
      try {
        await owner.open();
        await this.deps.assignment.claimed(slot, owner.epoch);
        this.deps.report({ slot, what: 'opened', epoch: owner.epoch });
        this.renewLater(owner);
        // Not awaited here: it waits for this very owner.
        void this.finishSagas(slot, held);
        return owner;
      } catch (error) {
        this.deps.report({ slot, what: 'open_failed', error });
        await new Promise((resolve) => setTimeout(resolve, REOPEN_MS));
      }
    }
  }

  /**
   * Ends an owner after a while, as a failed append does: the slot is claimed anew, and what waits then is
   * decided by the next owner, whose duplicate filter knows what was written.
   */
  private renewLater(owner: SlotOwner): void {
    const renew = (): void => owner.fail(new MilenaError('FENCED', 'The claim is renewed.'));
    setTimeout(renew, this.deps.renewMs).unref();
  }

  private newOwner(slot: number, held: Held): SlotOwner {
    const { loader, kinds, now, keep } = this.deps;
    const broken = (error: unknown): void => {
      if (held.lost) return;
      this.deps.report({ slot, what: 'broken', error });
      void this.reopen(slot, held);
    };
    return new SlotOwner({ log: held.log, loader, kinds, now, keep, broken });
  }

  private saga(owner: SlotOwner) {
    return { owner, bus: this.deps.bus, stepDone: this.deps.stepDone };
  }

  /**
   * Runs what was begun and not ended: by the owner before, or here with an error that may pass. Those that
   * fail are tried again as long as this owner is the slot's.
   */
  private async finishSagas(slot: number, held: Held): Promise<void> {
    if (held.finishing) return;
    held.finishing = true;
    let pause = SAGA_MS;
    try {
      while (!held.lost && !(await this.finishedSagas(slot, held))) {
        await new Promise((resolve) => setTimeout(resolve, pause).unref());
        pause = Math.min(2 * pause, LAST_SAGA_MS);
      }
    } finally {
      held.finishing = false;
    }
  }

  /** One try at every open saga. @returns false when some are still open. */
  private async finishedSagas(slot: number, held: Held): Promise<boolean> {
    try {
      const owner = await held.owner;
      const sagas: readonly SagaSnapshot[] = await openSagas(slot, held.log, this.deps.loader);
      const done = await Promise.all(sagas.map(({ command }) => this.finishSaga(slot, owner, command)));
      return done.every((one) => one);
    } catch (error) {
      this.deps.report({ slot, what: 'saga_failed', error });
      return false;
    }
  }

  private async finishSaga(slot: number, owner: SlotOwner, command: string): Promise<boolean> {
    try {
      await runCreateRoom(JSON.parse(command), this.saga(owner));
      return true;
    } catch (error) {
      // A refusal is the saga's end, and recorded.
      if (isMilenaError(error) && error.status < 500) return true;
      this.deps.report({ slot, what: 'saga_failed', error });
      return false;
    }
  }
}

function notOwner(slot: number): MilenaError {
  return new MilenaError('NOT_OWNER', undefined, { log: { slot } });
}

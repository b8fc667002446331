import { isMilenaError, MilenaError } from '../errors/milena-error.ts';
import type { SlotOwner as SlotOwnerEntry } from '../log/port.ts';
import { slotOf } from '../log/slot.ts';
import type { Command, CommandBus, CommandResult } from './commands.ts';
import { subjectOf } from './subject.ts';

/** How a command reaches its owner. */
export interface RouterDeps {
  readonly slots: number;
  /** This node's own owners; undefined on a node without that role. */
  readonly local: { execute(command: Command): Promise<CommandResult> } | undefined;
  /** This node's address, so that it does not send to itself. */
  readonly node: () => string;
  /** Sends to another node. Rejects with NOT_OWNER (421) or UNAVAILABLE (cannot be reached) to be tried again. */
  readonly forward: (node: string, command: Command) => Promise<CommandResult>;
  /** Who owns what; `fresh` asks the log again. */
  readonly owners: (fresh: boolean) => Promise<readonly SlotOwnerEntry[]>;
  /** Milliseconds after which a command is given up. */
  readonly timeoutMs: number;
}

/** Milliseconds between tries, doubled up to the last. */
const FIRST_PAUSE = 5;
const LAST_PAUSE = 500;

/**
 * Sends commands to owners: at once where this node is the owner, else by the internal listener. While a slot
 * moves it tries again with the same command ID, which makes repeating safe.
 */
export class CommandRouter implements CommandBus {
  private readonly deps: RouterDeps;

  constructor(deps: RouterDeps) {
    this.deps = deps;
  }

  /** @throws MilenaError UNAVAILABLE when no owner could be reached in time, or what the owner refuses with. */
  async execute(command: Command): Promise<CommandResult> {
    const slot = slotOf(subjectOf(command).slotKey, this.deps.slots);
    const deadline = performance.now() + this.deps.timeoutMs;
    for (let pause = FIRST_PAUSE, fresh = false; ; pause = Math.min(2 * pause, LAST_PAUSE), fresh = true) {
      try {
        return await this.send(slot, command, fresh);
      } catch (error) {
        if (!mayMove(error)) throw error;
        if (performance.now() + pause > deadline) {
          throw new MilenaError('UNAVAILABLE', 'No owner could be reached in time.', { cause: error });
        }
      }
      await new Promise((resolve) => setTimeout(resolve, pause));
    }
  }

  private async send(slot: number, command: Command, fresh: boolean): Promise<CommandResult> {
    const { local, node, forward, owners } = this.deps;
    if (local !== undefined) {
      try {
        return await local.execute(command);
      } catch (error) {
        if (!isMilenaError(error, 'NOT_OWNER')) throw error;
      }
    }
    const owner = (await owners(fresh)).find((one) => one.slot === slot);
    if (owner?.node === undefined || owner.node === node()) throw new MilenaError('NOT_OWNER');
    return forward(owner.node, command);
  }
}

/** Errors that another try, perhaps at another node, may not meet. */
function mayMove(error: unknown): boolean {
  return (
    isMilenaError(error, 'NOT_OWNER') ||
    isMilenaError(error, 'UNAVAILABLE') ||
    isMilenaError(error, 'FENCED') ||
    isMilenaError(error, 'INDEFINITE') ||
    isMilenaError(error, 'LOG_UNAVAILABLE')
  );
}

import { setTimeout as sleep } from 'node:timers/promises';
import type { OpenedRecord } from '../../projections/framework/model.ts';
import type { PartitionFeed } from '../../projections/framework/partition-feed.ts';
import type { ReadPosition } from '../log/port.ts';
import { asUserId, type UserId } from '../matrix/identifiers.ts';
import { type CloseDeps, closeAccount, type DeactivatedAccount } from './close-account.ts';

/** Milliseconds before what failed is tried again, doubled up to the last. */
const RETRY_MS = 500;
const LAST_RETRY_MS = 60_000;
/** Records looked at in one go. */
const BATCH = 1_000;

/** What the manager works with. */
export interface AccountCloserDeps extends CloseDeps {
  readonly feed: (topic: 'users', partition: number) => Pick<PartitionFeed, 'cursor'>;
  /** Where the model of accounts stands in a partition of `users`. */
  readonly checkpoint: (partition: number) => Promise<ReadPosition>;
  /** Accounts of a partition that the model knows to be deactivated, and not to be closed. */
  readonly unclosed: (partition: number) => Promise<readonly DeactivatedAccount[]>;
  readonly report: (error: unknown) => void;
}

/**
 * Follows deactivations and does what comes of them, so that nobody's request waits for a write in each room. That
 * it is done is on the log (`account_closed`): what was not when a process was killed is begun again.
 */
export class AccountCloser {
  readonly #deps: AccountCloserDeps;

  constructor(deps: AccountCloserDeps) {
    this.#deps = deps;
  }

  /** Follows one partition until the signal aborts. */
  async follow(partition: number, signal: AbortSignal): Promise<void> {
    let pause = RETRY_MS;
    while (!signal.aborted) {
      try {
        await this.#followOnce(partition, signal, () => {
          pause = RETRY_MS;
        });
      } catch (error) {
        if (signal.aborted) return;
        this.#deps.report(error);
        await sleep(pause, undefined, { signal }).catch(() => undefined);
        pause = Math.min(2 * pause, LAST_RETRY_MS);
      }
    }
  }

  /** From what the model knows on along the tail. @param done called whenever an account was closed. */
  async #followOnce(partition: number, signal: AbortSignal, done: () => void): Promise<void> {
    // The checkpoint first: what is behind it comes along the tail, perhaps a second time.
    const from = await this.#deps.checkpoint(partition);
    const open = new Map<UserId, DeactivatedAccount>();
    for (const account of await this.#deps.unclosed(partition)) open.set(account.user_id, account);
    const cursor = this.#deps.feed('users', partition).cursor(from);
    try {
      for (;;) {
        const failure = await this.#close(open, signal, done);
        // The others were closed all the same; those that failed are found again as not closed.
        if (failure !== undefined) throw failure;
        if (!(await cursor.ready(signal))) return;
        for (const { opened } of cursor.take(BATCH).records) take(open, opened);
      }
    } finally {
      await cursor.close();
    }
  }

  async #close(
    open: Map<UserId, DeactivatedAccount>,
    signal: AbortSignal,
    done: () => void,
  ): Promise<unknown> {
    let failure: unknown;
    for (const [userId, account] of open) {
      if (signal.aborted) return undefined;
      open.delete(userId);
      try {
        await closeAccount(this.#deps, account);
        done();
      } catch (error) {
        failure = error;
      }
    }
    return failure;
  }
}

function take(open: Map<UserId, DeactivatedAccount>, record: OpenedRecord | undefined): void {
  if (record?.fact?.type === 'account_closed') open.delete(asUserId(record.key));
  if (record?.fact?.type !== 'user_deactivated') return;
  const user_id = asUserId(record.key);
  open.set(user_id, { user_id, erase: record.fact.value.erase });
}

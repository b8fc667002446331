import type { OpenedRecord } from '../../projections/framework/model.ts';
import type { PartitionFeed } from '../../projections/framework/partition-feed.ts';
import type { ReadPosition } from '../log/port.ts';
import { asUserId, type UserId } from '../matrix/identifiers.ts';
import { type CloseDeps, closeAccount, type DeactivatedAccount } from './close-account.ts';
import { persistently, workOff } from './follow.ts';

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
  follow(partition: number, signal: AbortSignal): Promise<void> {
    return persistently(signal, this.#deps.report, async (done) => {
      // The checkpoint first: what is behind it comes along the tail, perhaps a second time.
      const from = await this.#deps.checkpoint(partition);
      const open = new Open(await this.#deps.unclosed(partition));
      await workOff(this.#deps.feed('users', partition).cursor(from), open, signal, async (account) => {
        await closeAccount(this.#deps, account);
        done();
      });
    });
  }
}

/** Accounts that are still to be closed. */
class Open {
  readonly #accounts = new Map<UserId, DeactivatedAccount>();

  constructor(accounts: readonly DeactivatedAccount[]) {
    for (const account of accounts) this.#accounts.set(account.user_id, account);
  }

  take(record: OpenedRecord | undefined): void {
    if (record?.fact?.type === 'account_closed') this.#accounts.delete(asUserId(record.key));
    if (record?.fact?.type !== 'user_deactivated') return;
    const user_id = asUserId(record.key);
    this.#accounts.set(user_id, { user_id, erase: record.fact.value.erase });
  }

  next(): DeactivatedAccount | undefined {
    for (const [user_id, account] of this.#accounts) {
      this.#accounts.delete(user_id);
      return account;
    }
    return undefined;
  }
}

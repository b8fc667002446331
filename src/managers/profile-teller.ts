import type { UntoldChange } from '../../projections/accounts/queries.ts';
import type { OpenedRecord } from '../../projections/framework/model.ts';
import type { PartitionFeed } from '../../projections/framework/partition-feed.ts';
import type { ReadPosition } from '../log/port.ts';
import { asUserId, type UserId } from '../matrix/identifiers.ts';
import { isShownInRooms } from '../matrix/profile-fields.ts';
import { persistently, workOff } from './follow.ts';
import { type ProfileChange, type TellDeps, tellProfile } from './tell-profile.ts';

/** What the manager works with. */
export interface ProfileTellerDeps extends TellDeps {
  readonly feed: (topic: 'users', partition: number) => Pick<PartitionFeed, 'cursor'>;
  /** Where the model of accounts stands in a partition of `users`. */
  readonly checkpoint: (partition: number) => Promise<ReadPosition>;
  /** What the model knows of, and whose telling is not on the log. */
  readonly untold: (partition: number) => Promise<readonly UntoldChange[]>;
  readonly report: (error: unknown) => void;
}

/**
 * Follows the changes of profiles and tells the rooms (spec: client-server API, "Events on Change of Profile
 * Information"), so that nobody's request waits for a write in each room. Its checkpoint is on the log, a compacted
 * record per user (`profile_told`): what was not told when a process was killed, or Postgres was lost and its models
 * rebuilt, is what a change has no such record behind it. The rooms' owners know the commands that they have seen, so
 * what is told twice is told once.
 */
export class ProfileTeller {
  readonly #deps: ProfileTellerDeps;

  constructor(deps: ProfileTellerDeps) {
    this.#deps = deps;
  }

  /** Follows one partition until the signal aborts. */
  follow(partition: number, signal: AbortSignal): Promise<void> {
    return persistently(signal, this.#deps.report, async (done) => {
      // The checkpoint first: what is behind it comes along the tail, perhaps a second time.
      const from = await this.#deps.checkpoint(partition);
      const changes = new Changes();
      for (const { user_id, field, offset } of await this.#deps.untold(partition)) {
        changes.add(user_id, field, offset);
      }
      await workOff(this.#deps.feed('users', partition).cursor(from), changes, signal, async (change) => {
        await tellProfile(this.#deps, change);
        done();
      });
    });
  }
}

/** Who has changed what, those first who have waited longest. Several changes of one user are told as one. */
class Changes {
  readonly #byUser = new Map<UserId, { readonly fields: Set<string>; through: number }>();

  add(userId: UserId, field: string, offset: number): void {
    const change = this.#byUser.get(userId) ?? { fields: new Set<string>(), through: offset };
    change.fields.add(field);
    change.through = Math.max(change.through, offset);
    this.#byUser.set(userId, change);
  }

  take(record: OpenedRecord | undefined): void {
    if (record?.fact?.type !== 'profile_changed' || !isShownInRooms(record.fact.value.field)) return;
    this.add(asUserId(record.key), record.fact.value.field, record.offset);
  }

  next(): ProfileChange | undefined {
    for (const [user_id, change] of this.#byUser) {
      this.#byUser.delete(user_id);
      return { user_id, ...change };
    }
    return undefined;
  }
}

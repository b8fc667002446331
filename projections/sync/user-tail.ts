import type { AccountDatum, ForgottenRoom, Membership } from './sync-event.ts';
import type { SyncTopic } from './token.ts';
import type { UserRules } from './user-rules.ts';

/** What the window holds of one user, in the order in which it was read. */
export class UserTail {
  /** Changes of the user's memberships, and profiles written again. */
  memberships: Membership[] = [];
  /** Rooms that the user forgot. */
  forgotten: ForgottenRoom[] = [];
  /** Account data that was set, fully-read markers among it. All of one partition. */
  accountData: AccountDatum[] = [];

  /** The last push rules, while the change is in the window. */
  rules: UserRules | undefined;

  /** Whether nothing is left. */
  get idle(): boolean {
    const left = this.memberships.length + this.forgotten.length + this.accountData.length;
    return left === 0 && this.rules === undefined;
  }

  /** Drops what stands in a partition before an offset. */
  drop(topic: SyncTopic, partition: number, before: number): void {
    if (topic === 'rooms') {
      const stays = (one: ForgottenRoom) => one.partition !== partition || one.offset >= before;
      this.memberships = this.memberships.filter(stays);
      this.forgotten = this.forgotten.filter(stays);
    } else {
      this.accountData = this.accountData.filter((one) => one.offset >= before);
      if (this.rules !== undefined && this.rules.offset < before) this.rules = undefined;
    }
  }

  /** The last word on each type and room since an offset, in the order in which they were said. */
  accountDataSince(offset: number): readonly AccountDatum[] {
    const last = new Map<string, AccountDatum>();
    for (const datum of this.accountData) {
      if (datum.offset < offset) continue;
      const name = `${datum.room_id ?? ''} ${datum.type}`;
      last.delete(name);
      last.set(name, datum);
    }
    return [...last.values()];
  }
}

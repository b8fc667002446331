import type {
  Account as ModelAccount,
  StoredDevice as ModelDevice,
  Session as ModelSession,
} from '../../../projections/accounts/queries.ts';
import type { RoomId, UserId } from '../../matrix/identifiers.ts';
import type { JsonObject } from '../../matrix/json.ts';
import type { PushRuleChanges } from '../../matrix/push-rule-changes.ts';

/** Who an access token stands for. */
export type Session = ModelSession;

/** A device. */
export type StoredDevice = ModelDevice;

/** An account as the model knows it. */
export type Account = Omit<ModelAccount, 'created_at'>;

/** What HTTP asks of the model of accounts. Answers may lag behind the log; see `freshness.ts`. */
export interface AccountReads {
  /** @param hash SHA-256 of the token, 64 hex digits. Undefined when no device of a live account has it. */
  session(hash: string): Promise<Session | undefined>;
  /** Who has a refresh token. @param hash its SHA-256, 64 hex digits. */
  refreshing(hash: string): Promise<UserId | undefined>;
  /** A user's devices, in the order of their IDs. */
  devices(userId: UserId): Promise<readonly StoredDevice[]>;
  account(userId: UserId): Promise<Account | undefined>;
  /** The fields of a profile, undefined when there is no such account. */
  profile(userId: UserId): Promise<JsonObject | undefined>;
  /** Account data as JSON text. */
  accountData(userId: UserId, roomId: RoomId | null, type: string): Promise<string | undefined>;
  /** What the user has changed about the push rules. */
  pushRules(userId: UserId): Promise<PushRuleChanges>;
  /** A filter as JSON text. */
  filter(userId: UserId, filterId: string): Promise<string | undefined>;
}

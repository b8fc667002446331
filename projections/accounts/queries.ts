import type { DeviceId, EventId, RoomId, UserId } from '../../src/matrix/identifiers.ts';
import type { JsonObject, JsonValue } from '../../src/matrix/json.ts';
import { type PushRuleChanges, parsePushRuleChanges } from '../../src/matrix/push-rule-changes.ts';
import type { ModelDatabase, ModelSql } from '../framework/active-schemas.ts';

/** Who an access token stands for. */
export interface Session {
  readonly user_id: UserId;
  readonly device_id: DeviceId;
  readonly kind: 'user' | 'guest';
  readonly admin: boolean;
  /** An administrator has locked the account: nothing but logging out is left. */
  readonly locked: boolean;
  /** An administrator has suspended the account: see `src/http/suspension.ts`. */
  readonly suspended: boolean;
  /** When the token ends, milliseconds since the epoch; null: never. */
  readonly expires_at: number | null;
  /** It came by a refresh and was not used yet: its first use ends the tokens before it. */
  readonly unused: boolean;
}

/** A device. */
export interface StoredDevice {
  readonly device_id: DeviceId;
  readonly display_name: string | null;
}

/** An account that was deactivated and has not left its rooms yet. */
export interface UnclosedAccount {
  readonly user_id: UserId;
  /** Whether the user wanted to be erased. */
  readonly erase: boolean;
}

/** An account. */
export interface Account {
  readonly user_id: UserId;
  readonly kind: 'user' | 'guest';
  readonly admin: boolean;
  readonly deactivated: boolean;
  readonly locked: boolean;
  readonly suspended: boolean;
  /** PHC string, null for an account without a password. */
  readonly password_hash: string | null;
  /** Milliseconds since the epoch. */
  readonly created_at: number;
}

/** A change of a profile that rooms show. */
export interface UntoldChange {
  readonly user_id: UserId;
  readonly field: string;
  /** Where it stands in the user's partition of `users`. */
  readonly offset: number;
}

/** A receipt with where it stands on the log. */
export interface StoredReceipt {
  readonly user_id: UserId;
  readonly room_id: RoomId;
  readonly receipt_type: string;
  /** Null for an unthreaded receipt. */
  readonly thread_id: string | null;
  readonly event_id: EventId;
  readonly place: number;
  readonly furthest_event_id: EventId;
  readonly furthest_place: number;
  readonly ts: number;
  readonly log_offset: number;
  /** The partition of `user_values` in which it stands. */
  readonly partition: number;
}

/** Account data with where it stands on the log. */
export interface StoredAccountData {
  /** Null for global data. */
  readonly room_id: RoomId | null;
  readonly type: string;
  /** JSON of an object. */
  readonly content: string;
  readonly log_offset: number;
}

const SESSION: ModelSql = (schema) => `SELECT t.user_id, t.device_id, u.kind, u.admin, u.locked, u.suspended,
    t.expires_at, t.position > 0 AS unused
  FROM ${schema('accounts')}.tokens t JOIN ${schema('accounts')}.users u USING (user_id)
  WHERE t.token_hash = decode($1, 'hex') AND NOT u.deactivated`;
const REFRESHING: ModelSql = (schema) => `SELECT user_id FROM ${schema('accounts')}.tokens
  WHERE refresh_hash = decode($1, 'hex') LIMIT 1`;
const ACCOUNT: ModelSql = (schema) =>
  `SELECT user_id, kind, admin, deactivated, locked, suspended, password_hash, created_at
  FROM ${schema('accounts')}.users WHERE user_id = $1`;
const UNCLOSED: ModelSql = (schema) => `SELECT user_id, erased AS erase FROM ${schema('accounts')}.users
  WHERE deactivated AND NOT closed ORDER BY user_id`;
const GUESTS: ModelSql = (schema) =>
  `SELECT user_id FROM ${schema('accounts')}.users WHERE kind = 'guest' AND NOT deactivated`;
const ACCOUNTS: ModelSql = (schema) =>
  `SELECT user_id, kind, admin, deactivated, locked, suspended, NULL AS password_hash, created_at
  FROM ${schema('accounts')}.users ORDER BY created_at, user_id`;
const DEVICES: ModelSql = (schema) =>
  `SELECT device_id, display_name FROM ${schema('accounts')}.devices WHERE user_id = $1 ORDER BY device_id`;
const PROFILE: ModelSql = (schema) => `SELECT p.field, p.value FROM ${schema('accounts')}.users u
  LEFT JOIN ${schema('accounts')}.profiles p USING (user_id) WHERE u.user_id = $1`;
const UNTOLD: ModelSql = (schema) => `SELECT c.user_id, c.field, c.log_offset AS offset
  FROM ${schema('accounts')}.shown_changes c LEFT JOIN ${schema('accounts')}.profiles_told t USING (user_id)
  WHERE c.partition = $1 AND c.log_offset > coalesce(t.through, -1) ORDER BY c.log_offset`;
const DATA: ModelSql = (schema) => `SELECT content FROM ${schema('accounts')}.account_data
  WHERE user_id = $1 AND room_id = $2 AND type = $3`;
const DATA_SINCE: ModelSql = (schema) => `SELECT nullif(room_id, '') AS room_id, type, content, log_offset
  FROM ${schema('accounts')}.account_data WHERE user_id = $1 AND log_offset >= $2 ORDER BY log_offset`;
const FILTER: ModelSql = (schema) =>
  `SELECT filter FROM ${schema('accounts')}.filters WHERE user_id = $1 AND filter_id = $2`;
const PUSH_RULES: ModelSql = (schema) =>
  `SELECT rules FROM ${schema('accounts')}.push_rules WHERE user_id = $1`;
const RECEIPT_COLUMNS = `user_id, room_id, receipt_type, nullif(thread_id, '') AS thread_id, event_id, place,
  furthest_event_id, furthest_place, ts, log_offset, partition`;
const ROOM_RECEIPTS: ModelSql = (schema) =>
  `SELECT ${RECEIPT_COLUMNS} FROM ${schema('accounts')}.receipts WHERE room_id = $1`;
const USER_RECEIPTS: ModelSql = (schema) =>
  `SELECT ${RECEIPT_COLUMNS} FROM ${schema('accounts')}.receipts WHERE user_id = $1`;
const USER_ROOM_RECEIPTS: ModelSql = (schema) =>
  `SELECT ${RECEIPT_COLUMNS} FROM ${schema('accounts')}.receipts WHERE user_id = $1 AND room_id = $2`;

/** The queries over the active schema of `accounts`. */
export class AccountQueries {
  readonly #database: ModelDatabase;

  constructor(database: ModelDatabase) {
    this.#database = database;
  }

  /** @param hash SHA-256 of the token, 64 hex digits. Undefined when no device of a live account has it. */
  async session(hash: string): Promise<Session | undefined> {
    return (await this.#database.query<Session>(SESSION, [hash]))[0];
  }

  /** Undefined when there is no such account. */
  async account(userId: string): Promise<Account | undefined> {
    return (await this.#database.query<Account>(ACCOUNT, [userId]))[0];
  }

  /** Accounts that were deactivated and have not left their rooms yet. */
  unclosed(): Promise<readonly UnclosedAccount[]> {
    return this.#database.query<UnclosedAccount>(UNCLOSED);
  }

  /** Every guest. */
  async guests(): Promise<readonly UserId[]> {
    return (await this.#database.query<{ user_id: UserId }>(GUESTS)).map((row) => row.user_id);
  }

  /** Every account, oldest first, without password hashes. */
  accounts(): Promise<readonly Account[]> {
    return this.#database.query<Account>(ACCOUNTS);
  }

  /** Who has a refresh token. @param hash its SHA-256, 64 hex digits. */
  async refreshing(hash: string): Promise<UserId | undefined> {
    return (await this.#database.query<{ user_id: UserId }>(REFRESHING, [hash]))[0]?.user_id;
  }

  /** A user's devices, in the order of their IDs. */
  devices(userId: string): Promise<readonly StoredDevice[]> {
    return this.#database.query<StoredDevice>(DEVICES, [userId]);
  }

  /** The fields of a profile, undefined when there is no such account. */
  async profile(userId: UserId): Promise<JsonObject | undefined> {
    const rows = await this.#database.query<{ field: string | null; value: string }>(PROFILE, [userId]);
    if (rows.length === 0) return undefined;
    const fields = rows.flatMap(({ field, value }): [string, JsonValue][] =>
      field === null ? [] : [[field, JSON.parse(value)]],
    );
    return Object.fromEntries(fields);
  }

  /** Changes of fields that rooms show, of users of one partition, that the rooms may not have been told of. */
  untoldChanges(partition: number): Promise<readonly UntoldChange[]> {
    return this.#database.query<UntoldChange>(UNTOLD, [partition]);
  }

  /** Account data as JSON text. The fully-read marker is kept as a receipt, and given as the spec shows it. */
  async accountData(userId: UserId, roomId: RoomId | null, type: string): Promise<string | undefined> {
    if (roomId !== null && type === 'm.fully_read') {
      const marker = (await this.receiptsIn(userId, roomId)).find((one) => one.receipt_type === type);
      return marker === undefined ? undefined : JSON.stringify({ event_id: marker.event_id });
    }
    const rows = await this.#database.query<{ content: string }>(DATA, [userId, roomId ?? '', type]);
    return rows[0]?.content;
  }

  /** All account data that was set at or after an offset of the user's partition, in that order. */
  accountDataSince(userId: string, offset: number): Promise<readonly StoredAccountData[]> {
    return this.#database.query<StoredAccountData>(DATA_SINCE, [userId, offset]);
  }

  /** A filter as JSON text. */
  async filter(userId: UserId, filterId: string): Promise<string | undefined> {
    return (await this.#database.query<{ filter: string }>(FILTER, [userId, filterId]))[0]?.filter;
  }

  /** What the user has changed about the push rules. */
  async pushRules(userId: UserId): Promise<PushRuleChanges> {
    const [row] = await this.#database.query<{ rules: string }>(PUSH_RULES, [userId]);
    return parsePushRuleChanges(row?.rules ?? null);
  }

  /** The receipts of everybody in a room. */
  receiptsOfRoom(roomId: string): Promise<readonly StoredReceipt[]> {
    return this.#database.query<StoredReceipt>(ROOM_RECEIPTS, [roomId]);
  }

  /** The receipts of a user in all rooms. */
  receiptsOf(userId: string): Promise<readonly StoredReceipt[]> {
    return this.#database.query<StoredReceipt>(USER_RECEIPTS, [userId]);
  }

  /** The receipts of a user in one room. */
  receiptsIn(userId: string, roomId: string): Promise<readonly StoredReceipt[]> {
    return this.#database.query<StoredReceipt>(USER_ROOM_RECEIPTS, [userId, roomId]);
  }
}

import type { RoomAlias, RoomId } from '../../src/matrix/identifiers.ts';
import type { ModelDatabase, ModelSql } from '../framework/active-schemas.ts';
import { textColumn } from '../framework/columns.ts';

/** An alias as the model has it: real, or held by a saga. */
export interface StoredAlias {
  readonly room_id: RoomId;
  readonly creator: string | null;
  readonly saga: string | null;
  readonly log_offset: number;
}

/** A token with which accounts can be made. */
export interface RegistrationToken {
  readonly uses: number;
  /** Null: any number. */
  readonly uses_allowed: number | null;
  /** Milliseconds since the epoch; null: never. */
  readonly expires_at: number | null;
}

/** What is asked of `directory`. */
export interface DirectoryQueries {
  /** Those that a saga holds included. */
  alias(alias: string): Promise<StoredAlias | undefined>;
  /** Aliases that point to a room, in alphabetical order. */
  aliases(roomId: RoomId): Promise<readonly RoomAlias[]>;
  /** Undefined when it was never set. */
  listing(roomId: string): Promise<'public' | 'private' | undefined>;
  /** Those of the rooms that are listed. */
  listedAmong(rooms: readonly RoomId[]): Promise<readonly RoomId[]>;
  /** Every room that is listed. */
  listed(): Promise<readonly RoomId[]>;
  /** @param tokenHash SHA-256 of the token, 64 hex digits. */
  registrationToken(tokenHash: string): Promise<RegistrationToken | undefined>;
  /** Every registration token with its hash (64 hex digits), in the order of these. */
  registrationTokens(): Promise<readonly (RegistrationToken & { readonly token_hash: string })[]>;
  /** Fingerprints of the schemas on the log. */
  schemas(): Promise<readonly string[]>;
}

const ALIAS: ModelSql = (schema) =>
  `SELECT room_id, creator, saga, log_offset FROM ${schema('directory')}.aliases WHERE alias = $1`;
const ALIASES: ModelSql = (schema) =>
  `SELECT alias FROM ${schema('directory')}.aliases WHERE room_id = $1 AND saga IS NULL ORDER BY alias`;
const LISTING: ModelSql = (schema) => `SELECT public FROM ${schema('directory')}.listings WHERE room_id = $1`;
const LISTED: ModelSql = (schema) =>
  `SELECT room_id FROM ${schema('directory')}.listings WHERE public ORDER BY room_id`;
const LISTED_AMONG: ModelSql = (schema) =>
  `SELECT room_id FROM ${schema('directory')}.listings WHERE public AND room_id = ANY ($1::text[])`;
const TOKEN: ModelSql = (schema) => `SELECT uses, uses_allowed, expires_at
  FROM ${schema('directory')}.registration_tokens WHERE token_hash = decode($1, 'hex')`;
const TOKENS: ModelSql = (
  schema,
) => `SELECT encode(token_hash, 'hex') AS token_hash, uses, uses_allowed, expires_at
  FROM ${schema('directory')}.registration_tokens ORDER BY 1`;
const SCHEMAS: ModelSql = (schema) => `SELECT fingerprint FROM ${schema('directory')}.schemas`;

/** The queries over the active schema. */
export function directoryQueries(database: ModelDatabase): DirectoryQueries {
  return {
    async alias(alias) {
      return (await database.query<StoredAlias>(ALIAS, [alias]))[0];
    },
    async aliases(roomId) {
      return (await database.query<{ alias: RoomAlias }>(ALIASES, [roomId])).map((row) => row.alias);
    },
    async listing(roomId) {
      const row = (await database.query<{ public: boolean }>(LISTING, [roomId]))[0];
      if (row === undefined) return undefined;
      return row.public ? 'public' : 'private';
    },
    async listedAmong(rooms) {
      const rows = await database.query<{ room_id: RoomId }>(LISTED_AMONG, [textColumn(rooms)]);
      return rows.map((row) => row.room_id);
    },
    async listed() {
      return (await database.query<{ room_id: RoomId }>(LISTED)).map((row) => row.room_id);
    },
    async registrationToken(tokenHash) {
      return (await database.query<RegistrationToken>(TOKEN, [tokenHash]))[0];
    },
    registrationTokens: () => database.query(TOKENS),
    async schemas() {
      return (await database.query<{ fingerprint: string }>(SCHEMAS)).map((row) => row.fingerprint);
    },
  };
}

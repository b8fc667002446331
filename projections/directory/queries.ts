import type { RoomAlias, RoomId } from '../../src/matrix/identifiers.ts';
import type { ModelDatabase, ModelSql } from '../framework/active-schemas.ts';

/** An alias as the model has it: real, or held by a saga. */
export interface StoredAlias {
  readonly room_id: RoomId;
  readonly creator: string | null;
  readonly saga: string | null;
  readonly log_offset: number;
}

/** What is asked of `directory`. */
export interface DirectoryQueries {
  /** Those that a saga holds included. */
  alias(alias: string): Promise<StoredAlias | undefined>;
  /** Aliases that point to a room, in alphabetical order. */
  aliases(roomId: RoomId): Promise<readonly RoomAlias[]>;
  /** Undefined when it was never set. */
  listing(roomId: string): Promise<'public' | 'private' | undefined>;
  /** Every room that is listed. */
  listed(): Promise<readonly RoomId[]>;
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
    async listed() {
      return (await database.query<{ room_id: RoomId }>(LISTED)).map((row) => row.room_id);
    },
    async schemas() {
      return (await database.query<{ fingerprint: string }>(SCHEMAS)).map((row) => row.fingerprint);
    },
  };
}

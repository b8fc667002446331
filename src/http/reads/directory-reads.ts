import type { RoomAlias, RoomId } from '../../matrix/identifiers.ts';

/** An alias and who made it. */
export interface AliasEntry {
  readonly room_id: RoomId;
  readonly creator: string;
}

/** A room of the public directory (spec: client-server API, `GET publicRooms`, PublishedRoomsChunk). */
export interface ListedRoom {
  readonly room_id: RoomId;
  readonly num_joined_members: number;
  readonly world_readable: boolean;
  readonly guest_can_join: boolean;
  readonly join_rule: string;
  readonly name?: string;
  readonly topic?: string;
  readonly avatar_url?: string;
  readonly canonical_alias?: string;
  readonly room_type?: string;
}

/** A page of the directory, asked for. */
export interface ListQuery {
  readonly limit: number;
  /** Rooms to leave out from the start of the order (most members first, then room ID). */
  readonly offset: number;
  /** Case-insensitive: occurs in name, topic or canonical alias. */
  readonly search?: string;
  /** Null in it stands for rooms without a type. */
  readonly room_types?: readonly (string | null)[];
}

/** What HTTP asks of the model of the directory. */
export interface DirectoryReads {
  alias(alias: RoomAlias): Promise<AliasEntry | undefined>;
  aliases(roomId: RoomId): Promise<readonly RoomAlias[]>;
  visibility(roomId: RoomId): Promise<'public' | 'private'>;
  list(query: ListQuery): Promise<{ readonly rooms: readonly ListedRoom[]; readonly total: number }>;
}

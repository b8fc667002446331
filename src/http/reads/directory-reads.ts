import type {
  PublicRoom,
  PublicRoomsPage,
  PublicRoomsQuery,
} from '../../../projections/directory/public-rooms.ts';
import type { RegistrationToken as ModelToken } from '../../../projections/directory/queries.ts';
import type { RoomAlias, RoomId } from '../../matrix/identifiers.ts';

/** An alias and who made it. */
export interface AliasEntry {
  readonly room_id: RoomId;
  readonly creator: string;
}

/** A room of the public directory (spec: client-server API, `GET publicRooms`, PublishedRoomsChunk). */
export type ListedRoom = PublicRoom;

/** A page of the directory, asked for. */
export type ListQuery = PublicRoomsQuery;

/** A token with which accounts can be made. */
export type RegistrationToken = ModelToken;

/** What HTTP asks of the model of the directory. */
export interface DirectoryReads {
  alias(alias: RoomAlias): Promise<AliasEntry | undefined>;
  aliases(roomId: RoomId): Promise<readonly RoomAlias[]>;
  /** @param tokenHash SHA-256 of the token, 64 hex digits. */
  registrationToken(tokenHash: string): Promise<RegistrationToken | undefined>;
  /** Those of the rooms that are in the public directory. */
  listedAmong(rooms: readonly RoomId[]): Promise<readonly RoomId[]>;
  visibility(roomId: RoomId): Promise<'public' | 'private'>;
  list(query: ListQuery): Promise<PublicRoomsPage>;
}

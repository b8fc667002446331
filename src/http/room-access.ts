import { MilenaError } from '../errors/milena-error.ts';
import type { RoomId, UserId } from '../matrix/identifiers.ts';
import { isJsonObject } from '../matrix/json.ts';
import type { ClientContext } from './context.ts';
import { eventText, type Viewer } from './event-text.ts';
import type { Session } from './reads/account-reads.ts';
import type { Standing } from './reads/room-reads.ts';
import type { StoredEvent } from './reads/stored-event.ts';

/** What a reader of a room may see of its state. */
export interface RoomView {
  /** The place up to which; undefined: the room as it is now. */
  readonly at?: number;
}

/** The user's standing, after this node's writes to the room; undefined when there is none. */
export async function standingOf(
  { freshness, reads }: Pick<ClientContext, 'freshness' | 'reads'>,
  roomId: RoomId,
  userId: UserId,
): Promise<Standing | undefined> {
  await freshness.room(roomId);
  return freshness.orLater('rooms', roomId, () => reads.rooms.standing(roomId, userId));
}

/**
 * What the user may see of a room's state: members all of it, former members what it was when they left,
 * others, and those who have forgotten it, nothing, unless the room is world-readable.
 * @throws MilenaError FORBIDDEN, also for rooms that do not exist: who is not in a room is not told.
 */
export async function requireReader(
  context: ClientContext,
  roomId: RoomId,
  userId: UserId,
): Promise<RoomView> {
  const standing = await standingOf(context, roomId, userId);
  if (standing?.membership === 'join') return {};
  if (await isWorldReadable(context, roomId)) return {};
  if (typeof standing?.left_at === 'number' && !standing.forgotten) return { at: standing.left_at };
  throw notInRoom();
}

/**
 * How events of a room's state are printed for a reader: as by `eventText`, with the reader's membership at each, which
 * state does not say itself, and without replaced contents that the reader may not see. To be asked for once the
 * events are there: what a reader may see of them must not be older.
 */
export async function statePrinter(
  { reads, now: clock }: Pick<ClientContext, 'reads' | 'now'>,
  roomId: RoomId,
  { user_id, device_id }: Session,
): Promise<(event: StoredEvent) => string> {
  const history = await reads.rooms.visibility(roomId, user_id);
  const viewer: Viewer = { user_id, device_id, membershipAt: (event) => history.membershipAt(event) };
  const now = clock();
  return (event) => eventText(history.withoutHiddenPast(event), viewer, now);
}

/** @throws MilenaError FORBIDDEN unless the user is joined. */
export async function requireJoined(context: ClientContext, roomId: RoomId, userId: UserId): Promise<void> {
  const standing = await standingOf(context, roomId, userId);
  if (standing?.membership !== 'join') throw notInRoom();
}

/** @throws MilenaError FORBIDDEN unless the user is joined or the room is world-readable. */
export async function requireInside(context: ClientContext, roomId: RoomId, userId: UserId): Promise<void> {
  const standing = await standingOf(context, roomId, userId);
  if (standing?.membership !== 'join' && !(await isWorldReadable(context, roomId))) throw notInRoom();
}

function notInRoom(): MilenaError {
  return new MilenaError('FORBIDDEN', 'You are not in this room.');
}

async function isWorldReadable({ reads }: ClientContext, roomId: RoomId): Promise<boolean> {
  const event = await reads.rooms.stateEvent(roomId, 'm.room.history_visibility', '');
  if (event === undefined) return false;
  const content: unknown = JSON.parse(event.content);
  return isJsonObject(content) && content['history_visibility'] === 'world_readable';
}

import type { RoomId } from '../../src/matrix/identifiers.ts';
import type { Membership } from './sync-event.ts';
import type { ReadyFilter } from './sync-filter.ts';
import type { SyncPosition } from './token.ts';
import type { UserView } from './user-view.ts';

/** A room whose events go into an answer, and which. */
export interface RoomPlan {
  readonly room_id: RoomId;
  readonly section: 'join' | 'leave';
  /**
   * True when the user was in the room without a break from the token up to `below`: everything behind the token
   * is visible, and the state is told as a difference.
   */
  readonly known: boolean;
  /** The client has what stands before this offset; undefined when it has nothing. */
  readonly after: number | undefined;
  /** The events of the answer stand before this offset. */
  readonly below: number;
  /** The changes of the user's membership before the answer's position. */
  readonly history: readonly Membership[];
  /** A later change of the user's own that belongs behind them, such as a ban after a kick. */
  readonly last: Membership | undefined;
}

/** What is to be answered about a user's rooms. */
export interface Plans {
  readonly rooms: readonly RoomPlan[];
  /** Rooms that the user left without having been in them: only the user's own event is told. */
  readonly ended: readonly Membership[];
  readonly invite: readonly Membership[];
  readonly knock: readonly Membership[];
}

/** What is heeded of a request. */
interface PlanRequest {
  readonly filter: Pick<ReadyFilter, 'room' | 'includeLeave'>;
  /** Given for streams, which tell of new rooms too only what happened since the token. */
  readonly step?: number;
}

/**
 * Decides which rooms an answer may be about and in which section, from the memberships at a token and at the
 * position answered for. Rooms under `join` that are known may turn out to have nothing new.
 */
export function planRooms(
  view: UserView,
  since: SyncPosition | undefined,
  position: SyncPosition,
  { filter, step }: PlanRequest,
): Plans {
  const rooms: RoomPlan[] = [];
  const ended: Membership[] = [];
  const invite: Membership[] = [];
  const knock: Membership[] = [];
  for (const roomId of view.rooms) {
    if (!filter.room(roomId)) continue;
    const history = historyBefore(view, roomId, position);
    const last = history.at(-1);
    if (last === undefined) continue;
    const from = since?.rooms[last.partition];
    const isStream = step !== undefined && from !== undefined && from > 0;
    const delivered = isStream ? from : deliveredBefore(history, from);
    if (last.membership === 'join') rooms.push(joined(history, last, from, { position, delivered }));
    else if (since !== undefined && last.offset < (from ?? 0)) continue;
    // Invitations by those who are ignored are not told (spec: "Ignoring Users"), nor any to who blocks them
    // ("Invite permission"): they are there again, in a first sync, for who blocks them no more.
    else if (last.membership === 'invite') {
      if (!view.blocksInvites && !view.ignored.has(last.sender)) invite.push(last);
    } else if (last.membership === 'knock') knock.push(last);
    else if (isForgotten(last, position)) continue;
    else if (since !== undefined || filter.includeLeave) {
      const plan = left(history, last, from, delivered);
      if (plan !== undefined) rooms.push(plan);
      else if (since !== undefined) ended.push(last);
    }
  }
  return { rooms, ended, invite, knock };
}

/** Whether the user has forgotten the room by the position answered for: then no answer speaks of it. */
function isForgotten({ forgotten, partition }: Membership, position: SyncPosition): boolean {
  return typeof forgotten === 'number' && forgotten < (position.rooms[partition] ?? 0);
}

function historyBefore(view: UserView, roomId: RoomId, position: SyncPosition): readonly Membership[] {
  const history = view.history(roomId);
  const below = position.rooms[history[0]?.partition ?? 0] ?? 0;
  return (history.at(-1)?.offset ?? -1) < below ? history : history.filter(({ offset }) => offset < below);
}

function joined(
  history: readonly Membership[],
  last: Membership,
  from: number | undefined,
  { position, delivered }: { readonly position: SyncPosition; readonly delivered: number | undefined },
): RoomPlan {
  const known = from !== undefined && last.offset < from;
  return {
    room_id: last.room_id,
    section: 'join',
    known,
    after: known ? from : delivered,
    below: position.rooms[last.partition] ?? 0,
    history,
    last: undefined,
  };
}

/** A room that was left; undefined when the user was not in it since the token. */
function left(
  history: readonly Membership[],
  last: Membership,
  from: number | undefined,
  delivered: number | undefined,
): RoomPlan | undefined {
  const join = history.findLast(({ membership }) => membership === 'join');
  const end = join && history.find(({ offset }) => offset > join.offset);
  if (join === undefined || end === undefined || (from !== undefined && end.offset < from)) return undefined;
  const known = from !== undefined && join.offset < from;
  return {
    room_id: last.room_id,
    section: 'leave',
    known,
    after: known ? from : delivered,
    below: end.offset + 1,
    history,
    last: end === last ? undefined : last,
  };
}

/** The offset up to which a client with a token has a room's events. */
function deliveredBefore(history: readonly Membership[], from: number | undefined): number | undefined {
  if (from === undefined) return undefined;
  const before = history.filter(({ offset }) => offset < from);
  const join = before.findLast(({ membership }) => membership === 'join');
  if (join === undefined) return undefined;
  const end = before.find(({ offset }) => offset > join.offset);
  return end === undefined ? from : end.offset + 1;
}

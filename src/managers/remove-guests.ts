import { MilenaError } from '../errors/milena-error.ts';
import type { RoomId, UserId } from '../matrix/identifiers.ts';
import { freshCommandId } from '../owner/command-id.ts';
import type { CommandBus } from '../owner/commands.ts';
import { type CaughtUp, requireModels } from './caught-up.ts';
import { setOwnMembership } from './own-membership.ts';

/** What removing guests needs. */
export interface RemoveDeps extends CaughtUp {
  readonly bus: CommandBus;
  /** Every guest of this server. */
  guests(): Promise<readonly UserId[]>;
  /** Which of the users are joined to which rooms, or to which of those that are given, room by room. */
  joinedAmong(
    users: readonly UserId[],
    rooms?: readonly RoomId[],
  ): Promise<readonly { readonly room_id: RoomId; readonly user_id: UserId }[]>;
  /** Whether a room lets guests in now. */
  letsGuestsIn(roomId: RoomId): Promise<boolean>;
  /** Milliseconds since the epoch. */
  readonly now: () => number;
}

/**
 * Has guests leave the rooms that do not let them in (spec: client-server API, "Guest Access": the server MUST set
 * their membership to `leave`). It goes by how things are, so doing it again does no harm.
 * @param meant which rooms: these, or those of which it is true.
 * @throws MilenaError UNAVAILABLE when some could not be removed: to be done again.
 */
export async function removeGuests(
  deps: RemoveDeps,
  meant: readonly RoomId[] | ((roomId: RoomId) => boolean),
): Promise<void> {
  await requireModels(deps);
  const guests = await deps.guests();
  if (guests.length === 0) return;
  // One question for all guests, and one for each room that has some.
  const joined =
    typeof meant === 'function'
      ? (await deps.joinedAmong(guests)).filter(({ room_id }) => meant(room_id))
      : await deps.joinedAmong(guests, meant);
  const failures: unknown[] = [];
  for (const [roomId, members] of Map.groupBy(joined, ({ room_id }) => room_id)) {
    if (await deps.letsGuestsIn(roomId)) continue;
    for (const { user_id } of members) {
      const left = setOwnMembership(deps, {
        id: freshCommandId(),
        roomId,
        userId: user_id,
        content: { membership: 'leave' },
        expect_membership: ['join'],
      });
      await left.catch((error: unknown) => failures.push(error));
    }
  }
  if (failures.length === 0) return;
  throw new MilenaError('UNAVAILABLE', 'Some guests could not be removed.', { cause: failures[0] });
}

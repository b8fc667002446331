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
  /** The rooms that a user is joined to. */
  joinedRooms(userId: UserId): Promise<readonly RoomId[]>;
  /** Whether a room lets guests in now. */
  letsGuestsIn(roomId: RoomId): Promise<boolean>;
  /** Milliseconds since the epoch. */
  readonly now: () => number;
}

/**
 * Has guests leave the rooms that do not let them in (spec: client-server API, "Guest Access": the server MUST set
 * their membership to `leave`). It goes by how things are, so doing it again does no harm.
 * @param isMeant of which rooms.
 * @throws MilenaError UNAVAILABLE when some could not be removed: to be done again.
 */
export async function removeGuests(deps: RemoveDeps, isMeant: (roomId: RoomId) => boolean): Promise<void> {
  await requireModels(deps);
  const failures: unknown[] = [];
  for (const guest of await deps.guests()) {
    for (const roomId of (await deps.joinedRooms(guest)).filter(isMeant)) {
      if (await deps.letsGuestsIn(roomId)) continue;
      const left = setOwnMembership(deps, {
        id: freshCommandId(),
        roomId,
        userId: guest,
        content: { membership: 'leave' },
        expect_membership: ['join'],
      });
      await left.catch((error: unknown) => failures.push(error));
    }
  }
  if (failures.length === 0) return;
  throw new MilenaError('UNAVAILABLE', 'Some guests could not be removed.', { cause: failures[0] });
}

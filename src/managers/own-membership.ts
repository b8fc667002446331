import { isMilenaError } from '../errors/milena-error.ts';
import type { RoomId, UserId } from '../matrix/identifiers.ts';
import type { JsonObject } from '../matrix/json.ts';
import type { CommandBus, SendEvent } from '../owner/commands.ts';

/** What changing memberships needs. */
interface Deps {
  readonly bus: CommandBus;
  /** Milliseconds since the epoch. */
  readonly now: () => number;
}

/** A membership event that a manager sends in the name of the user whose it is. */
interface OwnMembership extends Required<Pick<SendEvent, 'id' | 'expect_membership'>> {
  readonly roomId: RoomId;
  readonly userId: UserId;
  readonly content: JsonObject;
}

/**
 * Sends it. A room that refuses is left as it is: it has the user no more, or does not take it.
 * @throws MilenaError when it is not known what became of it: to be done again.
 */
export async function setOwnMembership({ bus, now }: Deps, change: OwnMembership): Promise<void> {
  try {
    await bus.execute({
      kind: 'send_event',
      id: change.id,
      at: now(),
      room_id: change.roomId,
      sender: change.userId,
      type: 'm.room.member',
      state_key: change.userId,
      content: JSON.stringify(change.content),
      expect_membership: change.expect_membership,
    });
  } catch (error) {
    if (!isMilenaError(error) || error.status >= 500) throw error;
  }
}

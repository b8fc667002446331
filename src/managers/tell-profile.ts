import { MilenaError } from '../errors/milena-error.ts';
import type { RoomId, UserId } from '../matrix/identifiers.ts';
import { isJsonObject, type JsonObject, ownValue, withoutKeys } from '../matrix/json.ts';
import { transactionCommandId } from '../owner/command-id.ts';
import type { CommandBus } from '../owner/commands.ts';
import { type CaughtUp, requireModels } from './caught-up.ts';
import { setOwnMembership } from './own-membership.ts';

/** Rooms told at once. */
const AT_ONCE = 8;
/** Said once, when they joined; a new name does not say it again. */
const OF_THE_JOIN = ['reason', 'join_authorised_via_users_server', 'third_party_invite'];

/** What telling rooms needs. */
export interface TellDeps extends CaughtUp {
  readonly bus: CommandBus;
  profile(userId: UserId): Promise<JsonObject | undefined>;
  /** The rooms that a user is joined to. */
  joinedRooms(userId: UserId): Promise<readonly RoomId[]>;
  /** The content of a user's member event as it is now, JSON of an object. */
  memberContent(roomId: RoomId, userId: UserId): Promise<string | undefined>;
  /** Milliseconds since the epoch. */
  readonly now: () => number;
}

/** A user's profile, changed. */
export interface ProfileChange {
  readonly user_id: UserId;
  /** Which fields. */
  readonly fields: ReadonlySet<string>;
  /** The offset of the last of the changes in the user's partition of `users`. */
  readonly through: number;
}

/**
 * Tells the rooms a user is in of the display name and avatar as they are now, then notes on the log that they were
 * told. Whoever does it again after a crash sends the same commands: a room that has them answers as it did.
 * @throws MilenaError UNAVAILABLE when some room could not be told: to be done again.
 */
export async function tellProfile(deps: TellDeps, change: ProfileChange): Promise<void> {
  const { user_id, through } = change;
  // An old name must not come after a new one.
  await requireModels(deps);
  const profile = (await deps.profile(user_id)) ?? {};
  const rooms = [...(await deps.joinedRooms(user_id))];
  const failures: unknown[] = [];
  const worker = async (): Promise<void> => {
    for (let roomId = rooms.pop(); roomId !== undefined; roomId = rooms.pop()) {
      await tellRoom(deps, change, profile, roomId).catch((error: unknown) => failures.push(error));
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, worker));
  if (failures.length > 0) {
    throw new MilenaError('UNAVAILABLE', 'Some rooms could not be told of a new profile.', {
      cause: failures[0],
      log: { rooms: failures.length },
    });
  }
  const id = transactionCommandId(user_id, 'profile', 'TOLD', '', String(through));
  await deps.bus.execute({ kind: 'mark_profile_told', id, at: deps.now(), user_id, through });
}

async function tellRoom(
  deps: TellDeps,
  { user_id, fields, through }: ProfileChange,
  profile: JsonObject,
  roomId: RoomId,
): Promise<void> {
  const present: unknown = JSON.parse((await deps.memberContent(roomId, user_id)) ?? '{}');
  const before = isJsonObject(present) ? present : {};
  if ([...fields].every((field) => ownValue(before, field) === ownValue(profile, field))) return;
  const kept = withoutKeys(before, new Set([...OF_THE_JOIN, ...fields]));
  const shown = [...fields].flatMap((field) => {
    const value = ownValue(profile, field);
    return value === undefined ? [] : [[field, value] as const];
  });
  await setOwnMembership(deps, {
    id: transactionCommandId(user_id, 'profile', 'TELL', roomId, String(through)),
    roomId,
    userId: user_id,
    content: { ...kept, membership: 'join', ...Object.fromEntries(shown) },
    expect_membership: ['join'],
  });
}

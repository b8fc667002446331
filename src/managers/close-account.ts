import { MilenaError } from '../errors/milena-error.ts';
import type { RoomId, UserId } from '../matrix/identifiers.ts';
import { transactionCommandId } from '../owner/command-id.ts';
import type { CommandBus } from '../owner/commands.ts';
import { type CaughtUp, requireModels } from './caught-up.ts';
import { setOwnMembership } from './own-membership.ts';

/** Memberships that end with the account. */
const ENDING = ['join', 'invite', 'knock'] as const;

/** What closing accounts needs. */
export interface CloseDeps extends CaughtUp {
  readonly bus: CommandBus;
  rooms(userId: UserId, membership: (typeof ENDING)[number]): Promise<readonly RoomId[]>;
  /** All account data of a user, by room (null: global) and type. */
  accountData(userId: UserId): Promise<readonly { readonly room_id: RoomId | null; readonly type: string }[]>;
  /** Milliseconds since the epoch. */
  readonly now: () => number;
}

/** A deactivated account. */
export interface DeactivatedAccount {
  readonly user_id: UserId;
  /** Whether the user wanted to be erased. */
  readonly erase: boolean;
}

/**
 * Does what follows from a deactivation (spec: client-server API, `POST account/deactivate`): leaves the rooms, and
 * where the user wanted to be erased, empties the account data; then notes on the log that it is done. Whoever does
 * it again after a crash sends the same commands, and what is done already refuses them.
 * @throws MilenaError UNAVAILABLE when some room could not be left: to be done again.
 */
export async function closeAccount(deps: CloseDeps, { user_id, erase }: DeactivatedAccount): Promise<void> {
  // No room that was joined just before may be missed.
  await requireModels(deps);
  const rooms = (await Promise.all(ENDING.map((membership) => deps.rooms(user_id, membership)))).flat();
  const failures: unknown[] = [];
  for (const roomId of rooms) {
    const left = setOwnMembership(deps, {
      id: transactionCommandId(user_id, 'closing', 'LEAVE', roomId, ''),
      roomId,
      userId: user_id,
      content: { membership: 'leave' },
      expect_membership: ENDING,
    });
    await left.catch((error: unknown) => failures.push(error));
  }
  if (failures.length > 0) {
    throw new MilenaError('UNAVAILABLE', 'Some rooms of a deactivated user could not be left.', {
      cause: failures[0],
      log: { rooms: failures.length },
    });
  }
  if (erase) await eraseAccountData(deps, user_id);
  const id = transactionCommandId(user_id, 'closing', 'CLOSED', '', '');
  const at = deps.now();
  await deps.bus.execute({ kind: 'mark_account_closed', id, at, user_id, rooms: rooms.length });
}

async function eraseAccountData({ bus, accountData, now }: CloseDeps, user_id: UserId): Promise<void> {
  for (const { room_id, type } of await accountData(user_id)) {
    const id = transactionCommandId(user_id, 'closing', 'ERASE', room_id ?? '', type);
    await bus.execute({ kind: 'set_account_data', id, at: now(), user_id, room_id, type, content: '{}' });
  }
}

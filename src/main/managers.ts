import type { Logger } from 'pino';
import type { LeaseHandlers } from '../../projections/framework/leases.ts';
import { slotOf } from '../log/slot.ts';
import { AccountCloser } from '../managers/account-closer.ts';
import { GuestRemover } from '../managers/guest-remover.ts';
import { PartitionWork } from '../managers/partition-work.ts';
import { ProfileTeller } from '../managers/profile-teller.ts';
import type { Core } from './core.ts';
import type { Owners } from './owners.ts';
import type { ReadModels } from './read-models.ts';

/** What process managers are made of. */
interface Parts {
  readonly core: Core;
  readonly models: ReadModels;
  readonly owners: Owners;
  readonly logger: Logger;
}

/** The process managers of this process: what they do with each partition that it is given. */
export function processManagers(parts: Parts): LeaseHandlers {
  const teller = profileTeller(parts);
  const closer = accountCloser(parts);
  const remover = guestRemover(parts);
  const report = (err: unknown): void => parts.logger.error({ err }, 'a process manager has ended');
  return new PartitionWork(
    (partition, signal) =>
      Promise.all([teller, closer, remover].map((manager) => manager.follow(partition, signal))).then(
        () => undefined,
      ),
    report,
  );
}

function profileTeller({ core, models, owners, logger }: Parts): ProfileTeller {
  const { projections, accounts, rooms, gate, loader } = models;
  return new ProfileTeller({
    bus: owners.bus,
    gate,
    ends: (topic) => core.log.ends(topic),
    profile: (userId) => accounts.profile(userId),
    joinedRooms: (userId) => rooms.rooms(userId, 'join'),
    memberContent: async (roomId, userId) =>
      (await rooms.stateEvent(roomId, 'm.room.member', userId))?.content,
    now: Date.now,
    feed: (topic, partition) => projections.feed(topic, partition),
    checkpoint: (partition) => loader.checkpoint('users', partition),
    untold: (partition) => accounts.untoldChanges(partition),
    report: (err) => logger.warn({ err }, 'rooms could not be told of a new profile; it is tried again'),
  });
}

function accountCloser({ core, models, owners, logger }: Parts): AccountCloser {
  const { projections, accounts, rooms, gate, loader } = models;
  const { slots } = core.log;
  return new AccountCloser({
    bus: owners.bus,
    gate,
    ends: (topic) => core.log.ends(topic),
    rooms: (userId, membership) => rooms.rooms(userId, membership),
    accountData: (userId) => accounts.accountDataSince(userId, 0),
    now: Date.now,
    feed: (topic, partition) => projections.feed(topic, partition),
    checkpoint: (partition) => loader.checkpoint('users', partition),
    unclosed: async (partition) =>
      (await accounts.unclosed()).filter(({ user_id }) => slotOf(user_id, slots) === partition),
    report: (err) => logger.warn({ err }, 'a deactivated account could not be closed; it is tried again'),
  });
}

function guestRemover({ core, models, owners, logger }: Parts): GuestRemover {
  const { projections, accounts, rooms, gate, loader } = models;
  return new GuestRemover({
    bus: owners.bus,
    gate,
    ends: (topic) => core.log.ends(topic),
    guests: () => accounts.guests(),
    joinedAmong: (users, among) => rooms.joinedAmong(users, among),
    letsGuestsIn: async (roomId) => {
      const access = await rooms.stateEvent(roomId, 'm.room.guest_access', '');
      return access !== undefined && JSON.parse(access.content).guest_access === 'can_join';
    },
    now: Date.now,
    feed: (topic, partition) => projections.feed(topic, partition),
    checkpoint: (partition) => loader.checkpoint('rooms', partition),
    slots: core.log.slots,
    report: (err) => logger.warn({ err }, 'guests could not be removed from a room; it is tried again'),
  });
}

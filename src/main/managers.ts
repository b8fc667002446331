import type { Logger } from 'pino';
import type { LeaseHandlers } from '../../projections/framework/leases.ts';
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
export function processManagers({ core, models, owners, logger }: Parts): LeaseHandlers {
  const { projections, accounts, rooms, gate, loader } = models;
  const teller = new ProfileTeller({
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
  const report = (err: unknown): void => logger.error({ err }, 'a process manager has ended');
  return new PartitionWork((partition, signal) => teller.follow(partition, signal), report);
}

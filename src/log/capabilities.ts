import type { EventLog } from './port.ts';

/** What an adapter can do, where adapters differ. Code asks this table, never an adapter's name. */
export interface Capabilities {
  /** Whether it is built. What is not is refused at start. */
  readonly built: boolean;
  /** What an acknowledgement means. */
  readonly durableBy: 'fsync' | 'replication';
  /** What keeps a former owner from writing. */
  readonly fencedBy: 'row lock' | 'producer epoch' | 'expected revision';
  /** What settles who owns which slot. */
  readonly slotsSettledBy: 'leases' | 'group membership';
  /** How long `compact` takes until what it drops is off the disk. */
  readonly compactsWithin: 'seconds' | 'minutes';
  /** Whether the server runs inside this one's own process tree, so that `npm start` needs no other. */
  readonly embeddable: boolean;
}

/** The one table of what each adapter can do. */
export const capabilities: Readonly<Record<EventLog['adapter'], Capabilities>> = {
  postgres: {
    built: true,
    durableBy: 'fsync',
    fencedBy: 'row lock',
    slotsSettledBy: 'leases',
    compactsWithin: 'seconds',
    embeddable: true,
  },
  kafka: {
    built: true,
    durableBy: 'replication',
    fencedBy: 'producer epoch',
    slotsSettledBy: 'group membership',
    compactsWithin: 'minutes',
    embeddable: false,
  },
  eventstore: {
    built: false,
    durableBy: 'fsync',
    fencedBy: 'expected revision',
    slotsSettledBy: 'leases',
    compactsWithin: 'minutes',
    embeddable: false,
  },
};

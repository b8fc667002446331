import type { OpenedRecord } from '../../projections/framework/model.ts';
import type { PartitionFeed } from '../../projections/framework/partition-feed.ts';
import type { ReadPosition } from '../log/port.ts';
import { slotOf } from '../log/slot.ts';
import { asRoomId, type RoomId } from '../matrix/identifiers.ts';
import { persistently, takeBatch } from './follow.ts';
import { type RemoveDeps, removeGuests } from './remove-guests.ts';

/** What the manager works with. */
export interface GuestRemoverDeps extends RemoveDeps {
  readonly feed: (topic: 'rooms', partition: number) => Pick<PartitionFeed, 'cursor'>;
  /** Where the models stand in a partition of `rooms`. */
  readonly checkpoint: (partition: number) => Promise<ReadPosition>;
  /** Partitions of `rooms`. */
  readonly slots: number;
  readonly report: (error: unknown) => void;
}

/**
 * Follows the changes of `m.room.guest_access` and has guests leave where they may not be any more. It needs no
 * checkpoint: whenever it begins it looks at every room of its partition that a guest of the server is in.
 */
export class GuestRemover {
  readonly #deps: GuestRemoverDeps;

  constructor(deps: GuestRemoverDeps) {
    this.#deps = deps;
  }

  /** Follows one partition until the signal aborts. */
  follow(partition: number, signal: AbortSignal): Promise<void> {
    return persistently(signal, this.#deps.report, (done) => this.#followOnce(partition, signal, done));
  }

  async #followOnce(partition: number, signal: AbortSignal, done: () => void): Promise<void> {
    // The checkpoint first: what changes while the rooms are looked at comes along the tail.
    const { feed, checkpoint, slots } = this.#deps;
    const cursor = feed('rooms', partition).cursor(await checkpoint(partition));
    try {
      await removeGuests(this.#deps, (roomId) => slotOf(roomId, slots) === partition);
      done();
      while (await cursor.ready(signal)) {
        const changed = new Set<RoomId>();
        for (const { opened } of takeBatch(cursor)) {
          if (isGuestAccess(opened)) changed.add(asRoomId(opened.key));
        }
        if (changed.size > 0) await removeGuests(this.#deps, [...changed]);
      }
    } finally {
      await cursor.close();
    }
  }
}

/** A quick look first: nearly all records of rooms are something else. */
function isGuestAccess(record: OpenedRecord | undefined): record is OpenedRecord {
  return record?.fact?.type === 'room_event' && record.fact.value.skeleton.includes('"m.room.guest_access"');
}

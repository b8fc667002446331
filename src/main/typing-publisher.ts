import type { Codec } from '../log/codec.ts';
import type { EventLog } from '../log/port.ts';
import { slotOf } from '../log/slot.ts';
import type { RoomId, UserId } from '../matrix/identifiers.ts';

/** Somebody types, or has stopped. */
interface Notice {
  readonly room_id: RoomId;
  readonly user_id: UserId;
  readonly typing: boolean;
  /** Milliseconds since the epoch. */
  readonly until: number;
}

/**
 * Publishes typing to `ephemeral`. A notice that runs out is followed by an explicit stop from the node that
 * published it, so that whoever waits in a sync hears of the end without anybody polling; if that node dies,
 * readers leave the user out from `until` on.
 */
export class TypingPublisher {
  readonly #log: EventLog;
  readonly #codec: Codec;
  readonly #now: () => number;
  readonly #report: (error: unknown) => void;
  readonly #ends = new Map<string, NodeJS.Timeout>();

  constructor(log: EventLog, codec: Codec, now: () => number, report: (error: unknown) => void) {
    this.#log = log;
    this.#codec = codec;
    this.#now = now;
    this.#report = report;
  }

  /** Resolves when the log has it. */
  async publish(notice: Notice): Promise<void> {
    const name = `typing/${notice.room_id}/${notice.user_id}`;
    clearTimeout(this.#ends.get(name));
    this.#ends.delete(name);
    await this.#put(name, notice);
    if (!notice.typing) return;
    const end = setTimeout(() => {
      this.#ends.delete(name);
      this.#put(name, { ...notice, typing: false }).catch(this.#report);
    }, notice.until - this.#now());
    this.#ends.set(name, end);
  }

  /** Forgets what was to be stopped. */
  close(): void {
    for (const end of this.#ends.values()) clearTimeout(end);
    this.#ends.clear();
  }

  async #put(key: string, notice: Notice): Promise<void> {
    const value = this.#codec.encode('typing', notice);
    const partition = slotOf(notice.room_id, this.#log.slots);
    await this.#log.publish('ephemeral', partition, [{ key, type: 'typing', at: this.#now(), value }]);
  }
}

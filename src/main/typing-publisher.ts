import type { Codec } from '../log/codec.ts';
import type { EventLog } from '../log/port.ts';
import { slotOf } from '../log/slot.ts';
import type { RoomId, UserId } from '../matrix/identifiers.ts';

/** Somebody types, or has stopped. */
interface Notice {
  readonly room_id: RoomId;
  readonly user_id: UserId;
  readonly device_id: string;
  readonly typing: boolean;
  /** Milliseconds since the epoch. */
  readonly until: number;
}

/** What is to be stopped, and when that happens by itself. */
interface End {
  readonly notice: Notice;
  readonly timer: NodeJS.Timeout;
}

/**
 * Publishes typing to `ephemeral`. A notice that runs out is followed by an explicit stop from the node that
 * published it, so that whoever waits in a sync hears of the end without anybody polling; if that node dies,
 * readers leave the user out from `until` on. A device that is no more has stopped. (Who leaves a room is left out by
 * readers at once: `projections/sync/room-tail.ts`.)
 */
export class TypingPublisher {
  readonly #log: EventLog;
  readonly #codec: Codec;
  readonly #now: () => number;
  readonly #report: (error: unknown) => void;
  readonly #ends = new Map<string, End>();

  constructor(log: EventLog, codec: Codec, now: () => number, report: (error: unknown) => void) {
    this.#log = log;
    this.#codec = codec;
    this.#now = now;
    this.#report = report;
  }

  /** Resolves when the log has it. */
  async publish(notice: Notice): Promise<void> {
    const name = `typing/${notice.room_id}/${notice.user_id}`;
    clearTimeout(this.#ends.get(name)?.timer);
    this.#ends.delete(name);
    await this.#put(name, notice);
    if (!notice.typing) return;
    const timer = setTimeout(() => this.#stop(name, notice), notice.until - this.#now());
    this.#ends.set(name, { notice, timer });
  }

  /** Devices have been logged out: what was typed on them is stopped. */
  devicesGone(userId: string, devices: readonly string[] | 'all'): void {
    for (const [name, { notice, timer }] of this.#ends) {
      const isGone = devices === 'all' || devices.includes(notice.device_id);
      if (notice.user_id !== userId || !isGone) continue;
      clearTimeout(timer);
      this.#stop(name, notice);
    }
  }

  /** Forgets what was to be stopped. */
  close(): void {
    for (const { timer } of this.#ends.values()) clearTimeout(timer);
    this.#ends.clear();
  }

  #stop(name: string, notice: Notice): void {
    this.#ends.delete(name);
    this.#put(name, { ...notice, typing: false }).catch(this.#report);
  }

  async #put(key: string, { room_id, user_id, typing, until }: Notice): Promise<void> {
    const value = this.#codec.encode('typing', { room_id, user_id, typing, until });
    const partition = slotOf(room_id, this.#log.slots);
    await this.#log.publish('ephemeral', partition, [{ key, type: 'typing', at: this.#now(), value }]);
  }
}

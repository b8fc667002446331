import { MilenaError } from '../../src/errors/milena-error.ts';
import type { RoomId, UserId } from '../../src/matrix/identifiers.ts';
import type { LiveTail } from './live-tail.ts';
import type { AccountDatum } from './sync-event.ts';
import type { SyncReads } from './sync-reads.ts';
import type { TailListener } from './tail-listener.ts';
import { encodeToken, type SyncPosition } from './token.ts';

/** How long the models may take to be where the tail is, milliseconds. */
const MODELS_MS = 5_000;

/** A moment of a room. */
export interface RoomMoment {
  /** Where in the room's order it stands: what came before it has lower places. */
  readonly place: number;
  /** A token of it; as a `next_batch`, it says nothing of other rooms. */
  readonly token: string;
}

/** A stretch of a room's order that a stream tells at once. */
export interface RoomStretch {
  readonly from: RoomMoment;
  /** Behind the last event. At `from`'s place: nothing has happened. */
  readonly to: RoomMoment;
}

/** A stream that is asked for. */
export interface StretchAsk {
  readonly roomId: RoomId;
  /** Undefined: from now on. */
  readonly since: SyncPosition | undefined;
  /** How long to wait for something to happen, milliseconds. */
  readonly timeoutMs: number;
  /** Aborts when the client has gone or the server closes. */
  readonly signal: AbortSignal;
  /** The most records of the room's partition, and so the most events, of one stretch. */
  readonly most: number;
}

/** Single rooms as they go on, for whoever may look into them: woken by the tail, as of what the models have. */
export class RoomStream {
  private readonly tail: LiveTail;
  private readonly reads: SyncReads;
  private readonly generation: string;
  private readonly waiting = new Map<RoomId, Set<() => void>>();
  private readonly stopping = new AbortController();
  private readonly unlisten: () => void;

  constructor(tail: LiveTail, reads: SyncReads, generation: string) {
    this.tail = tail;
    this.reads = reads;
    this.generation = generation;
    this.unlisten = tail.listen({ ...DEAF, room: (roomId) => this.wake(roomId) });
  }

  /** The room as the tail has it; resolves when the models have that too. @throws MilenaError UNAVAILABLE */
  now(roomId: RoomId): Promise<RoomMoment> {
    return this.moment(roomId, this.end(roomId));
  }

  /** The account data that a user has attached to a room, as the models have it. */
  async accountData(userId: UserId, roomId: RoomId): Promise<readonly AccountDatum[]> {
    const below = this.reads.reached('user_values')[this.tail.window.slot(userId)] ?? 0;
    const data = await this.reads.accountData(userId, 0, below);
    return data.filter((datum) => datum.room_id === roomId);
  }

  /**
   * What has happened in a room since a token, the oldest of it; waits for something to happen.
   * @throws MilenaError UNAVAILABLE when the models do not come after in time.
   */
  async since({ roomId, since, timeoutMs, signal, most }: StretchAsk): Promise<RoomStretch> {
    const deadline = performance.now() + timeoutMs;
    // A token that says nothing of the partition is of somebody whom nothing in it concerned: the stream begins now.
    const known = since?.rooms[this.tail.window.slot(roomId)] ?? 0;
    let begin = known > 0 ? known : this.end(roomId);
    for (;;) {
      const end = Math.max(begin, this.end(roomId));
      const upTo = Math.min(end, begin + most);
      const [from, to] = [await this.moment(roomId, begin), await this.moment(roomId, upTo)];
      const left = deadline - performance.now();
      const waits = upTo === end && left > 0 && !signal.aborted && !this.stopping.signal.aborted;
      if (to.place > from.place || (upTo === end && !waits)) return { from, to };
      begin = upTo;
      if (waits) await this.sleep(roomId, upTo, left, signal);
    }
  }

  /** Listens no more, and wakes everybody. */
  stop(): void {
    this.unlisten();
    this.stopping.abort();
  }

  private end(roomId: RoomId): number {
    return this.tail.window.end('rooms')[this.tail.window.slot(roomId)] ?? 0;
  }

  private async moment(roomId: RoomId, offset: number): Promise<RoomMoment> {
    const { slots } = this.tail.window;
    const partition = this.tail.window.slot(roomId);
    if (!(await this.reads.reach('rooms', partition, offset, MODELS_MS))) {
      throw new MilenaError('UNAVAILABLE', 'The timeline is being brought up to date; try again.');
    }
    const [place = 0] = await this.reads.places([{ room_id: roomId, offset }]);
    const zeros = Array.from({ length: slots }, () => 0);
    const position = { rooms: zeros.with(partition, offset), user_values: zeros, ephemeral: zeros };
    return { place: place + 1, token: encodeToken(this.generation, position) };
  }

  /** Waits until the room has an event at or behind an offset of its partition. */
  private async sleep(roomId: RoomId, offset: number, ms: number, signal: AbortSignal): Promise<void> {
    const ending = AbortSignal.any([signal, AbortSignal.timeout(Math.ceil(ms)), this.stopping.signal]);
    while (!ending.aborted && !this.hasNews(roomId, offset)) {
      await new Promise<void>((resolve) => {
        const sleepers = this.waiting.get(roomId) ?? new Set();
        const done = (): void => {
          ending.removeEventListener('abort', done);
          sleepers.delete(done);
          if (sleepers.size === 0) this.waiting.delete(roomId);
          resolve();
        };
        ending.addEventListener('abort', done, { once: true });
        this.waiting.set(roomId, sleepers.add(done));
      });
    }
  }

  private hasNews(roomId: RoomId, offset: number): boolean {
    return (this.tail.room(roomId)?.events.at(-1)?.offset ?? -1) >= offset;
  }

  private wake(roomId: RoomId): void {
    for (const wake of this.waiting.get(roomId) ?? []) wake();
  }
}

const nothing = (): void => {};

/** What a stream of one room does not heed. */
const DEAF: TailListener = {
  room: nothing,
  membership: nothing,
  forgotten: nothing,
  user: nothing,
  presence: nothing,
  ignored: nothing,
  inviting: nothing,
  rules: nothing,
  read: nothing,
};

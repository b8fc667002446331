import type { UserId } from '../../src/matrix/identifiers.ts';
import { least } from './position.ts';
import type { SyncPosition } from './token.ts';
import type { UserView } from './user-view.ts';

/** Presence is told in gusts, this many milliseconds apart at least. */
const GUST_MS = 100;
/** A gust is followed by a rest this many times as long: presence takes a tenth of a processor at the most. */
const REST = 10;

/** What the waker asks of the views. */
export interface WakerViews {
  /** The rooms that a user is in. */
  joined(userId: UserId): Iterable<string> | Promise<Iterable<string>>;
  /** Those of this process who are in a room. */
  members(roomId: string): Iterable<UserView>;
}

/**
 * Wakes those who share a room with whoever's presence has changed, and nobody else: each once in a gust, however many
 * have changed and however many rooms they share.
 */
export class PresenceWaker {
  private readonly views: WakerViews;
  private readonly changed = new Set<UserId>();
  private before: SyncPosition | undefined;
  /** The same of a gust under way. */
  private blowing: SyncPosition | undefined;
  private timer: NodeJS.Timeout | undefined;

  constructor(views: WakerViews) {
    this.views = views;
  }

  /** A user's presence has changed. @param before the tail's position before that. */
  add(userId: UserId, before: SyncPosition): void {
    this.changed.add(userId);
    this.before ??= before;
    this.timer ??= setTimeout(() => void this.gust(), GUST_MS).unref();
  }

  /**
   * A position that has nothing behind it of which somebody is yet to be woken. Whoever wakes for another reason, or
   * for none, must not begin behind that.
   */
  unwoken(position: SyncPosition): SyncPosition {
    // The gust under way began before what has gathered since.
    const first = this.blowing ?? this.before;
    return first === undefined
      ? position
      : { ...position, ephemeral: least(position.ephemeral, first.ephemeral) };
  }

  /** Wakes nobody any more. */
  stop(): void {
    clearTimeout(this.timer);
    this.changed.clear();
  }

  private async roomsOf(userId: UserId): Promise<Iterable<string>> {
    try {
      return await this.views.joined(userId);
    } catch {
      return [];
    }
  }

  private async gust(): Promise<void> {
    const { before } = this;
    this.blowing = before;
    const users = [...this.changed];
    this.changed.clear();
    this.before = undefined;
    const woken = new Set<UserView>();
    let spent = 0;
    for (const userId of users) {
      // Who cannot be looked up wakes nobody: their presence comes with what else happens.
      const rooms = await this.roomsOf(userId);
      const start = performance.now();
      for (const roomId of rooms)
        for (const view of this.views.members(roomId)) if (view.userId !== userId) woken.add(view);
      spent += performance.now() - start;
    }
    const start = performance.now();
    if (before !== undefined) for (const view of woken) view.wake(before);
    spent += performance.now() - start;
    this.blowing = undefined;
    const pause = Math.max(GUST_MS, REST * spent);
    this.timer = this.changed.size === 0 ? undefined : setTimeout(() => void this.gust(), pause).unref();
  }
}

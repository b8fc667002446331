import { asRoomId, type RoomId, type UserId } from '../../src/matrix/identifiers.ts';
import { blocksInvites, INVITE_PERMISSION } from '../../src/matrix/invite-permission.ts';
import { IGNORED_USERS, ignoredIn } from '../accounts/ignored-users.ts';
import type { LiveTail } from './live-tail.ts';
import { least } from './position.ts';
import { PresenceWaker } from './presence-waker.ts';
import type { ForgottenRoom, Membership } from './sync-event.ts';
import type { SyncReads } from './sync-reads.ts';
import type { TailListener } from './tail-listener.ts';
import type { SyncPosition } from './token.ts';
import type { UserRules } from './user-rules.ts';
import { UserView } from './user-view.ts';

/** Views that nobody has asked for in this time are dropped. */
const IDLE_MS = 600_000;
/** How often that is looked after. */
const SWEEP_MS = 60_000;

/** A view, and whether the tail keeps it up to date. */
export interface FoundView {
  readonly view: UserView;
  /** False when the models are so far behind that the tail does not reach back to them. */
  readonly live: boolean;
  /** The offsets of `rooms` up to which the view knows everything; undefined when it is live. */
  readonly below?: readonly number[];
}

/** The views of those who have lately synced, and by room who is to be woken. */
export class UserViews implements TailListener {
  private readonly tail: LiveTail;
  private readonly reads: SyncReads;
  private readonly views = new Map<UserId, UserView>();
  private readonly loading = new Map<UserId, Promise<FoundView>>();
  private readonly members = new Map<RoomId, Set<UserView>>();
  private readonly unlisten: () => void;
  private sweptAt = performance.now();
  private readonly waker = new PresenceWaker({
    joined: (userId) => this.views.get(userId)?.joined ?? this.joinedNow(userId),
    members: (roomId) => this.members.get(asRoomId(roomId)) ?? [],
  });

  constructor(tail: LiveTail, reads: SyncReads) {
    this.tail = tail;
    this.reads = reads;
    this.unlisten = tail.listen(this);
  }

  /** The view of a user: at once when it is there, else from the models. */
  get(userId: UserId): FoundView | Promise<FoundView> {
    const present = this.views.get(userId);
    if (present !== undefined) {
      present.usedAt = performance.now();
      this.sweep(present.usedAt);
      return { view: present, live: true };
    }
    const under = this.loading.get(userId);
    if (under !== undefined) return under;
    const loading = this.load(userId).finally(() => this.loading.delete(userId));
    this.loading.set(userId, loading);
    return loading;
  }

  /** Listens no more, and wakes everybody. */
  stop(): void {
    this.waker.stop();
    this.unlisten();
    const position = this.tail.position();
    for (const view of this.views.values()) view.wake(position);
  }

  room(roomId: RoomId): void {
    const members = this.members.get(roomId);
    if (members === undefined) return;
    const before = this.tail.position();
    for (const view of members) view.wake(before);
  }

  membership(userId: UserId, membership: Membership): void {
    const view = this.views.get(userId);
    if (view === undefined || !view.change(membership)) return;
    this.index(view, membership.room_id);
    view.wake(this.tail.position());
  }

  forgotten(userId: UserId, room: ForgottenRoom): void {
    this.views.get(userId)?.forget(room);
  }

  presence(userId: UserId): void {
    this.waker.add(userId, this.tail.position());
  }

  /** See `PresenceWaker`. */
  unwoken(position: SyncPosition): SyncPosition {
    return this.waker.unwoken(position);
  }

  /** The view of a user if it is here and kept up to date. */
  peek(userId: UserId): UserView | undefined {
    return this.views.get(userId);
  }

  user(userId: UserId): void {
    this.views.get(userId)?.wake(this.tail.position());
  }

  rules(userId: UserId, rules: UserRules): void {
    this.views.get(userId)?.obey(rules);
  }

  ignored(userId: UserId, users: ReadonlySet<string>): void {
    this.views.get(userId)?.ignore(users);
  }

  inviting(userId: UserId, blocked: boolean): void {
    const view = this.views.get(userId);
    if (view !== undefined) view.blocksInvites = blocked;
  }

  read(userId: UserId, roomId: RoomId, place: number, thread: string | null): void {
    this.views.get(userId)?.readings.get(roomId)?.raise(place, thread);
  }

  private async load(userId: UserId): Promise<FoundView> {
    const { window } = this.tail;
    const below = least(this.reads.reached('rooms'), window.end('rooms'));
    const own = window.slot(userId);
    const ownReached = this.reads.reached('user_values')[own] ?? 0;
    const [memberships, rules, ignored, blocked] = await Promise.all([
      this.reads.memberships(userId, below),
      this.reads.pushRules(userId),
      this.reads.ignored(userId),
      this.reads.blocksInvites(userId),
    ]);
    const view = new UserView(userId, memberships, rules, ignored);
    view.blocksInvites = blocked;
    view.usedAt = performance.now();
    // The user's rules stand in the models or in the window; so do the memberships.
    const live =
      below.every((offset, partition) => window.holdsFrom('rooms', partition, offset)) &&
      window.holdsFrom('user_values', own, ownReached);
    if (live) {
      const tail = this.tail.user(userId);
      const changes = [
        ...(tail?.memberships ?? []).map((one) => ({ offset: one.offset, take: () => view.change(one) })),
        ...(tail?.forgotten ?? []).map((one) => ({ offset: one.offset, take: () => view.forget(one) })),
      ];
      // In the order of the log: what was forgotten before a change of the membership is so no more.
      for (const change of changes.sort((one, other) => one.offset - other.offset)) change.take();
      if (tail?.rules !== undefined) view.obey(tail.rules);
      const latest = (wanted: string) =>
        tail?.accountData.findLast(({ room_id, type }) => room_id === null && type === wanted)?.content;
      const list = latest(IGNORED_USERS);
      if (list !== undefined) view.ignore(new Set(ignoredIn(list, userId)));
      const permission = latest(INVITE_PERMISSION);
      if (permission !== undefined) view.blocksInvites = blocksInvites(permission);
      this.views.set(userId, view);
      for (const roomId of view.joined) this.index(view, roomId);
    }
    return live ? { view, live } : { view, live, below };
  }

  /** The rooms of somebody who has no view here. A view would cost two queries more, and stay. */
  private async joinedNow(userId: UserId): Promise<ReadonlySet<RoomId>> {
    const rooms = new Set(await this.reads.joined(userId));
    for (const { room_id, membership } of this.tail.user(userId)?.memberships ?? []) {
      if (membership === 'join') rooms.add(room_id);
      else rooms.delete(room_id);
    }
    return rooms;
  }

  private index(view: UserView, roomId: RoomId): void {
    const members = this.members.get(roomId);
    if (view.joined.has(roomId)) {
      if (members === undefined) this.members.set(roomId, new Set([view]));
      else members.add(view);
    } else if (members?.delete(view) === true && members.size === 0) this.members.delete(roomId);
  }

  private sweep(now: number): void {
    if (now - this.sweptAt < SWEEP_MS) return;
    this.sweptAt = now;
    for (const [userId, view] of this.views) {
      if (view.sleepers.size > 0 || now - view.usedAt < IDLE_MS) continue;
      this.views.delete(userId);
      for (const roomId of view.joined) {
        const members = this.members.get(roomId);
        if (members?.delete(view) === true && members.size === 0) this.members.delete(roomId);
      }
    }
  }
}

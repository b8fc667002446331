import { LRUCache } from 'lru-cache';
import type { RoomId, UserId } from '../../src/matrix/identifiers.ts';
import type { LiveTail } from './live-tail.ts';
import type { ShownPresence } from './presence-tail.ts';
import type { ShownProfile, SyncReads } from './sync-reads.ts';
import type { PreparedRequest } from './sync-request.ts';
import type { SyncPosition } from './token.ts';
import type { UserView } from './user-view.ts';
import type { UserViews } from './user-views.ts';

/** Whose presence goes into an answer. */
export interface PresenceAsk {
  readonly request: PreparedRequest;
  readonly view: UserView;
  /** Undefined: everybody who is not offline. */
  readonly since: SyncPosition | undefined;
  /** Up to where the answer goes. */
  readonly position: SyncPosition;
  /** Who has come into a room of the user's: told, changed or not. */
  readonly met: readonly string[];
}

/** A presence with what the user's profile shows. */
export interface ToldPresence extends ShownPresence {
  readonly profile_fields: ShownProfile;
}

/** Profiles kept at hand, and for how long: changes come with a presence of their own. */
const KEPT_PROFILES = { max: 10_000, ttl: 60_000 };

/** The presence of those with whom a user shares a room (spec: client-server API, "Presence"). */
export class PresenceSync {
  private readonly tail: LiveTail;
  private readonly views: UserViews;
  private readonly reads: Pick<SyncReads, 'sharing' | 'shownProfiles'>;
  private readonly now: () => number;
  private readonly profiles = new LRUCache<UserId, { readonly at: number; readonly shown: ShownProfile }>(
    KEPT_PROFILES,
  );

  constructor(tail: LiveTail, views: UserViews, reads: PresenceSync['reads'], now: () => number) {
    this.tail = tail;
    this.views = views;
    this.reads = reads;
    this.now = now;
  }

  /** What the answer has of it. Costs nothing beyond the changes since, and a question for those not seen here. */
  async of({ request, view, since, position, met }: PresenceAsk): Promise<readonly ToldPresence[]> {
    const { presence } = this.tail;
    const now = this.now();
    const changed = since && presence.changedSince(since.ephemeral);
    const present = changed === undefined ? presence.present(now) : [];
    const looked = new Map<string, ShownPresence>(present.map((one) => [one.user_id, one]));
    const news: ReadonlySet<string> = changed ?? new Set<string>(looked.keys());
    const found: ShownPresence[] = [];
    for (const userId of new Set<string>([...news, ...met])) {
      const shown = looked.get(userId) ?? presence.of(userId as UserId, now); // It keeps users only.
      if (shown === undefined || userId === view.userId || request.ignored.has(userId)) continue;
      // What has changed behind the position comes with the next answer.
      if (shown.offset >= (position.ephemeral[shown.partition] ?? 0)) continue;
      if (!news.has(userId) && shown.presence === 'offline') continue;
      if (request.filter.presence.takes({ type: 'm.presence', sender: userId })) found.push(shown);
    }
    const shared = await this.sharing(view, found);
    const { limit } = request.filter.presence.filter;
    return this.withProfiles(limit === undefined ? shared : shared.slice(-limit));
  }

  /** With names and avatars: asked for all that are not at hand at once. */
  private async withProfiles(presences: readonly ShownPresence[]): Promise<readonly ToldPresence[]> {
    const strange = presences.filter(({ user_id, profile }) => {
      return (this.profiles.get(user_id)?.at ?? -1) < profile;
    });
    const asked = strange.length === 0 ? undefined : await this.reads.shownProfiles(strange);
    for (const { user_id, profile } of strange)
      this.profiles.set(user_id, { at: profile, shown: asked?.get(user_id) ?? {} });
    return presences.map((one) => {
      // What was just asked may have been pushed out by the rest.
      const profile_fields = asked?.get(one.user_id) ?? this.profiles.get(one.user_id)?.shown ?? {};
      return { ...one, profile_fields };
    });
  }

  private async sharing(view: UserView, found: readonly ShownPresence[]): Promise<readonly ShownPresence[]> {
    const rooms = new Map(found.map(({ user_id }) => [user_id, this.views.peek(user_id)?.joined] as const));
    const strange = [...rooms].flatMap(([userId, joined]) => (joined === undefined ? [userId] : []));
    const asked = strange.length === 0 ? undefined : await this.reads.sharing(view.userId, strange);
    return found.filter(({ user_id }) => {
      const joined = rooms.get(user_id);
      return joined === undefined ? asked?.has(user_id) === true : shares(view.joined, joined);
    });
  }
}

function shares(one: ReadonlySet<RoomId>, other: ReadonlySet<RoomId>): boolean {
  const [few, many] = one.size < other.size ? [one, other] : [other, one];
  for (const roomId of few) if (many.has(roomId)) return true;
  return false;
}

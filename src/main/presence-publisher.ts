import type { PresenceTail } from '../../projections/sync/presence-tail.ts';
import type { PresenceService } from '../http/deps.ts';
import type { Codec } from '../log/codec.ts';
import type { EventLog } from '../log/port.ts';
import type { MasterKey } from '../log/sealing/master-key.ts';
import { slotOf } from '../log/slot.ts';
import type { UserId } from '../matrix/identifiers.ts';
import { looksTheSame, type Presence, presencePartitions } from '../matrix/presence.ts';
import { OwnPresence, type PresenceTimes } from './own-presence.ts';

/** How long what this node says holds without being said again, milliseconds: it may die. */
const HOLDS_MS = 300_000;
/** How often it is looked after what other nodes said and cannot take back, milliseconds. */
const LAPSES_MS = 30_000;

/** What the publisher works with. */
export interface PresencePublisherDeps {
  readonly log: Pick<EventLog, 'publish' | 'slots'>;
  readonly codec: Codec;
  readonly master: Pick<MasterKey, 'closeText'>;
  /** Names this process. */
  readonly node: string;
  readonly times: PresenceTimes;
  readonly told: Pick<PresenceTail, 'of' | 'with' | 'lapsed'>;
  /** Waits until this node's own syncs have a record. */
  readonly heard: (partition: number, offset: number) => Promise<boolean>;
  readonly now: () => number;
  readonly report: (error: unknown) => void;
}

interface Own {
  readonly presence: OwnPresence;
  said: (Presence & { readonly until: number }) | undefined;
  timer: NodeJS.Timeout | undefined;
}

/**
 * Publishes to `ephemeral` what the devices of this node make of their users' presence: a record when others would see
 * something new, and one every few minutes that says that it still holds. While somebody is active nothing more is
 * said (spec: "Last active ago"). Whoever's node died is taken back by those that live.
 */
export class PresencePublisher implements PresenceService {
  readonly #deps: PresencePublisherDeps;
  readonly #own = new Map<UserId, Own>();
  readonly #lapses: NodeJS.Timeout;

  constructor(deps: PresencePublisherDeps) {
    this.#deps = deps;
    this.#lapses = setInterval(() => this.#takeBack(), LAPSES_MS).unref();
  }

  syncing: PresenceService['syncing'] = ({ user_id, device_id }, state) => {
    const own = this.#of(user_id);
    own.presence.syncing(device_id, state, this.#deps.now());
    this.#look(user_id, own);
    return () => {
      own.presence.synced(device_id, this.#deps.now());
      this.#look(user_id, own);
    };
  };

  set: PresenceService['set'] = async ({ user_id, device_id }, state, status) => {
    const own = this.#of(user_id);
    own.presence.set(device_id, state, status, this.#deps.now());
    const place = await this.#say(user_id, own);
    if (place !== undefined) await this.#deps.heard(place.partition, place.offset);
  };

  renamed: PresenceService['renamed'] = (userId, offset) => {
    const own = this.#of(userId);
    own.presence.profile = Math.max(own.presence.profile, offset);
    this.#look(userId, own);
  };

  active: PresenceService['active'] = (userId) => {
    const own = this.#own.get(userId);
    if (own === undefined) return;
    own.presence.active(this.#deps.now());
    this.#look(userId, own);
  };

  of: PresenceService['of'] = (userId) => {
    const { told, node, now: clock } = this.#deps;
    const now = clock();
    const own = this.#own.get(userId);
    // What this node has said shows here before the log has brought it back.
    const shown = own?.said === undefined ? told.of(userId, now) : told.with(userId, node, own.said, now);
    const active = own?.presence.shown(now).active_at ?? 0;
    // Nobody is told of each activity, but whoever asks is.
    return shown && { ...shown, active_at: Math.max(active, shown.active_at ?? 0) };
  };

  /** Says nothing any more. */
  close(): void {
    clearInterval(this.#lapses);
    for (const { timer } of this.#own.values()) clearTimeout(timer);
    this.#own.clear();
  }

  #of(userId: UserId): Own {
    const present = this.#own.get(userId);
    if (present !== undefined) return present;
    const { told, now, times } = this.#deps;
    const known = told.of(userId, now());
    const presence = new OwnPresence(times, known?.status_msg ?? null, known?.active_at ?? 0);
    presence.profile = known?.profile ?? 0;
    const made: Own = { presence, said: undefined, timer: undefined };
    this.#own.set(userId, made);
    return made;
  }

  #look(userId: UserId, own: Own): void {
    this.#say(userId, own).catch(this.#deps.report);
  }

  /** Says what is new, and looks again when it may change by itself. */
  async #say(userId: UserId, own: Own): Promise<{ partition: number; offset: number } | undefined> {
    const now = this.#deps.now();
    const shown = own.presence.shown(now);
    clearTimeout(own.timer);
    const { said } = own;
    const isStale = shown.presence !== 'offline' && (said?.until ?? 0) - now < HOLDS_MS / 2;
    const isNews = said === undefined ? shown.presence !== 'offline' : !looksTheSame(said, shown);
    const other = said === undefined && (shown.status_msg !== null || shown.profile > 0);
    const says = isNews || isStale || other;
    const holds = now + HOLDS_MS;
    // Words are told apart by when they end (`PresenceTail.with`).
    const until = says ? holds + (holds === said?.until ? 1 : 0) : (said?.until ?? holds);
    if (says) own.said = { ...shown, until };
    const next = own.presence.next(now);
    if (shown.presence === 'offline' && next === undefined) this.#own.delete(userId);
    else this.#lookAgain(userId, own, Math.min(next ?? until, until - HOLDS_MS / 2) - now);
    return says ? this.#publish(userId, this.#deps.node, { ...shown, until }) : undefined;
  }

  #lookAgain(userId: UserId, own: Own, ms: number): void {
    own.timer = setTimeout(() => this.#look(userId, own), Math.max(1, ms)).unref();
  }

  async #publish(
    userId: UserId,
    node: string,
    shown: Presence & { readonly until: number },
  ): Promise<{ partition: number; offset: number }> {
    const { log, codec, master, now } = this.#deps;
    const key = `presence/${userId}/${node}`;
    const value = codec.encode('presence', {
      user_id: userId,
      node,
      state: shown.presence,
      active_at: shown.active_at ?? 0,
      currently_active: shown.currently_active,
      status: shown.status_msg === null ? null : Buffer.from(master.closeText(key, shown.status_msg)),
      until: shown.until,
      profile: shown.profile,
    });
    const partition = slotOf(userId, presencePartitions(log.slots));
    const [offset = 0] = await log.publish('ephemeral', partition, [
      { key, type: 'presence', at: now(), value },
    ]);
    return { partition, offset };
  }

  /** What a dead node said and did not take back ends here, so that those who wait hear of it. */
  #takeBack(): void {
    for (const { user_id, node, said } of this.#deps.told.lapsed(this.#deps.now())) {
      const over = { ...said, presence: 'offline', currently_active: false } as const;
      this.#publish(user_id, node, over).catch(this.#deps.report);
    }
  }
}

import type { Records } from '../../src/log/records.ts';
import { asUserId, type UserId } from '../../src/matrix/identifiers.ts';
import { combined, looksTheSame, type NodePresence, type Presence } from '../../src/matrix/presence.ts';

/** Changes kept by partition, for those who ask what is new; twice as many at most. */
const KEPT = 2_000;
/** Users who have been offline for so long are forgotten, milliseconds. */
const FORGOTTEN_MS = 3_600_000;
/** How often that is looked after. */
const SWEEP_MS = 60_000;

/** A user's presence as it is shown, and the offset at which that changed. */
export interface ShownPresence extends Presence {
  readonly user_id: UserId;
  readonly partition: number;
  readonly offset: number;
}

interface Known {
  shown: ShownPresence;
  /** By node, the last word behind. */
  readonly said: Map<string, NodePresence>;
}

interface Change {
  readonly user_id: UserId;
  readonly offset: number;
}

function shownNow({ shown, said }: Known, now: number): ShownPresence {
  return { ...shown, ...combined([...said.values()], now) };
}

/** Presence as the log's tail tells it: who is online, and whose presence has changed since when. */
export class PresenceTail {
  private readonly known = new Map<UserId, Known>();
  /** By partition, in the order of the log. */
  private readonly changes: Change[][] = [];
  /** By partition: changes before this offset are not listed. */
  private readonly listed: number[] = [];
  private readonly open: (key: string, box: Uint8Array) => string;
  private sweptAt = 0;

  /** @param open decrypts a status message (`src/log/sealing/master-key.ts`). */
  constructor(open: (key: string, box: Uint8Array) => string) {
    this.open = open;
  }

  /** Takes what a node says. @returns whether others see anything new. */
  take(
    key: string,
    value: Records['presence'],
    at: { partition: number; offset: number },
    now: number,
  ): boolean {
    const userId = asUserId(value.user_id);
    const before = this.known.get(userId);
    const said = before?.said ?? new Map<string, NodePresence>();
    said.delete(value.node);
    said.set(value.node, {
      presence: value.state,
      active_at: value.active_at > 0 ? value.active_at : undefined,
      currently_active: value.currently_active,
      status_msg: value.status === null ? null : this.open(key, value.status),
      until: value.until,
      profile: value.profile,
    });
    const shown = combined([...said.values()], now);
    const isFirstNews = shown.presence !== 'offline' || shown.profile > 0;
    const isNews = before === undefined ? isFirstNews : !looksTheSame(before.shown, shown);
    const place = isNews || before === undefined ? at : before.shown;
    const { partition, offset } = place;
    this.known.set(userId, { said, shown: { ...shown, user_id: userId, partition, offset } });
    if (isNews) this.list(userId, at);
    this.sweep(now);
    return isNews;
  }

  /** A user's presence as it is now; undefined when nothing is known. */
  of(userId: UserId, now: number): ShownPresence | undefined {
    const known = this.known.get(userId);
    return known && shownNow(known, now);
  }

  /** The same with a word of a node that may not have come back by the log yet. */
  with(userId: UserId, node: string, word: NodePresence, now: number): Presence {
    const said = this.known.get(userId)?.said ?? new Map<string, NodePresence>();
    // No two words of a node end together: this one has been heard, and stands in its place among the others'.
    if (said.get(node)?.until === word.until) return combined([...said.values()], now);
    const others = [...said].filter(([by]) => by !== node).map(([, one]) => one);
    return combined([...others, word], now);
  }

  /** Whose presence changed at or behind these offsets; undefined when that is not known any more. */
  changedSince(since: readonly number[]): ReadonlySet<UserId> | undefined {
    const users = new Set<UserId>();
    for (const [partition, changes] of this.changes.entries()) {
      const from = since[partition] ?? 0;
      if (from < (this.listed[partition] ?? 0)) return undefined;
      for (let index = (changes?.length ?? 0) - 1; index >= 0; index -= 1) {
        const change = changes?.[index];
        if (change === undefined || change.offset < from) break;
        users.add(change.user_id);
      }
    }
    return users;
  }

  /** Everybody who is not offline. */
  present(now: number): readonly ShownPresence[] {
    const all = [...this.known.values()].map((known) => shownNow(known, now));
    return all.filter(({ presence }) => presence !== 'offline');
  }

  /** What nodes said that has run out without being taken back: they have died. */
  lapsed(
    now: number,
  ): readonly { readonly user_id: UserId; readonly node: string; readonly said: NodePresence }[] {
    return [...this.known].flatMap(([user_id, { said }]) =>
      [...said]
        .filter(([, one]) => one.presence !== 'offline' && one.until <= now)
        .map(([node, one]) => ({ user_id, node, said: one })),
    );
  }

  private list(userId: UserId, { partition, offset }: { partition: number; offset: number }): void {
    const changes = this.changes[partition] ?? [];
    this.changes[partition] = changes;
    changes.push({ user_id: userId, offset });
    if (changes.length < 2 * KEPT) return;
    changes.splice(0, KEPT);
    this.listed[partition] = changes[0]?.offset ?? 0;
  }

  private sweep(now: number): void {
    if (now - this.sweptAt < SWEEP_MS) return;
    this.sweptAt = now;
    for (const [userId, { said }] of this.known) {
      if ([...said.values()].every(({ until }) => until + FORGOTTEN_MS < now)) this.known.delete(userId);
    }
  }
}

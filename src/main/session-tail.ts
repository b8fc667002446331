import type { Projections } from '../../projections/framework/projections.ts';
import type { Authenticator } from '../http/auth.ts';
import type { LastSeen } from '../http/last-seen.ts';
import type { ReadPosition } from '../log/port.ts';
import type { AnyFact } from '../log/records.ts';
import type { Loader } from '../owner/loader.ts';
import type { TypingPublisher } from './typing-publisher.ts';

/** Milliseconds before a partition that could not be read is tried again. */
const RETRY_MS = 500;

/** What the tail of `users` is followed with. */
export interface SessionTailDeps {
  readonly projections: Projections;
  readonly loader: Pick<Loader, 'checkpoint'>;
  readonly slots: number;
  readonly auth: Pick<Authenticator, 'invalidate'>;
  readonly lastSeen: Pick<LastSeen, 'forget' | 'followed' | 'followedBefore'>;
  readonly typing: Pick<TypingPublisher, 'devicesGone'>;
  readonly signal: AbortSignal;
  readonly report: (error: unknown) => void;
}

/**
 * Ends sessions on this node as soon as the log says so, wherever the logout was decided: a revocation acts
 * from the tail, not from the model (architecture, section 6). What is known of when and where a device was seen ends
 * with the device, also where nobody followed when it was removed: that goes on where it was left. What is typed on a
 * device ends with it, too.
 */
export async function followSessions(deps: SessionTailDeps): Promise<void> {
  await Promise.all(Array.from({ length: deps.slots }, (_, partition) => follow(deps, partition)));
}

async function follow(deps: SessionTailDeps, partition: number): Promise<void> {
  const { projections, auth, lastSeen, typing, signal, report } = deps;
  const cursor = projections.feed('users', partition).cursor(await startOf(deps, partition));
  while (!signal.aborted) {
    try {
      if (!(await cursor.ready(signal))) return;
      const { records, next } = cursor.take(1_000);
      for (const { opened } of records) {
        if (opened?.fact == null) continue;
        const { key, fact } = opened;
        revoke(auth, key, fact);
        const gone = devicesGone(fact);
        if (gone === undefined) continue;
        lastSeen.forget(key, gone);
        typing.devicesGone(key, gone);
      }
      lastSeen.followed(partition, next);
    } catch (error) {
      if (signal.aborted) return;
      report(error);
      await new Promise((resolve) => setTimeout(resolve, RETRY_MS));
    }
  }
}

/** Sessions are read from the models, as they stand now; an earlier place is for what was seen of devices. */
async function startOf(
  { loader, lastSeen, report }: SessionTailDeps,
  partition: number,
): Promise<ReadPosition> {
  const now = await loader.checkpoint('users', partition);
  const before = await lastSeen.followedBefore(partition).catch(report);
  // Of another log, copied or imported, it could lie beyond the end.
  return before !== undefined && before.offset < now.offset ? before : now;
}

/** The devices that a fact ends; undefined where it ends none. */
function devicesGone(fact: AnyFact): readonly string[] | 'all' | undefined {
  if (fact.type === 'device_removed') return fact.value.devices;
  return fact.type === 'user_deactivated' ? 'all' : undefined;
}

function revoke(auth: Pick<Authenticator, 'invalidate'>, userId: string, fact: AnyFact): void {
  switch (fact.type) {
    case 'device_removed':
      auth.invalidate(userId, fact.value.devices);
      return;
    case 'user_deactivated':
    // Not ended, but looked up again: they may do less now, or more.
    case 'guest_upgraded':
    case 'user_locked':
    case 'user_suspended':
      auth.invalidate(userId, 'all');
      return;
    case 'device_added': {
      // A login on an existing device ends its old token, not the new one.
      const kept = Buffer.from(fact.value.token_hash).toString('hex');
      auth.invalidate(userId, [fact.value.device_id], [kept]);
      return;
    }
    case 'device_tokens_set': {
      const kept = fact.value.tokens.map(({ token_hash }) => Buffer.from(token_hash).toString('hex'));
      auth.invalidate(userId, [fact.value.device_id], kept);
      return;
    }
    default:
      return;
  }
}

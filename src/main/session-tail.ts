import type { Projections } from '../../projections/framework/projections.ts';
import type { Authenticator } from '../http/auth.ts';
import type { AnyFact } from '../log/records.ts';
import type { Loader } from '../owner/loader.ts';

/** Milliseconds before a partition that could not be read is tried again. */
const RETRY_MS = 500;

/** What the tail of `users` is followed with. */
export interface SessionTailDeps {
  readonly projections: Projections;
  readonly loader: Pick<Loader, 'checkpoint'>;
  readonly slots: number;
  readonly auth: Pick<Authenticator, 'invalidate'>;
  readonly signal: AbortSignal;
  readonly report: (error: unknown) => void;
}

/**
 * Ends sessions on this node as soon as the log says so, wherever the logout was decided: a revocation acts
 * from the tail, not from the model (architecture, section 6).
 */
export async function followSessions(deps: SessionTailDeps): Promise<void> {
  await Promise.all(Array.from({ length: deps.slots }, (_, partition) => follow(deps, partition)));
}

async function follow(
  { projections, loader, auth, signal, report }: SessionTailDeps,
  partition: number,
): Promise<void> {
  const cursor = projections.feed('users', partition).cursor(await loader.checkpoint('users', partition));
  while (!signal.aborted) {
    try {
      if (!(await cursor.ready(signal))) return;
      for (const { opened } of cursor.take(1_000).records) {
        if (opened?.fact != null) revoke(auth, opened.key, opened.fact);
      }
    } catch (error) {
      if (signal.aborted) return;
      report(error);
      await new Promise((resolve) => setTimeout(resolve, RETRY_MS));
    }
  }
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

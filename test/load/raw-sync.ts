import { V3 } from '../support/client.ts';
import { type RawAnswer, type RawConnection, rawRequest } from './raw-connection.ts';

/** Members only as far as needed, and one event a room: what is wanted is the token. */
const SHORT = JSON.stringify({ room: { timeline: { limit: 1 }, state: { lazy_load_members: true } } });

/** A device's first sync, kept short. @returns its token. */
export async function firstSync(connection: RawConnection, url: string, token: string): Promise<string> {
  const path = `${V3}/sync?timeout=0&filter=${encodeURIComponent(SHORT)}`;
  return nextBatch(await connection.exchange(rawRequest('GET', path, new URL(url).host, token)));
}

/** A sync that waits for up to half a minute. Without a token it is a first one, which does not wait. */
export function syncRequest(url: string, token: string, since: string | undefined): string {
  const query = since === undefined ? 'timeout=0' : `timeout=30000&since=${encodeURIComponent(since)}`;
  return rawRequest('GET', `${V3}/sync?${query}`, new URL(url).host, token);
}

/** The token of a sync's answer. @throws Error when the answer is none. */
export function nextBatch(answer: RawAnswer): string {
  if (answer.status !== 200) throw new Error(`sync: ${answer.status} ${answer.body.slice(0, 300)}`);
  const body: unknown = JSON.parse(answer.body);
  if (
    typeof body === 'object' &&
    body !== null &&
    'next_batch' in body &&
    typeof body.next_batch === 'string'
  )
    return body.next_batch;
  throw new Error('a sync without next_batch');
}

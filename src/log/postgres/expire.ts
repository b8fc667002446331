import { topicNames, topics } from '../topics.ts';
import type { Database } from './database.ts';

/** How long topics that are kept for hours are kept, in milliseconds. */
const keptMs = 2 * 60 * 60 * 1000;

/** How often they are looked through, in milliseconds. */
export const expireEveryMs = 10 * 60 * 1000;

/**
 * Deletes records of the topics kept for hours that are older. Nodes may do it at once; their space is used
 * again by later records.
 * @param now milliseconds since the epoch.
 * @throws MilenaError LOG_UNAVAILABLE
 */
export async function expire(database: Database, now: number): Promise<void> {
  for (const topic of topicNames.filter((name) => topics[name].kept === 'hours')) {
    await database.query({ name: `log-expire-${topic}`, text: `DELETE FROM log.${topic} WHERE at < $1` }, [
      now - keptMs,
    ]);
  }
}

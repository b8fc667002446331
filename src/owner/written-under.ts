import type { TopicName } from '../log/topics.ts';

/** A record as far as its validity goes. */
interface Placed {
  readonly offset: number;
  readonly epoch: number;
}

/**
 * Leaves out what a fenced owner wrote behind the claim that fenced it, from reads that began in the middle of a
 * partition, where it is not known which claim was in force (`void-filter.ts` starts from that).
 *
 * In `rooms` an epoch is the offset of its claim: a record is void when a higher epoch's claim stands before it,
 * whichever record tells of that epoch. In other topics a claim's offset is not known: there a record is void
 * behind one of a higher epoch.
 * @param epochs epochs that are known besides: of checkpoints, of one's own claim.
 */
export function writtenUnderClaim<R extends Placed>(
  topic: TopicName,
  reads: readonly R[],
  epochs: readonly number[],
): readonly R[] {
  if (topic !== 'rooms') {
    let highest = 0;
    return reads.filter(({ epoch }) => {
      highest = Math.max(highest, epoch);
      return epoch === highest;
    });
  }
  const claims = [...new Set([...epochs, ...reads.map(({ epoch }) => epoch)])].sort((a, b) => a - b);
  return reads.filter(({ offset, epoch }) => {
    const inForce = claims.findLast((claim) => claim < offset);
    return inForce === undefined || epoch >= inForce;
  });
}

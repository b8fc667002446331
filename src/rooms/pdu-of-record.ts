import type { RoomEventRecord } from '../log/records.ts';
import type { Pdu } from '../matrix/event.ts';

/**
 * The PDU that a record holds: the skeleton with what was sealed put back, or the redacted PDU when its
 * content was erased (`apply(skeleton)` is what is left of `apply(record)`).
 */
export function pduOfRecord(event: Pick<RoomEventRecord, 'skeleton' | 'sealed'>): Pdu {
  const skeleton: Pdu = JSON.parse(event.skeleton);
  return event.sealed === null ? skeleton : { ...skeleton, ...JSON.parse(event.sealed) };
}

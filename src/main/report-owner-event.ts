import { channel } from 'node:diagnostics_channel';
import type { Logger } from 'pino';
import type { OwnerEvent } from '../owner/owner-service.ts';

const changes = channel('milena:owner:slot');

/** Logs what happens to slots, a line each, and publishes it for metrics. */
export function reportOwnerEvent(logger: Logger, { slot, what, epoch, error }: OwnerEvent): void {
  changes.publish({ slot, what });
  const facts = {
    slot,
    ...(epoch === undefined ? {} : { epoch }),
    ...(error === undefined ? {} : { err: error }),
  };
  switch (what) {
    case 'opened':
      logger.debug(facts, 'slot claimed');
      return;
    case 'lost':
      logger.info(facts, 'slot given up');
      return;
    case 'broken':
      logger.warn(facts, 'an append failed; the slot is claimed anew');
      return;
    case 'open_failed':
      logger.warn(facts, 'the slot could not be claimed; trying again');
      return;
    case 'saga_failed':
      logger.error(facts, 'an unfinished command could not be finished; the next owner tries again');
      return;
  }
}

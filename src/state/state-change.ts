import type { EventId } from '../matrix/identifiers.ts';

/** What became of one key of a state. Without `before` it is new, without `after` it is gone. */
export interface StateChange {
  readonly type: string;
  readonly stateKey: string;
  readonly before?: EventId;
  readonly after?: EventId;
}

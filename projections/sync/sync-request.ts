import type { TopicName } from '../../src/log/topics.ts';
import type { UserId } from '../../src/matrix/identifiers.ts';
import type { DeviceMembers } from './lazy-members.ts';
import type { ReadyFilter } from './sync-filter.ts';

/** A sync that is asked for. */
export interface SyncRequest {
  readonly user_id: UserId;
  readonly device_id: string;
  /** The token of an earlier answer. */
  readonly since?: string;
  /** How long to wait for something to happen, milliseconds. */
  readonly timeoutMs: number;
  /** Whether the whole state of all rooms is wanted. */
  readonly fullState: boolean;
  /** Whether `state` is as of the end of the timeline. */
  readonly stateAfter: boolean;
  readonly filter: ReadyFilter;
  /**
   * The most records of a partition of `rooms`, and so the most events of a room, that one answer goes on by: nothing
   * is left out of it, what came after is for the next one; without a token it begins now. Undefined: to the end, with
   * limited timelines.
   */
  readonly step?: number;
  /** Aborts when the client has gone or the server closes: what there is, is answered at once. */
  readonly signal: AbortSignal;
  /** Offsets that this node has acknowledged, by topic and partition: the answer has them in it. */
  readonly written?: ReadonlyMap<TopicName, readonly (number | undefined)[]>;
}

/** A request as it is answered, once or several times until something has happened. */
export interface PreparedRequest extends Omit<SyncRequest, 'since'> {
  /** Whom the user ignores. */
  readonly ignored: ReadonlySet<string>;
  /** The user's partition of `user_values`. */
  readonly ownPartition: number;
  /** The offsets of `rooms` before which the answer ends; undefined: as far as there is anything. */
  readonly below?: readonly number[];
  /** What the device knows of members; undefined when it does not load them lazily. */
  readonly members: DeviceMembers | undefined;
}

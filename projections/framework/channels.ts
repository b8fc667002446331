import { type Channel, channel } from 'node:diagnostics_channel';
import type { TopicName } from '../../src/log/topics.ts';

/** Where something happened. */
interface Place {
  readonly model: string;
  readonly schema: string;
  readonly topic: TopicName;
  readonly partition: number;
}

/**
 * What projectors tell, for logs and metrics: each on the channel `milena:projector:<name>` of
 * `node:diagnostics_channel`. No content in any of it.
 */
export interface ProjectorMessages {
  /** A batch was committed. */
  readonly batch: Place & {
    readonly records: number;
    /** Milliseconds from taking the records to their commit. */
    readonly ms: number;
    /** The first offset not applied. */
    readonly next: number;
    /** Milliseconds from the last record's time to its commit: how late the model is. */
    readonly late: number;
  };
  /** A record was set aside. */
  readonly poison: Place & { readonly offset: number; readonly key: string; readonly reason: string };
  /** A batch could not be committed; it is tried again after `retryMs` milliseconds. */
  readonly error: Place & { readonly error: unknown; readonly retryMs: number };
  /** This process holds other partitions than before. */
  readonly lease: { readonly held: readonly number[] };
  /** A rebuild began, switched or failed. */
  readonly rebuild: {
    readonly model: string;
    readonly schema: string;
    readonly state: 'started' | 'switched' | 'failed';
    readonly records: number;
    readonly error?: unknown;
  };
}

const channels: Readonly<Record<keyof ProjectorMessages, Channel>> = {
  batch: channel('milena:projector:batch'),
  poison: channel('milena:projector:poison'),
  error: channel('milena:projector:error'),
  lease: channel('milena:projector:lease'),
  rebuild: channel('milena:projector:rebuild'),
};

/** Tells whoever has subscribed. */
export function tell<Name extends keyof ProjectorMessages>(
  name: Name,
  message: ProjectorMessages[Name],
): void {
  channels[name].publish(message);
}

/** Whether anybody has subscribed, where making the message costs something. */
export function isHeard(name: keyof ProjectorMessages): boolean {
  return channels[name].hasSubscribers;
}

import { channel } from 'node:diagnostics_channel';
import type { TopicName } from '../../src/log/topics.ts';

/** What projectors tell (`node:diagnostics_channel`), for logs and metrics. No content in any of it. */

/** Where something happened. */
export interface ProjectorPlace {
  readonly model: string;
  readonly schema: string;
  readonly topic: TopicName;
  readonly partition: number;
}

/** `milena:projector:batch`: a batch was committed. */
export interface BatchMessage extends ProjectorPlace {
  readonly records: number;
  /** Milliseconds from taking the records to their commit. */
  readonly ms: number;
  /** The first offset not applied. */
  readonly next: number;
  /** Milliseconds from the last record's time to its commit: how late the model is. */
  readonly late: number;
}

/** `milena:projector:poison`: a record was set aside. */
export interface PoisonMessage extends ProjectorPlace {
  readonly offset: number;
  readonly key: string;
  readonly reason: string;
}

/** `milena:projector:error`: a batch could not be committed; it is tried again. */
export interface ProjectorErrorMessage extends ProjectorPlace {
  readonly error: unknown;
  /** Milliseconds until the next try. */
  readonly retryMs: number;
}

/** `milena:projector:lease`: this process holds other partitions than before. */
export interface LeaseMessage {
  readonly held: readonly number[];
}

/** `milena:projector:rebuild`: a rebuild began, went on, switched or failed. */
export interface RebuildMessage {
  readonly model: string;
  readonly schema: string;
  readonly state: 'started' | 'loading' | 'switched' | 'failed';
  readonly records: number;
  readonly error?: unknown;
}

/** The channels, by what they carry. */
export const projectorChannels = {
  batch: channel('milena:projector:batch'),
  poison: channel('milena:projector:poison'),
  error: channel('milena:projector:error'),
  lease: channel('milena:projector:lease'),
  rebuild: channel('milena:projector:rebuild'),
} as const;

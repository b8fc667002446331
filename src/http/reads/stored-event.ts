import type { StoredEvent as ModelEvent } from '../../../projections/timeline/stored-event.ts';

/** An event as the read models give it; where it stands on the log does not concern HTTP. */
export type StoredEvent = Omit<ModelEvent, 'log_offset' | 'redacted_because'> & {
  /** The redaction that redacted it. */
  readonly redacted_because?: StoredEvent;
};

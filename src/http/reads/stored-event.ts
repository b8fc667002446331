import type {
  EventRelations,
  StoredEvent as ModelEvent,
} from '../../../projections/timeline/stored-event.ts';

/** An event as the read models give it; where it stands on the log does not concern HTTP. */
export type StoredEvent = Omit<ModelEvent, 'log_offset' | 'redacted_because' | 'relations'> & {
  /** The redaction that redacted it. */
  readonly redacted_because?: StoredEvent;
  /** What is told of its children, where there are any. */
  readonly relations?: EventRelations<StoredEvent>;
};

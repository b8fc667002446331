import type {
  NotificationCursor,
  NotificationsQuery,
  NotifiedEvent,
} from '../../../projections/sync/notified-events.ts';
import type { StoredEvent } from './stored-event.ts';

/** A page of what a user was notified of, the newest first. */
export interface NotificationsPage {
  readonly notifications: readonly (NotifiedEvent & { readonly event: StoredEvent })[];
  /** Where to go on; undefined when there is nothing more. */
  readonly next?: NotificationCursor;
}

/** What HTTP asks about notifications. */
export type NotificationReads = (query: NotificationsQuery) => Promise<NotificationsPage>;

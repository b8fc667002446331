import { MilenaError } from '../errors/milena-error.ts';
import type { UserId } from '../matrix/identifiers.ts';
import type { Session } from './reads/account-reads.ts';

/** For paths that name a user and are open to that user only. @throws MilenaError FORBIDDEN */
export function requireSelf(session: Session, userId: UserId): void {
  if (session.user_id !== userId) throw new MilenaError('FORBIDDEN', 'This belongs to another user.');
}

import { MilenaError } from '../errors/milena-error.ts';
import type { Session } from './reads/account-reads.ts';

/** For endpoints of administrators. @throws MilenaError FORBIDDEN */
export function requireAdmin(session: Session): void {
  if (!session.admin) throw new MilenaError('FORBIDDEN', 'Only an administrator of this server may do this.');
}

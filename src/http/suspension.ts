import { MilenaError } from '../errors/milena-error.ts';
import type { EventId, RoomId } from '../matrix/identifiers.ts';
import type { ClientContext } from './context.ts';
import type { Session } from './reads/account-reads.ts';
import { behindVersion } from './route.ts';

/**
 * What a suspended user may still change, by method and path behind the version (spec: client-server API, "Account
 * suspension"). Reading is never refused. What is not named here is: a new endpoint is closed until somebody
 * decides that it may stand here.
 */
export const OPEN_TO_SUSPENDED: readonly string[] = [
  // Log in, log out, look after one's devices and account, or close it.
  'POST /logout',
  'POST /logout/all',
  'POST /login/get_token',
  'DELETE /devices/:deviceId',
  'POST /delete_devices',
  'POST /account/password',
  'POST /account/deactivate',
  // Verify devices and keep the keys to what one may still read.
  'POST /keys/upload',
  'POST /keys/query',
  'POST /keys/claim',
  'POST /keys/device_signing/upload',
  'POST /keys/signatures/upload',
  'POST /room_keys/version',
  'PUT /room_keys/version/:version',
  'PUT /room_keys/keys',
  'PUT /room_keys/keys/:roomId',
  'PUT /room_keys/keys/:roomId/:sessionId',
  'PUT /sendToDevice/:eventType/:txnId',
  // Receive messages: what only the user's own clients see of it.
  'POST /user/:userId/filter',
  'POST /publicRooms',
  'POST /rooms/:roomId/receipt/:receiptType/:eventId',
  'POST /rooms/:roomId/read_markers',
  'PUT /user/:userId/account_data/:type',
  'PUT /user/:userId/rooms/:roomId/account_data/:type',
  'PUT /user/:userId/rooms/:roomId/tags/:tag',
  'DELETE /user/:userId/rooms/:roomId/tags/:tag',
  'PUT /pushrules/global/:kind/:ruleId',
  'DELETE /pushrules/global/:kind/:ruleId',
  'PUT /pushrules/global/:kind/:ruleId/enabled',
  'PUT /pushrules/global/:kind/:ruleId/actions',
  'POST /pushers/set',
  // Leave rooms and reject invitations.
  'POST /rooms/:roomId/leave',
  'POST /rooms/:roomId/forget',
  // Only to redact one's own events: see `requireOwnRedaction`.
  'PUT /rooms/:roomId/send/:eventType/:txnId',
  'PUT /rooms/:roomId/redact/:eventId/:txnId',
];

const open = new Set(OPEN_TO_SUSPENDED);

/** Whether a suspended user may use a route. @param url its path with `:name` for parameters, version and all. */
export function isOpenToSuspended(method: string, url: string): boolean {
  if (method === 'GET') return true;
  return open.has(`${method} ${behindVersion(url)}`);
}

/** A suspended user may send nothing but redactions of own events. @throws MilenaError USER_SUSPENDED */
export async function requireOwnRedaction(
  { freshness, reads }: ClientContext,
  session: Session,
  roomId: RoomId,
  redacts: EventId | undefined,
): Promise<void> {
  if (!session.suspended) return;
  if (redacts === undefined) throw new MilenaError('USER_SUSPENDED');
  await freshness.room(roomId);
  const target = await reads.timeline.event(roomId, redacts, session.user_id);
  if (target?.sender !== session.user_id) throw new MilenaError('USER_SUSPENDED');
}

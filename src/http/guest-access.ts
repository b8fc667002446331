import { behindVersion } from './route.ts';

/**
 * What guests may use, by method and path behind the version (spec: client-server API, "Guest Access"), and the few
 * things beside the spec's list without which its clients cannot begin or end. What is not named here is closed to
 * them; the endpoints of modules that are not built yet stand here already.
 */
export const OPEN_TO_GUESTS: readonly string[] = [
  // Events and media.
  'GET /rooms/:roomId/state',
  'GET /rooms/:roomId/state/:eventType',
  'GET /rooms/:roomId/state/:eventType/:stateKey',
  'GET /rooms/:roomId/context/:eventId',
  'GET /rooms/:roomId/event/:eventId',
  'GET /rooms/:roomId/messages',
  'GET /rooms/:roomId/members',
  'GET /rooms/:roomId/initialSync',
  'GET /sync',
  'GET /events',
  'GET /media/download/:serverName/:mediaId',
  'GET /media/download/:serverName/:mediaId/:fileName',
  'GET /media/thumbnail/:serverName/:mediaId',
  // Sending.
  'POST /rooms/:roomId/join',
  // Not in the spec's list: the same join, of a room that is known by its alias.
  'POST /join/:roomIdOrAlias',
  'POST /rooms/:roomId/leave',
  'PUT /rooms/:roomId/send/:eventType/:txnId',
  'PUT /rooms/:roomId/state/:eventType',
  'PUT /rooms/:roomId/state/:eventType/:stateKey',
  'PUT /sendToDevice/:eventType/:txnId',
  // The account: of the profile the display name alone.
  'PUT /profile/:userId/displayname',
  'DELETE /profile/:userId/displayname',
  'GET /devices',
  'GET /devices/:deviceId',
  'PUT /devices/:deviceId',
  'GET /account/whoami',
  // Encryption.
  'POST /keys/upload',
  'POST /keys/query',
  'POST /keys/claim',
  // Not in the spec's list: what clients ask for before their first sync, and an end of the session.
  'GET /capabilities',
  'GET /pushrules/',
  'GET /pushrules/global/',
  'GET /pushrules/global/:kind/:ruleId',
  'GET /pushrules/global/:kind/:ruleId/enabled',
  'GET /pushrules/global/:kind/:ruleId/actions',
  'POST /user/:userId/filter',
  'GET /user/:userId/filter/:filterId',
  'POST /logout',
  'POST /logout/all',
];

/** The names of parameters matter to nobody but us. */
const open = new Set(OPEN_TO_GUESTS.map(bare));

/**
 * Whether a guest may use a route.
 * @param url its path with `:name` for parameters, version and all.
 * @param keyName the field of a profile that it is about, where it is about one.
 */
export function isOpenToGuests(method: string, url: string, keyName: string | undefined): boolean {
  const path = behindVersion(url);
  const named = keyName === undefined ? path : path.replace(/:keyName$/, encodeURIComponent(keyName));
  return open.has(bare(`${method} ${named}`));
}

function bare(route: string): string {
  return route.replaceAll(/:\w+/g, '*').replace(/\/$/, '');
}

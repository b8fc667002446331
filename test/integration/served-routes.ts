/** The JSON type that a property must have, or `content` where the whole body is content of any shape. */
type Kind = 'string' | 'boolean' | 'integer' | 'object' | 'array' | 'userId';

/** An endpoint as the spec describes it, as far as malformed requests go. */
export interface ServedRoute {
  readonly method: 'GET' | 'POST' | 'PUT' | 'DELETE';
  /** The spec's path: `{name}` for parameters. */
  readonly path: string;
  /** Whether it wants an access token. */
  readonly token: boolean;
  /** Properties of the body that the spec gives a type; undefined for endpoints without a body. */
  readonly body?: Readonly<Record<string, Kind>>;
  /** The body is content: any JSON object is right. */
  readonly content?: true;
  /** An empty body is right (CS API, API Standards: the exceptions). */
  readonly emptyBody?: true;
  /** Values of query parameters that are wrong. */
  readonly wrongQuery?: Readonly<Record<string, readonly string[]>>;
}

const R = '/_matrix/client/v3/rooms/{roomId}';
const U = '/_matrix/client/v3/user/{userId}';
const V = '/_matrix/client/v3';
const V1 = '/_matrix/client/v1';
const MEMBER = { user_id: 'userId', reason: 'string' } as const;
const PAGING = {
  dir: ['', 'x', 'B'],
  limit: ['x', '1.5', '-1', '1e400', '9'.repeat(40)],
  from: ['x', '%00', 's1_2', 'ä'.repeat(50)],
  to: ['x', '%ff'],
  filter: ['{', '[]', '1', '{"limit":"x"}', '{"types":1}', '{"rooms":{}}'],
} as const;

/** Every endpoint that this part of Milena serves. A test holds the list against the spec's and the server. */
export const servedRoutes: readonly ServedRoute[] = [
  { method: 'GET', path: '/.well-known/matrix/client', token: false },
  { method: 'GET', path: '/_matrix/client/versions', token: false },
  { method: 'GET', path: '/.well-known/matrix/support', token: false },
  { method: 'GET', path: '/_matrix/federation/v1/openid/userinfo', token: false },
  { method: 'POST', path: `${U}/openid/request_token`, token: true, content: true },
  { method: 'GET', path: `${V}/capabilities`, token: true },
  { method: 'GET', path: `${V}/login`, token: false },
  {
    method: 'POST',
    path: `${V}/login`,
    token: false,
    body: { type: 'string', identifier: 'object', password: 'string', device_id: 'string' },
  },
  { method: 'POST', path: `${V}/refresh`, token: false, body: { refresh_token: 'string' } },
  {
    method: 'POST',
    path: '/_matrix/client/v1/login/get_token',
    token: true,
    body: { auth: 'object' },
    emptyBody: true,
  },
  {
    method: 'GET',
    path: '/_matrix/client/v1/register/m.login.registration_token/validity',
    token: false,
  },
  {
    method: 'POST',
    path: `${V}/account/password`,
    token: false,
    body: { new_password: 'string', logout_devices: 'boolean', auth: 'object' },
  },
  {
    method: 'POST',
    path: `${V}/account/deactivate`,
    token: false,
    body: { erase: 'boolean', id_server: 'string', auth: 'object' },
    emptyBody: true,
  },
  { method: 'GET', path: `${V}/devices`, token: true },
  { method: 'GET', path: `${V}/devices/{deviceId}`, token: true },
  { method: 'PUT', path: `${V}/devices/{deviceId}`, token: true, body: { display_name: 'string' } },
  {
    method: 'DELETE',
    path: `${V}/devices/{deviceId}`,
    token: true,
    body: { auth: 'object' },
    emptyBody: true,
  },
  { method: 'POST', path: `${V}/delete_devices`, token: true, body: { devices: 'array', auth: 'object' } },
  { method: 'POST', path: `${V}/logout`, token: true, emptyBody: true },
  { method: 'POST', path: `${V}/logout/all`, token: true, emptyBody: true },
  {
    method: 'POST',
    path: `${V}/register`,
    token: false,
    body: {
      username: 'string',
      guest_access_token: 'string',
      password: 'string',
      auth: 'object',
      device_id: 'string',
      initial_device_display_name: 'string',
      inhibit_login: 'boolean',
    },
    wrongQuery: { kind: ['robot', '1'] },
  },
  {
    method: 'GET',
    path: `${V}/register/available`,
    token: false,
    wrongQuery: { username: ['', ' ', 'a:b'] },
  },
  { method: 'GET', path: `${V}/account/whoami`, token: true },
  { method: 'GET', path: `${V}/profile/{userId}`, token: false },
  { method: 'GET', path: `${V}/profile/{userId}/{keyName}`, token: false },
  { method: 'PUT', path: `${V}/profile/{userId}/{keyName}`, token: true, body: { displayname: 'string' } },
  { method: 'DELETE', path: `${V}/profile/{userId}/{keyName}`, token: true },
  { method: 'GET', path: `${V}/pushrules/`, token: true },
  { method: 'GET', path: `${V}/pushrules/global/`, token: true },
  { method: 'GET', path: `${V}/pushrules/global/{kind}/{ruleId}`, token: true },
  { method: 'GET', path: `${V}/pushrules/global/{kind}/{ruleId}/actions`, token: true },
  { method: 'GET', path: `${V}/pushrules/global/{kind}/{ruleId}/enabled`, token: true },
  {
    method: 'PUT',
    path: `${V}/pushrules/global/{kind}/{ruleId}`,
    token: true,
    body: { actions: 'array', conditions: 'array', pattern: 'string' },
    wrongQuery: { before: ['.', 'no such rule'], after: ['no such rule'] },
  },
  { method: 'DELETE', path: `${V}/pushrules/global/{kind}/{ruleId}`, token: true },
  {
    method: 'PUT',
    path: `${V}/pushrules/global/{kind}/{ruleId}/actions`,
    token: true,
    body: { actions: 'array' },
  },
  {
    method: 'PUT',
    path: `${V}/pushrules/global/{kind}/{ruleId}/enabled`,
    token: true,
    body: { enabled: 'boolean' },
  },
  {
    method: 'GET',
    path: `${V}/notifications`,
    token: true,
    wrongQuery: { from: ['-', '%00', 'z'.repeat(40)], limit: ['x', '-1', '1.5'] },
  },
  {
    method: 'POST',
    path: `${V}/createRoom`,
    token: true,
    body: {
      visibility: 'string',
      room_alias_name: 'string',
      name: 'string',
      topic: 'string',
      invite: 'array',
      invite_3pid: 'array',
      room_version: 'string',
      creation_content: 'object',
      initial_state: 'array',
      preset: 'string',
      is_direct: 'boolean',
      power_level_content_override: 'object',
    },
  },
  { method: 'POST', path: `${V}/join/{roomIdOrAlias}`, token: true, body: { reason: 'string' } },
  { method: 'POST', path: `${V}/knock/{roomIdOrAlias}`, token: true, body: { reason: 'string' } },
  { method: 'POST', path: `${R}/forget`, token: true, emptyBody: true },
  { method: 'POST', path: `${R}/join`, token: true, body: { reason: 'string' } },
  { method: 'POST', path: `${R}/invite`, token: true, body: MEMBER },
  { method: 'POST', path: `${R}/leave`, token: true, body: { reason: 'string' } },
  { method: 'POST', path: `${R}/kick`, token: true, body: MEMBER },
  { method: 'POST', path: `${R}/ban`, token: true, body: MEMBER },
  { method: 'POST', path: `${R}/unban`, token: true, body: MEMBER },
  { method: 'GET', path: `${V}/directory/room/{roomAlias}`, token: false },
  { method: 'PUT', path: `${V}/directory/room/{roomAlias}`, token: true, body: { room_id: 'string' } },
  { method: 'DELETE', path: `${V}/directory/room/{roomAlias}`, token: true },
  { method: 'GET', path: `${R}/aliases`, token: true },
  { method: 'GET', path: `${V}/directory/list/room/{roomId}`, token: false },
  { method: 'PUT', path: `${V}/directory/list/room/{roomId}`, token: true, body: { visibility: 'string' } },
  { method: 'GET', path: `${V}/publicRooms`, token: false, wrongQuery: { limit: ['x', '1.5', '-1'] } },
  {
    method: 'POST',
    path: `${V}/publicRooms`,
    token: true,
    body: { limit: 'integer', since: 'string', filter: 'object', include_all_networks: 'boolean' },
  },
  { method: 'PUT', path: `${R}/send/{eventType}/{txnId}`, token: true, content: true },
  { method: 'PUT', path: `${R}/state/{eventType}/{stateKey}`, token: true, content: true },
  { method: 'GET', path: `${R}/state/{eventType}/{stateKey}`, token: true },
  { method: 'GET', path: `${R}/state`, token: true },
  { method: 'PUT', path: `${R}/redact/{eventId}/{txnId}`, token: true, body: { reason: 'string' } },
  { method: 'GET', path: `${R}/event/{eventId}`, token: true },
  { method: 'GET', path: `${V}/events/{eventId}`, token: true },
  {
    method: 'GET',
    path: `${V}/events`,
    token: true,
    wrongQuery: {
      from: ['x', '%00', 's1_2_3', '9'.repeat(500)],
      timeout: ['x', '-1', '1.5', '1e400'],
      room_id: ['', 'x', '#alias:localhost'],
    },
  },
  {
    method: 'GET',
    path: `${V}/initialSync`,
    token: true,
    wrongQuery: { limit: PAGING.limit, archived: ['maybe', '2'] },
  },
  { method: 'GET', path: `${R}/initialSync`, token: true, wrongQuery: { limit: PAGING.limit } },
  {
    method: 'GET',
    path: `${V1}/rooms/{roomId}/timestamp_to_event`,
    token: true,
    wrongQuery: { ts: ['x', '1.5', ''], dir: ['x', ''] },
  },
  { method: 'GET', path: `${R}/context/{eventId}`, token: true, wrongQuery: { limit: PAGING.limit } },
  { method: 'GET', path: `${R}/messages`, token: true, wrongQuery: PAGING },
  {
    method: 'GET',
    path: `${R}/members`,
    token: true,
    wrongQuery: { membership: ['', 'x'], not_membership: ['guest'], at: ['x', '%ff'] },
  },
  { method: 'GET', path: `${R}/joined_members`, token: true },
  { method: 'GET', path: `${V}/joined_rooms`, token: true },
  {
    method: 'GET',
    path: `${V1}/mutual_rooms`,
    token: true,
    wrongQuery: { user_id: ['', 'x', '!room:localhost'] },
  },
  {
    method: 'PUT',
    path: `${R}/typing/{userId}`,
    token: true,
    body: { typing: 'boolean', timeout: 'integer' },
  },
  {
    method: 'POST',
    path: `${R}/receipt/{receiptType}/{eventId}`,
    token: true,
    body: { thread_id: 'string' },
  },
  {
    method: 'POST',
    path: `${R}/read_markers`,
    token: true,
    body: { 'm.fully_read': 'string', 'm.read': 'string', 'm.read.private': 'string' },
  },
  { method: 'GET', path: `${U}/account_data/{type}`, token: true },
  { method: 'PUT', path: `${U}/account_data/{type}`, token: true, content: true },
  { method: 'GET', path: `${U}/rooms/{roomId}/account_data/{type}`, token: true },
  { method: 'PUT', path: `${U}/rooms/{roomId}/account_data/{type}`, token: true, content: true },
  { method: 'GET', path: `${U}/rooms/{roomId}/tags`, token: true },
  { method: 'PUT', path: `${U}/rooms/{roomId}/tags/{tag}`, token: true, body: { order: 'integer' } },
  { method: 'DELETE', path: `${U}/rooms/{roomId}/tags/{tag}`, token: true },
  {
    method: 'POST',
    path: `${U}/filter`,
    token: true,
    body: {
      event_fields: 'array',
      event_format: 'string',
      presence: 'object',
      account_data: 'object',
      room: 'object',
    },
  },
  { method: 'GET', path: `${U}/filter/{filterId}`, token: true },
  { method: 'GET', path: `${V}/thirdparty/protocols`, token: true },
  { method: 'GET', path: `${V}/presence/{userId}/status`, token: true },
  {
    method: 'PUT',
    path: `${V}/presence/{userId}/status`,
    token: true,
    body: { presence: 'string', status_msg: 'string' },
  },
  { method: 'GET', path: `${V}/admin/whois/{userId}`, token: true },
  { method: 'GET', path: `${V1}/admin/lock/{userId}`, token: true },
  { method: 'PUT', path: `${V1}/admin/lock/{userId}`, token: true, body: { locked: 'boolean' } },
  { method: 'GET', path: `${V1}/admin/suspend/{userId}`, token: true },
  { method: 'PUT', path: `${V1}/admin/suspend/{userId}`, token: true, body: { suspended: 'boolean' } },
  {
    method: 'GET',
    path: `${V}/sync`,
    token: true,
    wrongQuery: {
      since: ['x', '%00', 's1_2_3', '9'.repeat(500)],
      timeout: ['x', '-1', '1.5', '1e400'],
      full_state: ['maybe', '2'],
      set_presence: ['asleep'],
      use_state_after: ['perhaps'],
      filter: ['{', '[', '{"room":[]}', '{"room":{"timeline":{"limit":"x"}}}', 'no-such-filter', '{"a":'],
    },
  },
];

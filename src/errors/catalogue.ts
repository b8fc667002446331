/**
 * The closed catalogue of errors. Each has a code of ours, the Matrix `errcode` a client sees, and the HTTP
 * status (spec: client-server API, "Standard error response"). `docs/errors.md` is generated from it.
 */
export const catalogue = {
  // Requests
  NOT_JSON: { errcode: 'M_NOT_JSON', status: 400, text: 'The request body is not JSON.' },
  BAD_JSON: { errcode: 'M_BAD_JSON', status: 400, text: 'The JSON is not as this endpoint expects it.' },
  MISSING_PARAM: { errcode: 'M_MISSING_PARAM', status: 400, text: 'A required parameter is missing.' },
  INVALID_PARAM: {
    errcode: 'M_INVALID_PARAM',
    status: 400,
    text: 'A parameter has a value that is not allowed.',
  },
  TOO_LARGE: { errcode: 'M_TOO_LARGE', status: 413, text: 'The request or the event is too large.' },
  UNRECOGNIZED: { errcode: 'M_UNRECOGNIZED', status: 404, text: 'There is no such endpoint.' },
  METHOD_NOT_ALLOWED: {
    errcode: 'M_UNRECOGNIZED',
    status: 405,
    text: 'The endpoint does not know this method.',
  },
  SERVER_CONTROLLED: {
    errcode: 'M_BAD_JSON',
    status: 405,
    text: 'The server sets this itself; use the endpoint made for it.',
  },
  LIMIT_EXCEEDED: { errcode: 'M_LIMIT_EXCEEDED', status: 429, text: 'Too many requests.' },
  // Who asks
  MISSING_TOKEN: { errcode: 'M_MISSING_TOKEN', status: 401, text: 'An access token is required.' },
  UNKNOWN_TOKEN: { errcode: 'M_UNKNOWN_TOKEN', status: 401, text: 'The access token is not known.' },
  FORBIDDEN: { errcode: 'M_FORBIDDEN', status: 403, text: 'This is not allowed.' },
  GUEST_ACCESS_FORBIDDEN: {
    errcode: 'M_GUEST_ACCESS_FORBIDDEN',
    status: 403,
    text: 'Guests cannot do this here.',
  },
  INVITE_BLOCKED: {
    errcode: 'M_INVITE_BLOCKED',
    status: 403,
    text: 'The user takes no invitations.',
  },
  UNKNOWN_LOGIN_TYPE: { errcode: 'M_UNKNOWN', status: 400, text: 'This way to log in is not known.' },
  UNKNOWN_IDENTIFIER: {
    errcode: 'M_FORBIDDEN',
    status: 403,
    text: 'Log in with a user name; other identifiers are not known here.',
  },
  LOGIN_TOKENS_OFF: {
    errcode: 'M_UNRECOGNIZED',
    status: 400,
    text: 'Nobody can make login tokens on this server.',
  },
  REGISTRATION_TOKEN_SPENT: {
    errcode: 'M_FORBIDDEN',
    status: 403,
    text: 'The registration token is not valid, or is used up.',
  },
  USER_DEACTIVATED: { errcode: 'M_USER_DEACTIVATED', status: 403, text: 'The account was deactivated.' },
  USER_LOCKED: { errcode: 'M_USER_LOCKED', status: 401, text: 'This account has been locked.' },
  USER_SUSPENDED: {
    errcode: 'M_USER_SUSPENDED',
    status: 403,
    text: 'You cannot perform this action while suspended.',
  },
  // Accounts
  USER_IN_USE: { errcode: 'M_USER_IN_USE', status: 400, text: 'The user ID is taken.' },
  INVALID_USERNAME: { errcode: 'M_INVALID_USERNAME', status: 400, text: 'The user name is not valid.' },
  WEAK_PASSWORD: { errcode: 'M_WEAK_PASSWORD', status: 400, text: 'The password is too weak.' },
  PROFILE_TOO_LARGE: { errcode: 'M_PROFILE_TOO_LARGE', status: 400, text: 'The profile would be too large.' },
  KEY_TOO_LARGE: { errcode: 'M_KEY_TOO_LARGE', status: 400, text: 'The name of the field is too long.' },
  NO_SUCH_PUSH_RULE: {
    errcode: 'M_UNKNOWN',
    status: 400,
    text: 'There is no such push rule to place another by.',
  },
  // Rooms
  NOT_FOUND: { errcode: 'M_NOT_FOUND', status: 404, text: 'There is no such thing.' },
  ROOM_IN_USE: { errcode: 'M_ROOM_IN_USE', status: 400, text: 'The room alias is taken.' },
  INVALID_ROOM_STATE: { errcode: 'M_INVALID_ROOM_STATE', status: 400, text: 'The room would not be valid.' },
  UNSUPPORTED_ROOM_VERSION: {
    errcode: 'M_UNSUPPORTED_ROOM_VERSION',
    status: 400,
    text: 'The room version is not supported.',
  },
  ALIAS_EXISTS: { errcode: 'M_UNKNOWN', status: 409, text: 'The room alias is taken.' },
  BAD_ALIAS: { errcode: 'M_BAD_ALIAS', status: 400, text: 'The alias does not point to this room.' },
  NO_THREAD_HERE: {
    errcode: 'M_UNKNOWN',
    status: 400,
    text: 'A thread cannot begin at an event that is related to another.',
  },
  DUPLICATE_ANNOTATION: {
    errcode: 'M_DUPLICATE_ANNOTATION',
    status: 400,
    text: 'You have annotated the event so already.',
  },
  NOT_LEFT: { errcode: 'M_UNKNOWN', status: 400, text: 'The user has not left the room.' },
  BAD_STATE: { errcode: 'M_BAD_STATE', status: 403, text: 'The change does not fit the present state.' },
  // The house itself
  UNAVAILABLE: {
    errcode: 'M_UNKNOWN',
    status: 503,
    text: 'A part of the server cannot answer now; try again.',
  },
  /** Unlike UNAVAILABLE it does not pass by itself: nobody tries again before the operator has mended it. */
  SET_ASIDE: { errcode: 'M_UNKNOWN', status: 503, text: 'A record of this is set aside; see milena status.' },
  INTERNAL: { errcode: 'M_UNKNOWN', status: 500, text: 'The server failed to answer.' },
  NOT_OWNER: { errcode: 'M_UNKNOWN', status: 421, text: 'This node does not own the slot.' },
  // The log
  FENCED: { errcode: 'M_UNKNOWN', status: 503, text: 'A newer owner has claimed the slot.' },
  INDEFINITE: { errcode: 'M_UNKNOWN', status: 503, text: 'Whether the append happened is not known.' },
  APPEND_TOO_LARGE: {
    errcode: 'M_TOO_LARGE',
    status: 413,
    text: 'The records do not fit one atomic append.',
  },
  LOG_UNAVAILABLE: { errcode: 'M_UNKNOWN', status: 503, text: 'The log cannot be reached.' },
  LOG_UNSAFE: { errcode: 'M_UNKNOWN', status: 500, text: 'The log is not durable as it is configured.' },
  BAD_RECORD: { errcode: 'M_UNKNOWN', status: 500, text: 'A record on the log cannot be read.' },
  // Start-up
  BAD_CONFIG: { errcode: 'M_UNKNOWN', status: 500, text: 'The configuration is not valid.' },
  DATA_MISMATCH: { errcode: 'M_UNKNOWN', status: 500, text: 'The data folder does not fit this start.' },
  DATA_HELD: { errcode: 'M_UNKNOWN', status: 500, text: 'Another process holds the data folder.' },
  START_FAILED: { errcode: 'M_UNKNOWN', status: 500, text: 'The server could not start.' },
} as const satisfies Record<string, { errcode: string; status: number; text: string }>;

/** A code of the catalogue. */
export type ErrorCode = keyof typeof catalogue;

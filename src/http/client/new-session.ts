import { MilenaError } from '../../errors/milena-error.ts';
import { type DeviceId, parseDeviceId, type UserId } from '../../matrix/identifiers.ts';
import type { NewDevice } from '../../owner/commands.ts';
import { newAccessToken, tokenHash } from '../access-token.ts';
import type { HttpDeps } from '../deps.ts';

const TOKEN_BYTES = 32;
const DEVICE_ID_LENGTH = 10;

/** A device to be added and the one time that its token is seen. */
export interface NewSession {
  readonly device: NewDevice;
  readonly token: string;
}

/**
 * Makes a token, and a device ID where the client names none.
 * @param wanted the client's device ID. @throws MilenaError INVALID_PARAM when it can be none.
 */
export function newSession(
  deps: Pick<HttpDeps, 'random'>,
  userId: UserId,
  wanted: string | undefined,
  displayName: string | undefined,
  method: string,
): NewSession {
  const token = newAccessToken(userId, deps.random(TOKEN_BYTES));
  return {
    token,
    device: {
      device_id: wanted === undefined ? randomDeviceId(deps) : checkedDeviceId(wanted),
      token_hash: tokenHash(token),
      display_name: displayName ?? null,
      method,
    },
  };
}

function checkedDeviceId(wanted: string): DeviceId {
  const id = parseDeviceId(wanted);
  if (id === undefined) throw new MilenaError('INVALID_PARAM', 'device_id: cannot be a device ID');
  return id;
}

/** Ten capital letters. 256 is no multiple of 26: the first letters come up a little more often. */
function randomDeviceId(deps: Pick<HttpDeps, 'random'>): DeviceId {
  const bytes = deps.random(DEVICE_ID_LENGTH);
  return checkedDeviceId(Array.from(bytes, (byte) => String.fromCharCode(65 + (byte % 26))).join(''));
}

import type { ConfirmTokens, RefreshTokens } from '../owner/account-commands.ts';
import type { NewDevice } from '../owner/commands.ts';
import type { UserDecision, UserFact } from './decide.ts';
import type { DeviceTokens, User } from './user.ts';

/**
 * Decides new tokens for who shows a refresh token (spec: client-server API, "Refreshing access tokens"). What was
 * shown stays good until one of the new is used; showing it again makes others in place of those that were lost.
 */
export function decideRefresh(user: User, command: RefreshTokens): UserDecision {
  if (user.locked) return { refused: 'USER_LOCKED' };
  const { shown_hash, token_hash, refresh_hash, expires_at } = command;
  for (const [deviceId, tokens] of user.devices) {
    const shown = tokens.find((one) => one.refresh_hash === shown_hash);
    if (shown === undefined) continue;
    const facts = [tokensSet(deviceId, [shown, { token_hash, refresh_hash, expires_at }])];
    return { facts, devices: [deviceId], suspended: user.suspended };
  }
  return { refused: 'UNKNOWN_TOKEN' };
}

/** Decides that an access token was used: the device has no other from now on. */
export function decideConfirmation(user: User, command: ConfirmTokens): UserDecision {
  const tokens = user.devices.get(command.device_id) ?? [];
  const used = tokens.find(({ token_hash }) => token_hash === command.token_hash);
  if (used === undefined) return { refused: 'UNKNOWN_TOKEN' };
  return { facts: tokens.length === 1 ? [] : [tokensSet(command.device_id, [used])] };
}

/** A login, as it stands on the log. */
export function deviceAdded(device: NewDevice): UserFact {
  return {
    type: 'device_added',
    value: {
      device_id: device.device_id,
      token_hash: Buffer.from(device.token_hash, 'hex'),
      method: device.method,
      sealed: JSON.stringify({ display_name: device.display_name }),
      refresh_hash: bytesOf(device.refresh_hash),
      expires_at: device.expires_at,
    },
  };
}

function tokensSet(deviceId: string, tokens: readonly DeviceTokens[]): UserFact {
  const recorded = tokens.map(({ token_hash, refresh_hash, expires_at }) => ({
    token_hash: Buffer.from(token_hash, 'hex'),
    refresh_hash: bytesOf(refresh_hash),
    expires_at,
  }));
  return { type: 'device_tokens_set', value: { device_id: deviceId, tokens: recorded } };
}

function bytesOf(hash: string | null): Buffer | null {
  return hash === null ? null : Buffer.from(hash, 'hex');
}

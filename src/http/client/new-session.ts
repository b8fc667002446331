import { MilenaError } from '../../errors/milena-error.ts';
import { type DeviceId, parseDeviceId, type UserId } from '../../matrix/identifiers.ts';
import type { NewDevice } from '../../owner/commands.ts';
import { newToken, tokenHash } from '../access-token.ts';
import type { HttpDeps } from '../deps.ts';

const TOKEN_BYTES = 32;
const DEVICE_ID_LENGTH = 10;

/** A device that is to be added. */
export interface WantedDevice {
  /** The client's device ID. */
  readonly id: string | undefined;
  readonly displayName: string | undefined;
  /** How it comes about: see `schemas/device_added.avsc`. */
  readonly method: string;
  /** Whether the client can refresh its tokens. */
  readonly refreshes: boolean;
}

/** Tokens as a client gets them: the one time that they are seen. */
export interface TokenAnswer {
  readonly access_token: string;
  readonly refresh_token?: string;
  readonly expires_in_ms?: number;
}

/** Tokens as they are stored. */
export type StoredTokens = Pick<NewDevice, 'token_hash' | 'refresh_hash' | 'expires_at'>;

/** What tokens are made with. */
type TokenDeps = Pick<HttpDeps, 'random' | 'now' | 'settings'>;

/** A device to be added, and its tokens. */
export interface NewSession {
  readonly device: NewDevice;
  readonly answer: TokenAnswer;
}

/**
 * Makes tokens, and a device ID where the client names none.
 * @throws MilenaError INVALID_PARAM when the client's device ID can be none.
 */
export function newSession(deps: TokenDeps, userId: UserId, wanted: WantedDevice): NewSession {
  const { stored, answer } = wanted.refreshes ? newTokens(deps, userId) : lastingToken(deps, userId);
  const device = {
    device_id: wanted.id === undefined ? randomDeviceId(deps) : checkedDeviceId(wanted.id),
    display_name: wanted.displayName ?? null,
    method: wanted.method,
    ...stored,
  };
  return { device, answer };
}

/** An access token that ends, and the refresh token for the next (spec: "Refreshing access tokens"). */
export function newTokens(
  deps: TokenDeps,
  userId: UserId,
): { readonly stored: StoredTokens & { readonly refresh_hash: string }; readonly answer: TokenAnswer } {
  const access = newToken('mln', userId, deps.random(TOKEN_BYTES));
  const refresh = newToken('mlr', userId, deps.random(TOKEN_BYTES));
  const { accessTokenLifetime } = deps.settings;
  return {
    stored: {
      token_hash: tokenHash(access),
      refresh_hash: tokenHash(refresh),
      expires_at: deps.now() + accessTokenLifetime,
    },
    answer: { access_token: access, refresh_token: refresh, expires_in_ms: accessTokenLifetime },
  };
}

function lastingToken(deps: TokenDeps, userId: UserId) {
  const access = newToken('mln', userId, deps.random(TOKEN_BYTES));
  const stored: StoredTokens = { token_hash: tokenHash(access), refresh_hash: null, expires_at: null };
  return { stored, answer: { access_token: access } };
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

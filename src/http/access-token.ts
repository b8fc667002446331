import { hash } from 'node:crypto';
import { crc32 } from 'node:zlib';

/**
 * Tokens: `mln_` (access tokens) or `mlr_` (refresh tokens), the first 8 hex digits of the user ID's SHA-256, 32 random bytes (base64url), and
 * the CRC-32 of all that, each part after a `_` of its own. The digits name the user's slot, so that a node
 * that does not know a token knows which partition to wait for; the CRC lets garbage be refused without a
 * look at anything, and scanners find leaked tokens. Only the SHA-256 of a token is ever stored.
 */
const TOKEN = /^ml[nr]_([0-9a-f]{8})_[A-Za-z0-9_-]{43}_([0-9a-f]{8})$/;

/** A new access token, or refresh token. @param random 32 random bytes. */
export function newToken(kind: 'mln' | 'mlr', userId: string, random: Uint8Array): string {
  const body = `${kind}_${hash('sha256', userId, 'hex').slice(0, 8)}_${Buffer.from(random).toString('base64url')}`;
  return `${body}_${checksum(body)}`;
}

/** The SHA-256 of a token, 64 hex digits: all that is stored of it. */
export function tokenHash(token: string): string {
  return hash('sha256', token, 'hex');
}

/** The slot of the token's user, undefined when it is no token of ours. */
export function tokenSlot(token: string, slots: number): number | undefined {
  const match = TOKEN.exec(token);
  if (match?.[1] === undefined || match[2] !== checksum(token.slice(0, -9))) return undefined;
  return Number.parseInt(match[1], 16) % slots; // As `slotOf` has it.
}

function checksum(body: string): string {
  return crc32(body).toString(16).padStart(8, '0');
}

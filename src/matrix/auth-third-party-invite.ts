import { type AuthorisableEvent, membershipOf, type StateEvent, type StateLookup } from './auth-state.ts';
import { ALLOWED, type AuthVerdict, rejected } from './auth-verdict.ts';
import { isJsonObject, type JsonObject, ownObject, ownString, ownValue } from './json.ts';
import { isSignature, signedText, type Verifier } from './signing.ts';

/**
 * Invitations that redeem an `m.room.third_party_invite` (authorisation rule 5.4.1 of version 12): a key that the room's event names has signed who the invited address turned out to be.
 */

/**
 * How many pairs of signature and key are tried. The spec sets no bound; both lists come from outside, and
 * an event full of them would cost minutes. Real ones have one signature and one or two keys.
 */
export const MAX_SIGNATURE_TRIALS = 128;

/** Judges an invitation whose content has `third_party_invite`. */
export function checkThirdPartyInvite(
  event: AuthorisableEvent,
  target: string,
  state: StateLookup,
  verifier: Verifier,
): AuthVerdict {
  if (membershipOf(state, target) === 'ban') return rejected('the invited user is banned');
  const signed = ownObject(ownObject(event.content, 'third_party_invite') ?? {}, 'signed');
  if (signed === undefined) return rejected('the third-party invitation is not signed');
  const mxid = ownString(signed, 'mxid');
  const token = ownString(signed, 'token');
  if (mxid === undefined || token === undefined) return rejected('what is signed has no mxid or no token');
  if (mxid !== target) return rejected('the third-party invitation was signed for another user');
  const invite = state('m.room.third_party_invite', token);
  if (invite === undefined) return rejected('the room has no third-party invitation with this token');
  if (invite.sender !== event.sender) return rejected('the third-party invitation is of another sender');
  if (isSignedByKeyOf(invite, signed, verifier)) return ALLOWED;
  return rejected('no key of the third-party invitation has signed this');
}

function isSignedByKeyOf(invite: StateEvent, signed: JsonObject, verifier: Verifier): boolean {
  const message = Buffer.from(signedText(signed));
  const keys = publicKeysOf(invite.content);
  let trials = 0;
  for (const signature of ed25519Signatures(signed)) {
    for (const key of keys) {
      trials += 1;
      if (trials > MAX_SIGNATURE_TRIALS) return false;
      if (isSignature(message, signature, key, verifier)) return true;
    }
  }
  return false;
}

function* ed25519Signatures(signed: JsonObject): Iterable<string> {
  for (const bySigner of Object.values(ownObject(signed, 'signatures') ?? {})) {
    if (!isJsonObject(bySigner)) continue;
    for (const [keyId, signature] of Object.entries(bySigner)) {
      if (keyId.startsWith('ed25519:') && typeof signature === 'string') yield signature;
    }
  }
}

/** 5.4.1.7: `public_key`, and the `public_key` of each of `public_keys`. */
function publicKeysOf(content: JsonObject): readonly string[] {
  const single = ownString(content, 'public_key');
  const list = ownValue(content, 'public_keys');
  const listed = Array.isArray(list) ? list : [];
  const keys = listed.map((entry) => (isJsonObject(entry) ? ownString(entry, 'public_key') : undefined));
  return [single, ...keys].filter((key) => key !== undefined);
}

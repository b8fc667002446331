import { canonicalJson } from './canonical-json.ts';
import { type Pdu, pduJson, type Signatures, type UnsignedPdu } from './event.ts';
import { contentHash, eventIdOf, signableText, withEventId } from './hashes.ts';
import type { EventId, ServerName } from './identifiers.ts';
import { type JsonObject, ownObject, ownString } from './json.ts';
import type { RoomVersion } from './room-versions.ts';
import { fromBase64 } from './unpadded-base64.ts';

/**
 * Signing and checking of JSON and of events (spec: appendices, "Signing JSON"; server-server API, "Signing
 * Events"). Ed25519 itself is behind two small ports, so that a quicker one can stand in where measured.
 */

/** Makes signatures with one key of one server. */
export interface Signer {
  /** In whose name is signed. */
  readonly serverName: ServerName;
  /** `ed25519:` and the key's name. */
  readonly keyId: string;
  /** The Ed25519 signature of `message`, in unpadded base64. Synchronous: 40 to 50 µs, less than a thread's switch. */
  sign(message: Uint8Array): string;
}

/** Checks Ed25519 signatures. */
export interface Verifier {
  /** True when `signature` (64 bytes) of `message` was made by `publicKey` (32 bytes). Other lengths: false. */
  verify(message: Uint8Array, signature: Uint8Array, publicKey: Uint8Array): boolean;
}

/**
 * The public key of a key ID such as `ed25519:auto`, in base64, or undefined when it is unknown or may not be
 * used (expired: the caller knows the event's time and the version's `enforcesKeyValidity`).
 */
export type KeyLookup = (keyId: string) => string | undefined;

/** A finished event with its ID. */
export interface SignedEvent {
  readonly pdu: Pdu;
  readonly eventId: EventId;
}

/** Gives an event its ID, its content hash and its signature. */
export function signEvent(unnamed: UnsignedPdu, version: RoomVersion, signer: Signer): SignedEvent {
  const event = withEventId(unnamed, version, signer.serverName);
  const hashed: Pdu = { ...event, hashes: { sha256: contentHash(event) }, signatures: {} };
  const text = signableText(hashed, version);
  const signatures = withSignature({}, text, signer);
  return { pdu: { ...hashed, signatures }, eventId: eventIdOf(hashed, version, text) };
}

/** Adds another server's signature to a finished event (invitations, restricted joins). The ID stays. */
export function addEventSignature(pdu: Pdu, version: RoomVersion, signer: Signer): Pdu {
  const signatures = withSignature(pdu.signatures, signableText(pdu, version), signer);
  return { ...pdu, signatures };
}

/** `object` with one more signature; those it has and its `unsigned` stay. */
export function signJson(object: JsonObject, signer: Signer): JsonObject {
  // The cast: what an object names `signatures` is copied as it is, of whatever shape.
  const present = (ownObject(object, 'signatures') ?? {}) as unknown as Signatures;
  return { ...object, signatures: withSignature(present, signedText(object), signer) };
}

/** True when `server` signed the event by a key of `keys`, and no signature by such a key is wrong. */
export function verifyEventSignature(
  pdu: Pdu,
  version: RoomVersion,
  server: ServerName,
  keys: KeyLookup,
  verifier: Verifier,
): boolean {
  return verifyText(signableText(pdu, version), pduJson(pdu), server, keys, verifier);
}

/** True when `signedBy` (a server, an identity server, a user) signed the object by a key of `keys`. */
export function verifyJsonSignature(
  object: JsonObject,
  signedBy: string,
  keys: KeyLookup,
  verifier: Verifier,
): boolean {
  return verifyText(signedText(object), object, signedBy, keys, verifier);
}

/** The text of an object that its signatures are made over: canonical, without `signatures` and `unsigned`. */
export function signedText(object: JsonObject): string {
  const { unsigned: _u, signatures: _s, ...signed } = object;
  return canonicalJson(signed);
}

function withSignature(present: Signatures, text: string, signer: Signer): Signatures {
  const own = Object.hasOwn(present, signer.serverName) ? present[signer.serverName] : undefined;
  return { ...present, [signer.serverName]: { ...own, [signer.keyId]: signer.sign(Buffer.from(text)) } };
}

function verifyText(
  text: string,
  object: JsonObject,
  signedBy: string,
  keys: KeyLookup,
  verifier: Verifier,
): boolean {
  const signatures = ownObject(ownObject(object, 'signatures') ?? {}, signedBy) ?? {};
  const message = Buffer.from(text);
  let verified = false;
  for (const keyId of Object.keys(signatures)) {
    const publicKey = keyId.startsWith('ed25519:') ? keys(keyId) : undefined;
    if (publicKey === undefined) continue; // Unknown and expired keys are skipped (spec).
    if (!isSignature(message, ownString(signatures, keyId), publicKey, verifier)) return false;
    verified = true;
  }
  return verified;
}

/** Checks one signature given in base64. Anything that is no base64 of the right length is no signature. */
export function isSignature(
  message: Uint8Array,
  signature: string | undefined,
  publicKey: string,
  verifier: Verifier,
): boolean {
  const signatureBytes = fromBase64(signature ?? '');
  const keyBytes = fromBase64(publicKey);
  if (signatureBytes?.length !== 64 || keyBytes?.length !== 32) return false;
  return verifier.verify(message, signatureBytes, keyBytes);
}

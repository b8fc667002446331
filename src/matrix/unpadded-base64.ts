/** Unpadded base64 (spec: appendices, "Unpadded Base64"), the form of keys, hashes and signatures. */

const STANDARD = /^[A-Za-z0-9+/]*={0,2}$/;
const URL_SAFE = /^[A-Za-z0-9_-]*={0,2}$/;

/** `bytes` in the standard alphabet, without padding. */
export function toUnpaddedBase64(bytes: Uint8Array): string {
  return buffer(bytes).toString('base64').replace(/=+$/, '');
}

/** `bytes` in the URL-safe alphabet (`-` and `_`), without padding. */
export function toUrlSafeBase64(bytes: Uint8Array): string {
  return buffer(bytes).toString('base64url');
}

/**
 * The bytes of standard base64, with padding or without, or undefined when `text` is none. Bits left over in
 * the last character are ignored, as decoders commonly do: the spec's own signing seed has some.
 */
export function fromBase64(text: string): Uint8Array | undefined {
  return decode(text, STANDARD);
}

/** As `fromBase64`, for the URL-safe alphabet. */
export function fromUrlSafeBase64(text: string): Uint8Array | undefined {
  return decode(text, URL_SAFE);
}

function decode(text: string, alphabet: RegExp): Uint8Array | undefined {
  if (!alphabet.test(text)) return undefined;
  const digits = text.replace(/=+$/, '');
  if (digits.length % 4 === 1) return undefined;
  if (digits.length !== text.length && text.length % 4 !== 0) return undefined;
  return Buffer.from(digits, 'base64'); // Node reads both alphabets.
}

function buffer(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

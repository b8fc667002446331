import { createCipheriv, createDecipheriv, createSecretKey, randomBytes } from 'node:crypto';
import { MilenaError } from '../../errors/milena-error.ts';

/** Keys are given to it as key objects: with raw bytes, Node 24 takes 22 µs a box instead of 5. */
const algorithm = 'aes-256-gcm';
const tagBytes = 16;

/** What AES-256-GCM made: a random nonce of 12 bytes; ciphertext, then the tag of 16. */
export interface Box {
  readonly nonce: Uint8Array;
  readonly box: Uint8Array;
}

/**
 * Encrypts bytes.
 * @param key 32 bytes.
 * @param bound what the box belongs to (additional data): it opens only with the same string.
 */
export function closeBox(key: Uint8Array, bound: string, plain: Uint8Array): Box {
  const nonce = nextNonce();
  const cipher = createCipheriv(algorithm, createSecretKey(key), nonce);
  cipher.setAAD(Buffer.from(bound, 'utf8'));
  const body = cipher.update(plain);
  cipher.final();
  return { nonce, box: Buffer.concat([body, cipher.getAuthTag()]) };
}

/**
 * Decrypts what `closeBox` made.
 * @throws MilenaError BAD_RECORD when it was made with another key or for another `bound`, or was altered.
 */
export function openBox(key: Uint8Array, bound: string, { nonce, box }: Box): Buffer {
  if (box.length < tagBytes) throw new MilenaError('BAD_RECORD', 'a sealed content is too short');
  const decipher = createDecipheriv(algorithm, createSecretKey(key), nonce, { authTagLength: tagBytes });
  decipher.setAAD(Buffer.from(bound, 'utf8'));
  decipher.setAuthTag(box.subarray(box.length - tagBytes));
  const plain = decipher.update(box.subarray(0, box.length - tagBytes));
  try {
    decipher.final();
  } catch (cause) {
    throw new MilenaError('BAD_RECORD', 'a sealed content cannot be opened', { cause });
  }
  return plain;
}

/** Random bytes for nonces are drawn 4 KiB at a time: one draw each is half of what a seal costs. */
let drawn: Buffer = Buffer.alloc(0);

function nextNonce(): Buffer {
  if (drawn.length < 12) drawn = randomBytes(4096);
  const nonce = drawn.subarray(0, 12);
  drawn = drawn.subarray(12);
  return nonce;
}

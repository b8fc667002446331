import { randomBytes } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { MilenaError } from '../../errors/milena-error.ts';
import { createFile, errnoOf, fileError } from './files.ts';

/** The server's Ed25519 key: its ID as it stands in signatures (`ed25519:a_1b2c3d`), and the 32-byte seed. */
export interface SigningKey {
  readonly keyId: string;
  readonly seed: Uint8Array;
}

/**
 * Reads the signing key, or makes it when the file is not there. The file is one line, as homeservers use it:
 * `ed25519 VERSION SEED`, the seed in unpadded base64.
 * @throws MilenaError START_FAILED when the file is not a signing key, or cannot be read or made.
 */
export async function signingKey(path: string): Promise<SigningKey> {
  const fresh = () => `ed25519 a_${randomBytes(3).toString('hex')} ${unpadded(randomBytes(32))}\n`;
  const line = (await readOrCreate(path, fresh)).trim();
  const match = /^ed25519 ([A-Za-z0-9_]+) ([A-Za-z0-9+/]{43})$/.exec(line);
  if (match === null) {
    throw new MilenaError('START_FAILED', `${path} is not a signing key: expected "ed25519 VERSION SEED".`);
  }
  return { keyId: `ed25519:${match[1]}`, seed: Buffer.from(match[2] ?? '', 'base64') };
}

/** Where a data folder keeps the master key. */
export function masterKeyFile(folder: string): string {
  return join(folder, 'master.key');
}

/**
 * The 32 bytes that wrap the keys of sealed content, made when the file is not there. Whoever loses `master.key`
 * loses the words of all rooms.
 * @throws MilenaError START_FAILED when the file is not such a key, or cannot be read or made.
 */
export async function masterKey(folder: string): Promise<Uint8Array> {
  const path = masterKeyFile(folder);
  return asMasterKey(path, await readOrCreate(path, () => `${unpadded(randomBytes(32))}\n`));
}

/** The same, undefined when the file is not there: then nothing is made. @throws as `masterKey` does. */
export async function savedMasterKey(folder: string): Promise<Uint8Array | undefined> {
  const path = masterKeyFile(folder);
  const text = await readIfThere(path);
  return text === undefined ? undefined : asMasterKey(path, text);
}

function asMasterKey(path: string, text: string): Uint8Array {
  const key = Buffer.from(text, 'base64');
  if (key.length !== 32) throw new MilenaError('START_FAILED', `${path} is not a key of 32 bytes in base64.`);
  return key;
}

/** The secret that nodes and the command line show to the internal listener, made at the first start. */
export async function internalSecret(folder: string): Promise<string> {
  const path = join(folder, 'internal.secret');
  const secret = (await readOrCreate(path, () => `${randomBytes(32).toString('base64url')}\n`)).trim();
  if (secret.length < 16) throw new MilenaError('START_FAILED', `${path} is too short for a secret.`);
  return secret;
}

async function readOrCreate(path: string, fresh: () => string): Promise<string> {
  const there = await readIfThere(path);
  if (there !== undefined) return there;
  await createFile(path, fresh());
  return readFile(path, 'utf8'); // Ours, or that of a process that was quicker.
}

async function readIfThere(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return undefined;
    throw fileError(error, path);
  }
}

function unpadded(bytes: Buffer): string {
  return bytes.toString('base64').replace(/=+$/, '');
}

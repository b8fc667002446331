import sodium from 'libsodium-wrappers';
import type { ServerName } from './identifiers.ts';
import type { Signer, Verifier } from './signing.ts';
import { toUnpaddedBase64 } from './unpadded-base64.ts';

/** Ed25519 by libsodium: the adapter of the ports in `signing.ts`, and the only file that knows libsodium. */

/** A signer, and the public key that others check it with. */
export interface SodiumSigner extends Signer {
  /** 32 bytes in unpadded base64, as `GET /_matrix/key/v2/server` publishes it. */
  readonly publicKey: string;
}

/** A signer by the key that grows from a seed of 32 bytes. Waits until libsodium is ready. */
export async function sodiumSigner(
  serverName: ServerName,
  keyName: string,
  seed: Uint8Array,
): Promise<SodiumSigner> {
  await sodium.ready;
  if (seed.length !== 32) throw new RangeError(`a signing key's seed has 32 bytes, not ${seed.length}`);
  const { publicKey, privateKey } = sodium.crypto_sign_seed_keypair(seed);
  return {
    serverName,
    keyId: `ed25519:${keyName}`,
    publicKey: toUnpaddedBase64(publicKey),
    sign: (message) => toUnpaddedBase64(sodium.crypto_sign_detached(message, privateKey)),
  };
}

/** A verifier. Waits until libsodium is ready. */
export async function sodiumVerifier(): Promise<Verifier> {
  await sodium.ready;
  return {
    verify: (message, signature, publicKey) =>
      signature.length === 64 &&
      publicKey.length === 32 &&
      sodium.crypto_sign_verify_detached(signature, message, publicKey),
  };
}

import { type Argon2Parameters, argon2, randomBytes, timingSafeEqual } from 'node:crypto';
import { promisify } from 'node:util';
import { MilenaError } from '../errors/milena-error.ts';
import type { PasswordHasher } from './deps.ts';

const derive: (algorithm: 'argon2id', parameters: Argon2Parameters) => Promise<Buffer> = promisify(argon2);

/** What one hash costs (RFC 9106), and how many there may be. */
export interface PasswordCost {
  /** KiB of memory. */
  readonly memory: number;
  readonly passes: number;
  /** Hashes at once; each takes one of libuv's four threads, and `memory`. */
  readonly atOnce: number;
}

/** Hashes that may wait for their turn; at 0.1 to 0.25 s each, more would not be answered in time. */
const MAX_WAITING = 200;
const SALT_BYTES = 16;
const HASH_BYTES = 32;
const PHC = /^\$argon2id\$v=19\$m=(\d+),t=(\d+),p=(\d+)\$([A-Za-z0-9+/]+)\$([A-Za-z0-9+/]+)$/;

/** Argon2id on libuv's threads, so many at a time. Stored hashes are PHC strings and carry their own cost. */
export class Argon2Passwords implements PasswordHasher {
  readonly #cost: PasswordCost;
  readonly #waiting: (() => void)[] = [];
  readonly #nobody: string;
  #running = 0;

  constructor(cost: PasswordCost) {
    this.#cost = cost;
    this.#nobody = phc(cost, randomBytes(SALT_BYTES), randomBytes(HASH_BYTES));
  }

  async hash(password: string): Promise<string> {
    const salt = randomBytes(SALT_BYTES);
    return phc(this.#cost, salt, await this.#derive(password, salt, this.#cost, HASH_BYTES));
  }

  async verify(password: string, stored: string | undefined): Promise<boolean> {
    // Nobody's hash is checked at the same cost, so that time does not tell who has an account.
    const match = PHC.exec(stored ?? this.#nobody);
    if (match === null) return false;
    const [, memory, passes, lanes, salt = '', expected = ''] = match;
    const cost = { memory: Number(memory), passes: Number(passes), lanes: Number(lanes) };
    const hash = Buffer.from(expected, 'base64');
    const derived = await this.#derive(password, Buffer.from(salt, 'base64'), cost, hash.length);
    return timingSafeEqual(derived, hash) && stored !== undefined;
  }

  async #derive(
    password: string,
    salt: Uint8Array,
    cost: { readonly memory: number; readonly passes: number; readonly lanes?: number },
    tagLength: number,
  ): Promise<Buffer> {
    await this.#enter();
    try {
      // NFKC, so that the same password typed on another keyboard is the same.
      const message = password.normalize('NFKC');
      const { memory, passes, lanes: parallelism = 1 } = cost;
      return await derive('argon2id', { message, nonce: salt, memory, passes, parallelism, tagLength });
    } finally {
      this.#leave();
    }
  }

  async #enter(): Promise<void> {
    if (this.#running < this.#cost.atOnce) {
      this.#running += 1;
      return;
    }
    if (this.#waiting.length >= MAX_WAITING) {
      throw new MilenaError('UNAVAILABLE', 'Too many people log in at this moment; try again.');
    }
    await new Promise<void>((resolve) => this.#waiting.push(resolve));
  }

  /** Hands the place to the next who waits. */
  #leave(): void {
    const next = this.#waiting.shift();
    if (next === undefined) this.#running -= 1;
    else next();
  }
}

function phc(cost: PasswordCost, salt: Uint8Array, hash: Uint8Array): string {
  const parameters = `m=${cost.memory},t=${cost.passes},p=1`;
  return `$argon2id$v=19$${parameters}$${unpadded(salt)}$${unpadded(hash)}`;
}

function unpadded(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('base64').replace(/=+$/, '');
}

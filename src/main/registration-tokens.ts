import { randomBytes } from 'node:crypto';
import type { DirectoryQueries } from '../../projections/directory/queries.ts';
import { CommandFailed, type NewToken, type TokenRow } from '../cli/house.ts';
import { tokenHash } from '../http/access-token.ts';
import { freshCommandId } from '../owner/command-id.ts';
import type { Command } from '../owner/commands.ts';

/** The grammar of opaque identifiers, at most 64 characters (spec: "Token-authenticated registration"). */
const TOKEN = /^[A-Za-z0-9._~-]{1,64}$/;
const RANDOM_BYTES = 15;
const FINGERPRINT_DIGITS = 12;
const DAY_MS = 86_400_000;

/** The command line's side of registration tokens. Only their hashes are stored. */
export class RegistrationTokens {
  readonly #directory: Pick<DirectoryQueries, 'registrationTokens'>;
  readonly #run: (command: Command) => Promise<void>;

  constructor(
    directory: Pick<DirectoryQueries, 'registrationTokens'>,
    run: (command: Command) => Promise<void>,
  ) {
    this.#directory = directory;
    this.#run = run;
  }

  /** @throws CommandFailed when it cannot be a token. */
  async add({ token: wanted, uses, days }: NewToken): Promise<{ readonly token: string }> {
    const token = wanted ?? randomBytes(RANDOM_BYTES).toString('base64url');
    if (!TOKEN.test(token)) {
      throw new CommandFailed('A token is 1 to 64 letters, digits and . _ ~ - characters.');
    }
    const at = Date.now();
    await this.#run({
      kind: 'make_registration_token',
      id: freshCommandId(),
      at,
      token_hash: tokenHash(token),
      uses_allowed: uses,
      expires_at: days === null ? null : at + days * DAY_MS,
      actor: 'cli',
    });
    return { token };
  }

  async list(): Promise<readonly TokenRow[]> {
    return (await this.#directory.registrationTokens()).map((token) => ({
      fingerprint: token.token_hash.slice(0, FINGERPRINT_DIGITS),
      uses: token.uses,
      usesAllowed: token.uses_allowed,
      expiresAt: token.expires_at,
    }));
  }

  /** @param token itself, or its fingerprint. @throws CommandFailed when there is none. */
  async remove(token: string): Promise<void> {
    const whole = tokenHash(token);
    const all = (await this.#directory.registrationTokens()).map(({ token_hash }) => token_hash);
    const found = all.find((one) => one === whole || one.slice(0, FINGERPRINT_DIGITS) === token);
    if (found === undefined) throw new CommandFailed('There is no such registration token.');
    const stamp = { id: freshCommandId(), at: Date.now() };
    await this.#run({ kind: 'remove_registration_token', ...stamp, token_hash: found, actor: 'cli' });
  }
}

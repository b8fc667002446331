import type { UserId } from '../matrix/identifiers.ts';
import type { CommandStamp } from './commands.ts';

/** A token with which accounts can be made. One that is there already gets the new bounds. */
export interface MakeRegistrationToken extends CommandStamp {
  readonly kind: 'make_registration_token';
  /** SHA-256 of the token, 64 hex digits. */
  readonly token_hash: string;
  /** Null: any number. */
  readonly uses_allowed: number | null;
  /** Milliseconds since the epoch; null: never. */
  readonly expires_at: number | null;
  readonly actor: string;
}

/** Uses a registration token once, for an account that is to be made; `return` undoes that. */
export interface UseRegistrationToken extends CommandStamp {
  readonly kind: 'use_registration_token' | 'return_registration_token';
  readonly token_hash: string;
  readonly user_id: UserId;
}

/** Ends a registration token. */
export interface RemoveRegistrationToken extends CommandStamp {
  readonly kind: 'remove_registration_token';
  readonly token_hash: string;
  readonly actor: string;
}

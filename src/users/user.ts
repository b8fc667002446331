import { type FieldSizes, NO_FIELDS } from './profile-size.ts';

/** The user aggregate: accounts, devices and profiles (topic `users`). Pure. */

/** What an owner must know of a user to decide. */
export interface User {
  readonly exists: boolean;
  readonly kind: 'user' | 'guest';
  readonly admin: boolean;
  readonly deactivated: boolean;
  /** An administrator has locked it: it cannot be used until that ends. */
  readonly locked: boolean;
  /** An administrator has suspended it: it may do little until that ends. */
  readonly suspended: boolean;
  /** What each device may show itself with, by its ID. */
  readonly devices: ReadonlyMap<string, readonly DeviceTokens[]>;
  /** What the profile holds, by size. */
  readonly profile: FieldSizes;
}

/** An access token and the refresh token that came with it, by their SHA-256 (64 hex digits). */
export interface DeviceTokens {
  readonly token_hash: string;
  readonly refresh_hash: string | null;
  /** Milliseconds since the epoch; null: never. */
  readonly expires_at: number | null;
}

/** A user ID that was never registered. */
export const NO_USER: User = {
  exists: false,
  kind: 'user',
  admin: false,
  deactivated: false,
  locked: false,
  suspended: false,
  devices: new Map(),
  profile: NO_FIELDS,
};

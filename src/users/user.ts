/** The user aggregate: accounts and devices (topic `users`). Pure. */

/** What an owner must know of a user to decide. */
export interface User {
  readonly exists: boolean;
  readonly kind: 'user' | 'guest';
  readonly admin: boolean;
  readonly deactivated: boolean;
  readonly devices: ReadonlySet<string>;
}

/** A user ID that was never registered. */
export const NO_USER: User = {
  exists: false,
  kind: 'user',
  admin: false,
  deactivated: false,
  devices: new Set(),
};

/** The user aggregate: accounts and devices (topic `users`). Pure. */

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
  readonly devices: ReadonlySet<string>;
}

/** A user ID that was never registered. */
export const NO_USER: User = {
  exists: false,
  kind: 'user',
  admin: false,
  deactivated: false,
  locked: false,
  suspended: false,
  devices: new Set(),
};

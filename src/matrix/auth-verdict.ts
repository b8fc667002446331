/** What the authorisation rules say of an event. */
export type AuthVerdict = AuthAllowed | AuthRejected;

/** The event may stand. */
export interface AuthAllowed {
  readonly allowed: true;
}

/** The event is rejected. */
export interface AuthRejected {
  readonly allowed: false;
  /** For people: which demand was not met, without names or content. */
  readonly reason: string;
}

/** The event may stand. */
export const ALLOWED: AuthAllowed = { allowed: true };

/** The event is rejected, for this reason. */
export function rejected(reason: string): AuthRejected {
  return { allowed: false, reason };
}

import { type Static, Type } from 'typebox';
import type { UserId } from '../../matrix/identifiers.ts';

/** The authentication types that are built (spec: client-server API, "Authentication types"). */
export const STAGES = [
  'm.login.password',
  'm.login.dummy',
  'm.login.terms',
  'm.login.registration_token',
  'm.login.recaptcha',
] as const;

/** One of them. */
export type Stage = (typeof STAGES)[number];

/** One way to authenticate: stages in the order in which they must be completed. */
export type Flow = readonly Stage[];

/** The flows where the password alone shows who asks. */
export const PASSWORD_FLOWS: readonly Flow[] = [['m.login.password']];

/** A user identifier object (spec: "Identifier types"). */
export const identifierSchema = Type.Object({
  type: Type.String(),
  user: Type.Optional(Type.String()),
});

/** What clients send as `auth`: of all stages together, since only the type tells which. */
export const authSchema = Type.Object({
  type: Type.Optional(Type.String()),
  session: Type.Optional(Type.String()),
  identifier: Type.Optional(identifierSchema),
  /** Deprecated in favour of `identifier`. */
  user: Type.Optional(Type.String()),
  password: Type.Optional(Type.String()),
  token: Type.Optional(Type.String()),
  response: Type.Optional(Type.String()),
});

/** A checked `auth`. */
export type AuthData = Static<typeof authSchema>;

/** What completed stages have shown. */
export interface Proven {
  /** Whose password was given. */
  readonly user?: UserId;
  /** SHA-256 of the registration token, 64 hex digits. */
  readonly registrationToken?: string;
  /** The documents that were accepted, each `<policy>/<version>`. */
  readonly terms?: readonly string[];
}

/** Whether the name is that of a stage that is built. */
export function isStage(type: string): type is Stage {
  return STAGES.some((stage) => stage === type);
}

import type {
  MakeRegistrationToken,
  RemoveRegistrationToken,
  UseRegistrationToken,
} from '../owner/registration-token-commands.ts';
import type { ServerDecision, ServerFact } from './decide.ts';

/** The record types of registration tokens. */
export type TokenRecordType =
  | 'registration_token_made'
  | 'registration_token_used'
  | 'registration_token_returned'
  | 'registration_token_removed';

/** A token with which accounts can be made. */
export interface RegistrationToken {
  readonly uses: number;
  /** Null: any number. */
  readonly uses_allowed: number | null;
  /** Milliseconds since the epoch; null: never. */
  readonly expires_at: number | null;
}

/**
 * Decides about a registration token (spec: client-server API, "Token-authenticated registration"). Its one
 * owner counts its uses, so two nodes never use it more often than is allowed.
 * @param token undefined when there is none.
 */
export function decideRegistrationToken(
  token: RegistrationToken | undefined,
  command: MakeRegistrationToken | UseRegistrationToken | RemoveRegistrationToken,
): ServerDecision {
  if (command.kind === 'make_registration_token') {
    const { uses_allowed, expires_at, actor } = command;
    return { facts: [{ type: 'registration_token_made', value: { uses_allowed, expires_at, actor } }] };
  }
  if (token === undefined) {
    if (command.kind === 'return_registration_token') return { facts: [] };
    return { refused: command.kind === 'use_registration_token' ? 'REGISTRATION_TOKEN_SPENT' : 'NOT_FOUND' };
  }
  switch (command.kind) {
    case 'use_registration_token': {
      const isSpent = token.uses_allowed !== null && token.uses >= token.uses_allowed;
      const isOver = token.expires_at !== null && command.at >= token.expires_at;
      if (isSpent || isOver) return { refused: 'REGISTRATION_TOKEN_SPENT' };
      const value = { user_id: command.user_id, uses: token.uses + 1 };
      return { facts: [{ type: 'registration_token_used', value }] };
    }
    case 'return_registration_token': {
      const value = { user_id: command.user_id, uses: Math.max(0, token.uses - 1) };
      return { facts: [{ type: 'registration_token_returned', value }] };
    }
    case 'remove_registration_token':
      return { facts: [{ type: 'registration_token_removed', value: { actor: command.actor } }] };
  }
}

/** A registration token after a fact about it; made anew, it keeps its uses. */
export function evolveRegistrationToken(
  token: RegistrationToken | undefined,
  fact: ServerFact,
): RegistrationToken | undefined {
  switch (fact.type) {
    case 'registration_token_made': {
      const { uses_allowed, expires_at } = fact.value;
      return { uses: token?.uses ?? 0, uses_allowed, expires_at };
    }
    case 'registration_token_used':
    case 'registration_token_returned':
      return token === undefined ? undefined : { ...token, uses: fact.value.uses };
    case 'registration_token_removed':
      return undefined;
    default:
      return token;
  }
}

import { MilenaError } from '../../errors/milena-error.ts';
import {
  type Alias,
  decideAlias,
  decideListing,
  evolveAlias,
  type ServerDecision,
} from '../../server/decide.ts';
import {
  decideRegistrationToken,
  evolveRegistrationToken,
  type RegistrationToken,
} from '../../server/registration-tokens.ts';
import type { AggregateKind } from '../aggregate-kind.ts';
import type { Command } from '../commands.ts';

/** A resource of the topic `server`: an alias, a room's place in the list, or a registration token. */
export interface Resource {
  readonly alias: Alias;
  readonly listing: 'public' | 'private' | undefined;
  readonly token: RegistrationToken | undefined;
}

/** What the keys of registration tokens begin with; the token's hash follows. */
const TOKEN = 'registration_token/';

const NOTHING: Resource = { alias: {}, listing: undefined, token: undefined };

/** Resources as the owner runs them. */
export const serverKind: AggregateKind<Resource> = {
  topic: 'server',
  async load(key, loader) {
    if (key.startsWith('list/')) {
      const listing = await loader.listing(key.slice('list/'.length));
      return { state: { ...NOTHING, listing }, next: 0 };
    }
    if (key.startsWith(TOKEN)) {
      const found = await loader.registrationToken(key.slice(TOKEN.length));
      if (found === undefined) return { state: NOTHING, next: 0 };
      const { next, ...token } = found;
      return { state: { ...NOTHING, token }, next };
    }
    const snapshot = await loader.alias(key);
    if (snapshot === undefined) return { state: NOTHING, next: 0 };
    const { next, ...alias } = snapshot;
    return { state: { ...NOTHING, alias }, next };
  },
  spread: () => false,
  prepare: () => undefined,
  decide(resource, command) {
    const decision = decide(resource, command);
    if ('refused' in decision) throw new MilenaError(decision.refused);
    const key = keyOfServerCommand(command);
    const facts = decision.facts.map((fact) => ({ ...fact, key }));
    return { facts, result: {} };
  },
  evolve(resource, fact) {
    switch (fact.type) {
      case 'room_listed':
        return { ...resource, listing: fact.value.visibility };
      case 'alias_reserved':
      case 'alias_set':
      case 'alias_removed':
        return { ...resource, alias: evolveAlias(resource.alias, fact) };
      case 'registration_token_made':
      case 'registration_token_used':
      case 'registration_token_returned':
      case 'registration_token_removed':
        return { ...resource, token: evolveRegistrationToken(resource.token, fact) };
      default:
        return resource;
    }
  },
};

/** The key of the resource that a command is about. */
export function keyOfServerCommand(command: Command): string {
  switch (command.kind) {
    case 'set_alias':
    case 'remove_alias':
    case 'reserve_alias':
    case 'settle_alias':
      return command.alias;
    case 'list_room':
      return `list/${command.room_id}`;
    case 'make_registration_token':
    case 'use_registration_token':
    case 'return_registration_token':
    case 'remove_registration_token':
      return TOKEN + command.token_hash;
    default:
      throw new MilenaError('INTERNAL', `${command.kind} is not about a resource of the server`);
  }
}

function decide(resource: Resource, command: Command): ServerDecision {
  switch (command.kind) {
    case 'set_alias':
    case 'remove_alias':
    case 'reserve_alias':
    case 'settle_alias':
      return decideAlias(resource.alias, command);
    case 'list_room':
      return decideListing(resource.listing, command);
    case 'make_registration_token':
    case 'use_registration_token':
    case 'return_registration_token':
    case 'remove_registration_token':
      return decideRegistrationToken(resource.token, command);
    default:
      throw new MilenaError('INTERNAL', `${command.kind} is not about a resource of the server`);
  }
}

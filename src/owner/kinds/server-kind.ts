import { MilenaError } from '../../errors/milena-error.ts';
import { listingKey, registrationTokenKey, resourceOf } from '../../log/resource-keys.ts';
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

const NOTHING: Resource = { alias: {}, listing: undefined, token: undefined };

/** Resources as the owner runs them. */
export const serverKind: AggregateKind<Resource> = {
  topic: 'server',
  async load(key, loader) {
    const { is, name } = resourceOf(key);
    if (is === 'listing') return { state: { ...NOTHING, listing: await loader.listing(name) }, next: 0 };
    if (is === 'registration_token') {
      const found = await loader.registrationToken(name);
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
      return listingKey(command.room_id);
    case 'make_registration_token':
    case 'use_registration_token':
    case 'return_registration_token':
    case 'remove_registration_token':
      return registrationTokenKey(command.token_hash);
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

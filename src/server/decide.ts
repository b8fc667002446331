import type { Records } from '../log/records.ts';
import type { ListRoom, RemoveAlias, ReserveAlias, SetAlias, SettleAlias } from '../owner/commands.ts';
import type { TokenRecordType } from './registration-tokens.ts';

/** Aliases and the room list (topic `server`), pure: the record types that their commands make. */
export type ServerRecordType =
  | 'alias_reserved'
  | 'alias_set'
  | 'alias_removed'
  | 'room_listed'
  | TokenRecordType;

/** A fact of the topic. */
export type ServerFact = {
  [T in ServerRecordType]: { readonly type: T; readonly value: Records[T] };
}[ServerRecordType];

/** An alias: free, held by a saga, or pointing to a room. */
export interface Alias {
  readonly room_id?: string;
  readonly creator?: string;
  /** The saga that holds it while it is only reserved. */
  readonly saga?: string;
}

/** What was decided, or why not. */
export type ServerDecision =
  | { readonly facts: readonly ServerFact[] }
  | { readonly refused: 'ROOM_IN_USE' | 'NOT_FOUND' | 'REGISTRATION_TOKEN_SPENT' };

const NOTHING: ServerDecision = { facts: [] };

/** Decides about one alias (spec: client-server API, "Room aliases"). */
export function decideAlias(
  alias: Alias,
  command: SetAlias | RemoveAlias | ReserveAlias | SettleAlias,
): ServerDecision {
  const taken = alias.room_id !== undefined;
  switch (command.kind) {
    case 'set_alias':
      if (taken) return { refused: 'ROOM_IN_USE' };
      return {
        facts: [{ type: 'alias_set', value: { room_id: command.room_id, creator: command.creator } }],
      };
    case 'remove_alias':
      if (!taken || alias.saga !== undefined) return { refused: 'NOT_FOUND' };
      return { facts: [{ type: 'alias_removed', value: { actor: command.actor } }] };
    case 'reserve_alias': {
      if (taken) return alias.room_id === command.room_id ? NOTHING : { refused: 'ROOM_IN_USE' };
      return { facts: [{ type: 'alias_reserved', value: { saga: command.saga, room_id: command.room_id } }] };
    }
    case 'settle_alias': {
      if (alias.saga !== command.saga) return NOTHING;
      return command.outcome === 'set'
        ? { facts: [{ type: 'alias_set', value: { room_id: command.room_id, creator: command.creator } }] }
        : { facts: [{ type: 'alias_removed', value: { actor: 'saga' } }] };
    }
  }
}

/** Whether the list shows the room: the new fact, or nothing when it is so already. */
export function decideListing(
  visibility: 'public' | 'private' | undefined,
  command: ListRoom,
): ServerDecision {
  if ((visibility ?? 'private') === command.visibility) return NOTHING;
  const { room_id, visibility: wanted, actor } = command;
  return { facts: [{ type: 'room_listed', value: { room_id, visibility: wanted, actor } }] };
}

/** An alias after a fact about it. */
export function evolveAlias(alias: Alias, fact: ServerFact): Alias {
  switch (fact.type) {
    case 'alias_reserved':
      return { room_id: fact.value.room_id, saga: fact.value.saga };
    case 'alias_set':
      return { room_id: fact.value.room_id, creator: fact.value.creator };
    case 'alias_removed':
      return {};
    default:
      return alias;
  }
}

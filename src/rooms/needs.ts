import { authTypesFor } from '../matrix/auth-events.ts';
import { asEventId, type EventId } from '../matrix/identifiers.ts';
import { isJsonObject, type JsonObject, ownString } from '../matrix/json.ts';
import type { CreateRoom, ForgetRoom, SendEvent } from '../owner/commands.ts';
import type { KnownEvents, Room } from './room.ts';

/** The commands that a room decides. */
export type RoomCommand = SendEvent | CreateRoom | ForgetRoom;

/**
 * The events whose content a decision will read and that are not in `known` yet: those that authorise it, the
 * one it would replace, the one it redacts. Empty for nearly every send into a busy room.
 */
export function missingEvents(room: Room, known: KnownEvents, command: RoomCommand): readonly EventId[] {
  if (command.kind === 'create_room' || room.version === undefined) return [];
  if (command.kind === 'forget_room') {
    const member = room.state.get('m.room.member', command.user_id);
    return member === undefined || known.has(member) ? [] : [member];
  }
  const draft = draftOf(command);
  const keys = authTypesFor(room.version, draft);
  const wanted: EventId[] = [];
  const want = (eventId: EventId | undefined): void => {
    if (eventId !== undefined && !known.has(eventId) && !wanted.includes(eventId)) wanted.push(eventId);
  };
  for (const [type, stateKey] of keys) want(room.state.get(type, stateKey));
  want(room.state.get('m.room.create', ''));
  want(room.state.get('m.room.power_levels', ''));
  if (command.guest === true) want(room.state.get('m.room.guest_access', ''));
  if (command.state_key !== undefined) want(room.state.get(command.type, command.state_key));
  want(redactionTarget(command, draft.content));
  return wanted;
}

/** The event that a send would redact, said by the endpoint or, through `/send`, by the content. */
export function redactionTarget(command: SendEvent, content: JsonObject): EventId | undefined {
  if (command.type !== 'm.room.redaction' || command.state_key !== undefined) return undefined;
  const inContent = ownString(content, 'redacts');
  return command.redacts ?? (inContent === undefined ? undefined : asEventId(inContent));
}

/** What of a send decides which events authorise it. */
export interface Draft {
  readonly type: string;
  readonly sender: SendEvent['sender'];
  readonly state_key?: string;
  readonly content: JsonObject;
}

/** Drafts by command: what a decision needs is asked for before it and in it, and parsing costs a tenth of both. */
const drafts = new WeakMap<SendEvent, Draft>();

/** The draft of a send, its content parsed. */
export function draftOf(command: SendEvent): Draft {
  const present = drafts.get(command);
  if (present !== undefined) return present;
  const content: unknown = JSON.parse(command.content);
  const draft: Draft = {
    type: command.type,
    sender: command.sender,
    ...(command.state_key === undefined ? {} : { state_key: command.state_key }),
    content: isJsonObject(content) ? content : {},
  };
  drafts.set(command, draft);
  return draft;
}

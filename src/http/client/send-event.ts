import { MilenaError } from '../../errors/milena-error.ts';
import type { EventId, RoomId, UserId } from '../../matrix/identifiers.ts';
import type { JsonObject } from '../../matrix/json.ts';
import { freshCommandId } from '../../owner/command-id.ts';
import type { SendEvent } from '../../owner/commands.ts';
import type { ClientContext } from '../context.ts';

/** Sends an event by command. @returns its ID. */
export async function executeSend(context: ClientContext, command: SendEvent): Promise<EventId> {
  const { event_id } = await context.execute(command);
  if (event_id === undefined) {
    throw new MilenaError('INTERNAL', undefined, { log: { reason: 'the owner named no event' } });
  }
  return event_id;
}

/** A change of somebody's membership, to be made. */
export interface MembershipChange {
  readonly roomId: RoomId;
  /** Who makes it. */
  readonly sender: UserId;
  /** Whose it is. */
  readonly target: UserId;
  readonly content: JsonObject & { readonly membership: string };
  /** The memberships that the target must have now. */
  readonly expect?: NonNullable<SendEvent['expect_membership']>;
  /** The one who makes it is a guest. */
  readonly guest?: boolean;
}

/** Sends a membership event. @returns its ID. */
export function changeMembership(context: ClientContext, change: MembershipChange): Promise<EventId> {
  return executeSend(context, {
    kind: 'send_event',
    id: freshCommandId(),
    at: context.now(),
    room_id: change.roomId,
    sender: change.sender,
    type: 'm.room.member',
    state_key: change.target,
    content: JSON.stringify(change.content),
    ...(change.guest === true ? { guest: true } : {}),
    ...(change.expect === undefined ? {} : { expect_membership: change.expect }),
  });
}

/**
 * The profile of a user as it stands in membership events: `displayname` and `avatar_url` where set. Users of
 * other servers have none here.
 */
export async function memberProfile(context: ClientContext, userId: UserId): Promise<JsonObject> {
  await context.freshness.user(userId);
  const profile = (await context.reads.accounts.profile(userId)) ?? {};
  return {
    ...(profile['displayname'] === undefined ? {} : { displayname: profile['displayname'] }),
    ...(profile['avatar_url'] === undefined ? {} : { avatar_url: profile['avatar_url'] }),
  };
}

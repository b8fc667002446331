import type { Pdu } from './event.ts';
import { parseUserId, type UserId } from './identifiers.ts';
import { ownObject, ownString, ownValue } from './json.ts';

/**
 * What the default push rules say of an event to everybody at once, so that unread counts need no row per
 * member.
 *
 * A room keeps one running ordinal: the number of its events so far for which `isNotifying` holds. It is the
 * same for all members, because of the default rules only three look at who is asked: one's own event, an
 * invitation of oneself (not a joined member's business), and a mention. So, with `read` the later of a
 * user's receipts and own last event (sending an event marks all before it as read: spec, "Marking
 * notifications as read"; hence no own event is ever counted), and *mentions* the events after `read` that by
 * `mentionsOf` mention the user or the room:
 *
 *     notification_count = ordinal(now) - ordinal(read) - notifying events after read that were redacted
 *                        + mentions that are not notifying themselves
 *     highlight_count    = mentions
 *
 * The mentions stand in a small table, of the few events that have any; the room's tombstone is among them, as a
 * mention of everyone. A redacted event mentions nobody and counts nothing: those that did stand in a small index.
 * Not notifying themselves are edits, reactions, state, the unheard of. The one-to-one rules notify of the same events as the rules for larger
 * rooms, so the number of members does not matter. For users with rules of their own, see `evaluate`.
 */

/** What is looked at. */
export type NotifiableEvent = Pick<Pdu, 'type' | 'state_key' | 'content'>;

/** True when the event notifies an ordinary member under the default rules, whether mentioned or not. */
export function isNotifying(event: NotifiableEvent): boolean {
  if (isSilenced(event)) return false;
  switch (event.type.toLowerCase()) {
    case 'm.room.tombstone':
      return isTombstone(event);
    case 'm.room.message':
    case 'm.room.encrypted':
    case 'm.call.invite':
      return !isEdit(event);
    default:
      return false;
  }
}

/** What one event comes to. */
export interface Counted {
  readonly notify: boolean;
  readonly highlight: boolean;
}

/**
 * What the arithmetic above makes of an event of somebody else's.
 * @param base whether events that notify by default do so for this user.
 * @param mayMentionRoom whether the sender's power is enough for a mention of the room.
 */
export function countedByDefault(
  event: NotifiableEvent,
  userId: UserId,
  base: boolean,
  mayMentionRoom: boolean,
): Counted {
  const { userIds, room, everyone } = mentionsOf(event);
  const highlight = everyone || userIds.includes(userId) || (room && mayMentionRoom);
  return { notify: highlight || (base && isNotifying(event)), highlight };
}

/** Whom an event mentions so that the default rules highlight it. */
export interface Mentions {
  /** Each once. The sender may be among them, whom it does not notify. */
  readonly userIds: readonly UserId[];
  /** The whole room, if the sender's power level reaches `PowerLevels.notification('room')`. */
  readonly room: boolean;
  /** Everybody, whoever sends it: `.m.rule.tombstone`. */
  readonly everyone: boolean;
}

const NO_MENTIONS: Mentions = { userIds: [], room: false, everyone: false };

/**
 * What an event highlights by the default rules, the room's tombstone among it: none where an earlier rule silences the event (notices,
 * memberships). Spec: client-server API, "User and room mentions", "Predefined Rules".
 */
export function mentionsOf(event: NotifiableEvent): Mentions {
  if (isSilenced(event)) return NO_MENTIONS;
  const everyone = isTombstone(event);
  const mentions = ownObject(event.content, 'm.mentions');
  if (mentions === undefined) return everyone ? { ...NO_MENTIONS, everyone } : NO_MENTIONS;
  const listed = ownValue(mentions, 'user_ids');
  const userIds = new Set<UserId>();
  for (const entry of Array.isArray(listed) ? listed : []) {
    const user = typeof entry === 'string' ? parseUserId(entry) : undefined;
    if (user !== undefined) userIds.add(user);
  }
  return { userIds: [...userIds], room: ownValue(mentions, 'room') === true, everyone };
}

/** What `.m.rule.tombstone` matches. Case does not count, as in every `event_match`. */
function isTombstone({ type, state_key }: NotifiableEvent): boolean {
  return state_key === '' && type.toLowerCase() === 'm.room.tombstone';
}

/** `.m.rule.suppress_notices` and `.m.rule.member_event`, which come before the mentions. Case does not count. */
function isSilenced(event: NotifiableEvent): boolean {
  const isNotice = ownString(event.content, 'msgtype')?.toLowerCase() === 'm.notice';
  return isNotice || event.type.toLowerCase() === 'm.room.member';
}

/** `.m.rule.suppress_edits`. */
function isEdit(event: NotifiableEvent): boolean {
  const relation = ownObject(event.content, 'm.relates_to');
  return relation !== undefined && ownString(relation, 'rel_type') === 'm.replace';
}

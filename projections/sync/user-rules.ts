import { asRoomId, type RoomId, type UserId } from '../../src/matrix/identifiers.ts';
import { DEFAULT_PLAN, type PushPlan, pushPlan } from '../../src/matrix/push-plan.ts';
import { type PushRuleChanges, pushRulesOf } from '../../src/matrix/push-rule-changes.ts';
import type { PushEvent, PushRuleset } from '../../src/matrix/push-rules.ts';
import type { SyncEvent } from './sync-event.ts';

/** What a user's unread events are counted by. */
export interface UserRules {
  /** The push rules. Undefined: the default ones. */
  readonly rules: PushRuleset | undefined;
  /** Where they stand in the user's partition of `user_values`. */
  readonly offset: number;
  /** Whom the user ignores: their messages count nothing (spec: client-server API, "Ignoring Users"). */
  readonly ignored: ReadonlySet<string>;
}

const NOBODY: ReadonlySet<string> = new Set();

/** Of whoever has changed none and ignores nobody. */
export const DEFAULT_RULES: UserRules = { rules: undefined, offset: -1, ignored: NOBODY };

/** The rules that changes make, for who ignores nobody. */
export function userRules(userId: UserId, changes: PushRuleChanges, offset: number): UserRules {
  return { rules: pushRulesOf(userId, changes), offset, ignored: NOBODY };
}

/** Whether an event is not for the user at all: of those who are ignored only state events are. */
export function isIgnored(
  { ignored }: Pick<UserRules, 'ignored'>,
  { sender, state_key }: { readonly sender: string; readonly state_key: string | null },
): boolean {
  return state_key === null && ignored.has(sender);
}

/** How the rules count a room. */
export function planIn(
  { rules }: UserRules,
  userId: UserId,
  roomId: RoomId,
  memberCount?: number | undefined,
): PushPlan {
  return rules === undefined ? DEFAULT_PLAN : pushPlan(rules, { userId, roomId, memberCount });
}

/** An event as the rules see it. */
export function pushEvent(
  event: Pick<SyncEvent, 'type' | 'sender' | 'state_key' | 'content' | 'event_id'> & {
    readonly room_id: string;
  },
): PushEvent {
  const { type, sender, state_key, event_id } = event;
  const own = {
    type,
    sender,
    event_id,
    room_id: asRoomId(event.room_id),
    content: JSON.parse(event.content),
  };
  return state_key === null ? own : { ...own, state_key };
}

import { asRoomId, type RoomId, type UserId } from '../../src/matrix/identifiers.ts';
import { DEFAULT_PLAN, type PushPlan, pushPlan } from '../../src/matrix/push-plan.ts';
import { type PushRuleChanges, pushRulesOf } from '../../src/matrix/push-rule-changes.ts';
import type { PushEvent, PushRuleset } from '../../src/matrix/push-rules.ts';
import type { SyncEvent } from './sync-event.ts';

/** A user's push rules, and where they stand in the user's partition of `user_values`. */
export interface UserRules {
  /** Undefined: the default rules. */
  readonly rules: PushRuleset | undefined;
  readonly offset: number;
}

/** Of whoever has changed none. */
export const DEFAULT_RULES: UserRules = { rules: undefined, offset: -1 };

/** The rules that changes make. */
export function userRules(userId: UserId, changes: PushRuleChanges, offset: number): UserRules {
  return { rules: pushRulesOf(userId, changes), offset };
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

import { globMatches } from './glob.ts';
import type { UserId } from './identifiers.ts';
import { isCount } from './push-conditions.ts';
import {
  outcomeOf,
  PUSH_RULE_KINDS,
  type PushCondition,
  type PushOutcome,
  type PushRule,
  type PushRuleKind,
  type PushRuleset,
} from './push-rules.ts';

/** A rule as it stands in one room: what is settled there is left out of its conditions. */
export interface RoomRule {
  readonly kind: PushRuleKind;
  readonly rule_id: string;
  readonly default: boolean;
  /** Of every kind: `room`, `sender` and `content` rules have theirs as conditions too. None: it matches all. */
  readonly conditions: readonly PushCondition[];
  readonly outcome: PushOutcome;
}

/** What is known of a room when its rules are looked at. */
export interface RuledRoom {
  readonly userId: UserId;
  readonly roomId: string;
  /** Undefined where it is not known, or was not the same all along. */
  readonly memberCount?: number | undefined;
}

const CONDITION_KINDS = new Set([
  'event_match',
  'event_property_is',
  'event_property_contains',
  'contains_display_name',
  'room_member_count',
  'sender_notification_permission',
]);

/**
 * The rules that may match in a room, in order, up to and with the first that matches everything. Left out is
 * `.m.rule.invite_for_me`: nobody is invited to where they are.
 */
export function rulesInRoom(rules: PushRuleset, room: RuledRoom): readonly RoomRule[] {
  const found: RoomRule[] = [];
  for (const kind of PUSH_RULE_KINDS) {
    for (const rule of rules[kind]) {
      if (!rule.enabled || (rule.default && rule.rule_id === '.m.rule.invite_for_me')) continue;
      const conditions = conditionsIn(kind, rule, room);
      if (conditions === undefined) continue;
      const { rule_id, default: isDefault } = rule;
      found.push({ kind, rule_id, default: isDefault, conditions, outcome: outcomeOf(rule.actions) });
      if (conditions.length === 0) return found;
    }
  }
  return found;
}

/** What is left to ask of an event; undefined when the rule cannot match in the room. */
function conditionsIn(
  kind: PushRuleKind,
  rule: PushRule,
  room: RuledRoom,
): readonly PushCondition[] | undefined {
  switch (kind) {
    case 'room':
      return rule.rule_id === room.roomId ? [] : undefined;
    case 'sender':
      return [{ kind: 'event_property_is', key: 'sender', value: rule.rule_id }];
    case 'content':
      return [{ kind: 'event_match', key: 'content.body', pattern: rule.pattern ?? '' }];
    case 'override':
    case 'underride': {
      const open: PushCondition[] = [];
      for (const condition of rule.conditions ?? []) {
        const settled = settledIn(condition, room);
        if (settled === false) return undefined;
        if (settled === undefined) open.push(condition);
      }
      return open;
    }
  }
}

/** Whether a condition holds for all events of the room, or for none; undefined when that depends on the event. */
function settledIn(
  condition: PushCondition,
  { roomId, memberCount }: Pick<RuledRoom, 'roomId' | 'memberCount'>,
): boolean | undefined {
  const { kind, key, pattern, value, is } = condition;
  if (!CONDITION_KINDS.has(kind)) return false;
  if (kind === 'event_match' && key === 'room_id') {
    return pattern !== undefined && globMatches(pattern, roomId);
  }
  if (kind === 'event_property_is' && key === 'room_id') return value === roomId;
  if (kind !== 'room_member_count' || memberCount === undefined) return undefined;
  return isCount(is ?? '', memberCount);
}

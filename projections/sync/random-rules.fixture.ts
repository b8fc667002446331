import type { RoomId, UserId } from '../../src/matrix/identifiers.ts';
import {
  NO_PUSH_RULE_CHANGES,
  type OwnPushRule,
  type PushRuleChanges,
} from '../../src/matrix/push-rule-changes.ts';
import type { PushAction, PushCondition } from '../../src/matrix/push-rules.ts';
import type { Random } from './random-history.fixture.ts';

const ACTIONS: readonly (readonly PushAction[])[] = [[], ['notify'], ['notify', { set_tweak: 'highlight' }]];
const CONDITIONS: readonly PushCondition[] = [
  { kind: 'event_match', key: 'type', pattern: 'm.reaction' },
  { kind: 'event_match', key: 'type', pattern: 'm.room.*' },
  { kind: 'event_match', key: 'content.body', pattern: 'cake' },
  { kind: 'event_property_is', key: 'content.m\\.mentions.room', value: true },
  { kind: 'room_member_count', is: '2' },
  { kind: 'room_member_count', is: '>1' },
  { kind: 'contains_display_name' },
  { kind: 'sender_notification_permission', key: 'room' },
];
const DEFAULTS = [
  '.m.rule.master',
  '.m.rule.suppress_notices',
  '.m.rule.is_user_mention',
  '.m.rule.is_room_mention',
  '.m.rule.room_one_to_one',
  '.m.rule.message',
];

/** Rules such as people have, and some that nobody has. */
export function randomRules(
  random: Random,
  rooms: readonly RoomId[],
  users: readonly UserId[],
): PushRuleChanges {
  const pick = <T>(items: readonly T[], otherwise: T): T => items[random(items.length)] ?? otherwise;
  const actions = () => pick(ACTIONS, []);
  const rule = (rule_id: string, more: Partial<OwnPushRule> = {}): OwnPushRule => ({
    rule_id,
    enabled: random(5) > 0,
    actions: actions(),
    ...more,
  });
  const room = pick<string>(rooms, '');
  const inRoom: PushCondition = { kind: 'event_match', key: 'room_id', pattern: room };
  const some = () => Array.from({ length: 1 + random(2) }, () => pick(CONDITIONS, inRoom));
  const { own } = NO_PUSH_RULE_CHANGES;
  switch (random(9)) {
    case 0:
      return NO_PUSH_RULE_CHANGES;
    case 1:
      return {
        own: { ...own, override: [rule('muted', { actions: [], conditions: [inRoom] })] },
        changed: {},
      };
    case 2:
      return { own: { ...own, room: [rule(room)] }, changed: {} };
    case 3:
      return { own: { ...own, content: [rule('word', { pattern: 'ca?e' })] }, changed: {} };
    case 4:
      return { own: { ...own, sender: [rule(pick<string>(users, ''))] }, changed: {} };
    case 5:
      return { own: { ...own, override: [rule('odd', { conditions: some() })] }, changed: {} };
    case 6:
      return { own: { ...own, underride: [rule('odd', { conditions: some() })] }, changed: {} };
    case 7:
      return { own, changed: { [pick(DEFAULTS, '')]: { enabled: random(2) === 0 } } };
    default:
      return {
        own: { ...own, content: [rule('word', { pattern: 'cake' })], room: [rule(room, { actions: [] })] },
        changed: { [pick(DEFAULTS, '')]: { actions: actions() } },
      };
  }
}

import type { UserId } from './identifiers.ts';
import type { PushAction, PushCondition, PushRule, PushRuleset } from './push-rules.ts';

/**
 * The server's default push rules (spec v1.19: client-server API, "Push rules: Predefined rules"), in the
 * shape and order in which `GET /pushrules` gives them.
 */

const SOUND: PushAction = { set_tweak: 'sound', value: 'default' };
const RING: PushAction = { set_tweak: 'sound', value: 'ring' };
const HIGHLIGHT: PushAction = { set_tweak: 'highlight' };

/** The rules of a user who changed none. */
export function defaultPushRules(userId: UserId): PushRuleset {
  return { override: overrides(userId), content: [], room: [], sender: [], underride: UNDERRIDES };
}

function rule(
  rule_id: string,
  conditions: readonly PushCondition[],
  actions: readonly PushAction[],
  enabled = true,
): PushRule {
  return { rule_id, default: true, enabled, conditions, actions };
}

function match(key: string, pattern: string): PushCondition {
  return { kind: 'event_match', key, pattern };
}

const FOR_TWO: PushCondition = { kind: 'room_member_count', is: '2' };

function overrides(userId: UserId): readonly PushRule[] {
  const mentionsUser: PushCondition = {
    kind: 'event_property_contains',
    key: 'content.m\\.mentions.user_ids',
    value: userId,
  };
  const invitesUser = [
    match('type', 'm.room.member'),
    match('content.membership', 'invite'),
    match('state_key', userId),
  ];
  return [
    rule('.m.rule.master', [], [], false),
    rule('.m.rule.suppress_notices', [match('content.msgtype', 'm.notice')], []),
    rule('.m.rule.invite_for_me', invitesUser, ['notify', SOUND]),
    rule('.m.rule.member_event', [match('type', 'm.room.member')], []),
    rule('.m.rule.is_user_mention', [mentionsUser], ['notify', SOUND, HIGHLIGHT]),
    ...OVERRIDES,
  ];
}

const OVERRIDES: readonly PushRule[] = [
  rule(
    '.m.rule.is_room_mention',
    [
      { kind: 'event_property_is', key: 'content.m\\.mentions.room', value: true },
      { kind: 'sender_notification_permission', key: 'room' },
    ],
    ['notify', HIGHLIGHT],
  ),
  rule(
    '.m.rule.tombstone',
    [match('type', 'm.room.tombstone'), match('state_key', '')],
    ['notify', HIGHLIGHT],
  ),
  rule('.m.rule.reaction', [match('type', 'm.reaction')], []),
  rule('.m.rule.room.server_acl', [match('type', 'm.room.server_acl'), match('state_key', '')], []),
  rule(
    '.m.rule.suppress_edits',
    [{ kind: 'event_property_is', key: 'content.m\\.relates_to.rel_type', value: 'm.replace' }],
    [],
  ),
];

const UNDERRIDES: readonly PushRule[] = [
  rule('.m.rule.call', [match('type', 'm.call.invite')], ['notify', RING]),
  rule('.m.rule.encrypted_room_one_to_one', [FOR_TWO, match('type', 'm.room.encrypted')], ['notify', SOUND]),
  rule('.m.rule.room_one_to_one', [FOR_TWO, match('type', 'm.room.message')], ['notify', SOUND]),
  rule('.m.rule.message', [match('type', 'm.room.message')], ['notify']),
  rule('.m.rule.encrypted', [match('type', 'm.room.encrypted')], ['notify']),
];

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { asRoomId, asUserId } from './identifiers.ts';
import type { JsonObject } from './json.ts';
import { countedByDefault } from './notifying.ts';
import type { PowerLevels } from './power-levels.ts';
import { DEFAULT_PLAN, pushPlan } from './push-plan.ts';
import { NO_PUSH_RULE_CHANGES, type PushRuleChanges, pushRulesOf } from './push-rule-changes.ts';
import { defaultPushRules } from './push-rule-defaults.ts';
import {
  evaluate,
  type PushAction,
  type PushCondition,
  type PushEvent,
  type PushRuleset,
} from './push-rules.ts';
import { scanTakes } from './push-scan.ts';

const ME = asUserId('@me:one');
const OTHER = asUserId('@other:one');
const ROOM = asRoomId('!room:one');
const ELSEWHERE = asRoomId('!elsewhere:one');
const HIGHLIGHT: PushAction = { set_tweak: 'highlight' };

/** Some rules of one's own, each kind's first first. */
function own(kinds: Partial<PushRuleChanges['own']>, changed: PushRuleChanges['changed'] = {}): PushRuleset {
  return pushRulesOf(ME, { own: { ...NO_PUSH_RULE_CHANGES.own, ...kinds }, changed });
}

const rule = (
  actions: readonly PushAction[],
  conditions: readonly PushCondition[] = [],
  rule_id = 'mine',
) => ({
  rule_id,
  enabled: true,
  actions,
  conditions,
});
const off = { enabled: false };
const plan = (rules: PushRuleset, memberCount?: number) =>
  pushPlan(rules, { userId: ME, roomId: ROOM, memberCount });
const inRoom = (roomId: string): PushCondition => ({ kind: 'event_match', key: 'room_id', pattern: roomId });

describe('the plan for a room', () => {
  it('is arithmetic for the default rules, whatever the size of the room', () => {
    assert.deepEqual(plan(defaultPushRules(ME)), DEFAULT_PLAN);
    assert.deepEqual(plan(defaultPushRules(ME), 2), DEFAULT_PLAN);
    assert.deepEqual(plan(own({}, { '.m.rule.invite_for_me': off })), DEFAULT_PLAN);
  });

  it('is silent where the room is muted, and with the master rule', () => {
    assert.ok(plan(own({ override: [rule([], [inRoom(ROOM)])] })).silent);
    assert.ok(plan(own({}, { '.m.rule.master': { enabled: true } })).silent);
    assert.deepEqual(plan(own({ override: [rule([], [inRoom(ELSEWHERE)])] })), DEFAULT_PLAN);
  });

  it('is mentions only under a room rule without actions, with no look at any event', () => {
    assert.deepEqual(plan(own({ room: [rule([], [], ROOM)] })), { ...DEFAULT_PLAN, base: false });
    assert.deepEqual(plan(own({ room: [rule([], [], ELSEWHERE)] })), DEFAULT_PLAN);
  });

  it('is mentions and calls where messages are off', () => {
    const changed = Object.fromEntries(
      ['message', 'room_one_to_one', 'encrypted', 'encrypted_room_one_to_one'].map((id) => [
        `.m.rule.${id}`,
        { actions: [] },
      ]),
    );
    const scan = { senders: [], types: ['m.call.invite'], texts: [] };
    assert.deepEqual(plan(own({}, changed)), { ...DEFAULT_PLAN, base: false, scan });
  });

  it('looks at bodies for keywords, at senders for sender rules, at mentions where those are off', () => {
    const content = [{ ...rule(['notify', HIGHLIGHT]), pattern: 'Cake*' }];
    assert.deepEqual(plan(own({ content })).scan, { senders: [], types: [], texts: ['cake'] });
    const sender = [rule([], [], OTHER)];
    assert.deepEqual(plan(own({ sender })).scan, { senders: [OTHER], types: [], texts: [] });
    const changed = { '.m.rule.is_room_mention': off };
    assert.deepEqual(plan(own({}, changed)).scan, { senders: [], types: [], texts: ['m.mentions'] });
  });

  it('needs the number of members where rooms of two are treated otherwise', () => {
    const changed = { '.m.rule.message': { actions: [] }, '.m.rule.encrypted': { actions: [] } };
    const scan = { senders: [], types: ['m.call.invite'], texts: [] };
    assert.ok(plan(own({}, changed)).needsMemberCount);
    assert.deepEqual(plan(own({}, changed), 2), DEFAULT_PLAN);
    assert.deepEqual(plan(own({}, changed), 3), { ...DEFAULT_PLAN, base: false, scan });
  });
});

const word = fc.constantFrom('cake', 'Tea', 'x', 'a"b', '');
const actions = fc.constantFrom<readonly PushAction[]>([], ['notify'], ['notify', HIGHLIGHT]);
const type = fc.constantFrom(
  'm.room.message',
  'M.Room.Message',
  'm.room.encrypted',
  'm.call.invite',
  'm.reaction',
  'm.room.topic',
  'm.room.member',
  'm.room.tombstone',
);
const condition = fc.oneof(
  type.map((pattern): PushCondition => ({ kind: 'event_match', key: 'type', pattern })),
  fc
    .constantFrom('*', 'm.room.*', '?')
    .map((pattern): PushCondition => ({ kind: 'event_match', key: 'type', pattern })),
  word.map((pattern): PushCondition => ({ kind: 'event_match', key: 'content.body', pattern })),
  word.map((text): PushCondition => ({ kind: 'event_match', key: 'content.body', pattern: `*${text}?` })),
  fc.constantFrom(ROOM, ELSEWHERE, '!*').map(inRoom),
  fc
    .constantFrom(OTHER, '@x*')
    .map((pattern): PushCondition => ({ kind: 'event_match', key: 'sender', pattern })),
  fc.constantFrom('2', '>2', '<=3', '?').map((is): PushCondition => ({ kind: 'room_member_count', is })),
  fc.constantFrom<PushCondition>(
    { kind: 'event_property_is', key: 'content.m\\.mentions.room', value: true },
    { kind: 'event_property_is', key: 'content.msgtype', value: 'm.notice' },
    { kind: 'event_property_contains', key: 'content.m\\.mentions.user_ids', value: OTHER },
    { kind: 'sender_notification_permission', key: 'room' },
    { kind: 'contains_display_name' },
    { kind: 'org.example.moon' },
  ),
);
const conditioned = fc
  .record({
    actions,
    conditions: fc.array(condition, { maxLength: 3 }),
    enabled: fc.constantFrom(true, true, false),
  })
  .map((one) => ({ rule_id: 'mine', ...one }));
const few = <T>(one: fc.Arbitrary<T>) => fc.array(one, { maxLength: 2 });
const defaultIds = Object.values(defaultPushRules(ME)).flatMap((rules) =>
  rules.map(({ rule_id }) => rule_id),
);

const rulesets = fc
  .record({
    override: few(conditioned),
    content: few(
      fc.record({ actions, pattern: word }).map((one) => ({ rule_id: 'mine', enabled: true, ...one })),
    ),
    room: few(actions.map((one) => rule(one, [], ROOM))),
    sender: few(actions.map((one) => rule(one, [], OTHER))),
    underride: few(conditioned),
    changed: fc.dictionary(
      fc.constantFrom(...defaultIds),
      fc.oneof(
        fc.record({ enabled: fc.boolean() }),
        actions.map((one) => ({ actions: one })),
      ),
      { maxKeys: 3 },
    ),
  })
  .map(({ changed, ...kinds }) => own(kinds, changed));

const content: fc.Arbitrary<JsonObject> = fc
  .record(
    {
      body: fc.oneof(
        word,
        word.map((text) => `some ${text} here`),
      ),
      msgtype: fc.constantFrom('m.text', 'm.notice', 'M.Notice'),
      'm.mentions': fc.constantFrom<JsonObject>({ room: true }, { user_ids: [ME] }, { user_ids: [OTHER] }),
      'm.relates_to': fc.constant<JsonObject>({ rel_type: 'm.replace', event_id: '$x' }),
    },
    { requiredKeys: [] },
  )
  .map((one) => ({ ...one }));
const events: fc.Arbitrary<PushEvent> = fc
  .record(
    { type, content, sender: fc.constantFrom<string>(OTHER, '@X:one'), state_key: fc.constantFrom('', 'x') },
    { requiredKeys: ['type', 'content', 'sender'] },
  )
  .map((one) => ({ ...one, room_id: ROOM, event_id: '$event' }));

/** What arithmetic makes of an event. */
function byArithmetic(event: PushEvent, base: boolean, levels: PowerLevels) {
  return countedByDefault(event, ME, base, levels.of(event.sender) >= levels.notification('room'));
}

it('whatever the rules, what a plan does not look at is as arithmetic says', () => {
  let narrow = 0;
  fc.assert(
    fc.property(
      rulesets,
      fc.array(events, { minLength: 1, maxLength: 5 }),
      fc.integer({ min: 1, max: 4 }),
      fc.boolean(),
      fc.boolean(),
      (rules, list, memberCount, known, isMighty) => {
        const levels: PowerLevels = {
          of: () => (isMighty ? 50 : 0),
          required: () => 0,
          notification: () => 50,
          invite: 0,
          kick: 50,
          ban: 50,
          redact: 50,
        };
        const made = plan(rules, known ? memberCount : undefined);
        if (!known && made.needsMemberCount) return;
        for (const event of list) {
          const { notify, highlight } = evaluate(rules, event, {
            userId: ME,
            displayName: 'x',
            memberCount,
            levels,
          });
          if (made.silent) assert.deepEqual([notify, highlight], [false, false]);
          else if (!scanTakes(made.scan, { ...event, content: JSON.stringify(event.content) })) {
            narrow += 1;
            assert.deepEqual({ notify, highlight }, byArithmetic(event, made.base, levels));
          }
        }
      },
    ),
    { numRuns: 20_000 },
  );
  assert.ok(narrow > 5_000, `only ${narrow} events went by arithmetic`);
});

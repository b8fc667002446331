import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { asUserId } from './identifiers.ts';
import type { JsonValue } from './json.ts';
import { defaultPushRules } from './push-rule-defaults.ts';
import {
  evaluate,
  type PushAction,
  type PushCondition,
  type PushContext,
  type PushEvent,
  type PushRule,
  type PushRuleset,
} from './push-rules.ts';
import { specVectors } from './spec-vectors.fixture.ts';

const ME = asUserId('@me:one');
const NONE: PushRuleset = { override: [], content: [], room: [], sender: [], underride: [] };
const event: PushEvent = {
  type: 'm.room.message',
  sender: '@other:one',
  room_id: '!r:one',
  content: { body: 'It is time for tea', msgtype: 'm.text' },
};
const context: PushContext = {
  userId: ME,
  displayName: 'Me (*)',
  memberCount: 3,
  levels: { of: () => 50, required: () => 0, notification: () => 50, invite: 0, kick: 0, ban: 0, redact: 0 },
};

function rule(rule_id: string, actions: readonly PushAction[], more: Partial<PushRule> = {}): PushRule {
  return { rule_id, default: false, enabled: true, actions, ...more };
}

function holds(
  condition: PushCondition,
  more: Partial<PushEvent> = {},
  other: Partial<PushContext> = {},
): boolean {
  const rules = { ...NONE, override: [rule('r', ['notify'], { conditions: [condition] })] };
  return evaluate(rules, { ...event, ...more }, { ...context, ...other }).notify;
}

describe('conditions', () => {
  it('event_match is over the whole value, but over words of the body', () => {
    const match = (key: string, pattern: string, more: Partial<PushEvent> = {}) =>
      holds({ kind: 'event_match', key, pattern }, more);
    assert.ok(match('type', 'M.ROOM.*'));
    assert.ok(!match('type', 'room'));
    assert.ok(match('content.body', 'time'));
    assert.ok(match('room_id', '!r:one'));
    assert.ok(!match('state_key', '*'), 'absent');
    assert.ok(match('state_key', '', { state_key: '' }));
    assert.ok(!match('content.n', '*', { content: { n: 5 } }), 'no string');
    assert.ok(match('content.m\\.x', 'y', { content: { 'm.x': 'y' } }));
    assert.ok(!holds({ kind: 'event_match', key: 'type' }));
    assert.ok(!holds({ kind: 'event_match', pattern: '*' }));
  });
  it('event_property_is compares without casting', () => {
    const is = (value: JsonValue, property: JsonValue) =>
      holds({ kind: 'event_property_is', key: 'content.x', value }, { content: { x: property } });
    for (const value of [true, false, null, 5, -5, 'text', '']) assert.ok(is(value, value), String(value));
    const unequal: [JsonValue, JsonValue][] = [
      [true, 'true'],
      [true, 1],
      [null, ''],
      ['Text', 'text'],
      [0, false],
    ];
    for (const [a, b] of unequal) assert.ok(!is(a, b));
    for (const odd of [1.5, {}, []]) assert.ok(!is(odd, odd));
    assert.ok(!holds({ kind: 'event_property_is', key: 'content.x', value: null }), 'absent is not null');
    assert.ok(!holds({ kind: 'event_property_is', key: 'content.x' }));
  });
  it('event_property_contains looks into arrays', () => {
    const contains = (value: JsonValue, property: JsonValue) =>
      holds({ kind: 'event_property_contains', key: 'content.x', value }, { content: { x: property } });
    assert.ok(contains('b', ['a', 'b']));
    assert.ok(contains(null, [null]));
    assert.ok(!contains('b', ['a', 'bb', ['b'], { b: 'b' }]));
    assert.ok(!contains('b', 'b'));
    assert.ok(!contains('b', { 0: 'b' }));
  });
  it('contains_display_name looks for the name as it is', () => {
    const named = (body: string, displayName: string | undefined) =>
      holds({ kind: 'contains_display_name' }, { content: { body } }, { displayName });
    assert.ok(named('hey me (*)!', 'Me (*)'));
    assert.ok(!named('hey me (x)!', 'Me (*)'));
    assert.ok(!named('hey', undefined));
    assert.ok(!named('hey', ''));
    assert.ok(!holds({ kind: 'contains_display_name' }, { content: { body: 5 } }));
  });
  it('room_member_count compares', () => {
    const of3 = (is: string) => holds({ kind: 'room_member_count', is });
    for (const is of ['3', '==3', '<4', '<=3', '>2', '>=3']) assert.ok(of3(is), is);
    for (const is of ['2', '==4', '<3', '<=2', '>3', '>=4', '', 'x', '=3', '3 ', '!=2', '3.0'])
      assert.ok(!of3(is), is);
  });
  it("sender_notification_permission compares the sender's level", () => {
    const condition = { kind: 'sender_notification_permission', key: 'room' };
    const at = (own: number, needed: number) => ({
      levels: {
        ...context.levels,
        of: () => own,
        notification: (kind: string) => (kind === 'room' ? needed : 0),
      },
    });
    assert.ok(holds(condition, {}, at(50, 50)));
    assert.ok(!holds(condition, {}, at(49, 50)));
    assert.ok(holds(condition, {}, at(Number.POSITIVE_INFINITY, 50)));
    assert.ok(!holds({ kind: 'sender_notification_permission' }, {}, at(50, 0)));
  });
  it('an unknown one never holds', () => {
    assert.ok(!holds({ kind: 'org.example', key: 'type', pattern: '*' }));
    assert.ok(!holds({ kind: 'constructor' }));
  });
  it('all of a rule must hold; none at all always does', () => {
    const yes = { kind: 'event_match', key: 'type', pattern: '*' };
    const no = { kind: 'event_match', key: 'type', pattern: 'x' };
    const told = (conditions: readonly PushCondition[]) =>
      evaluate({ ...NONE, underride: [rule('r', ['notify'], { conditions })] }, event, context).notify;
    assert.deepEqual([told([yes, yes]), told([yes, no]), told([])], [true, false, true]);
    assert.ok(evaluate({ ...NONE, override: [rule('r', ['notify'])] }, event, context).notify);
  });
});

describe('rules', () => {
  const kinds = ['override', 'content', 'room', 'sender', 'underride'] as const;
  const matching: Record<(typeof kinds)[number], Partial<PushRule>> = {
    override: { conditions: [] },
    content: { pattern: 'tea' },
    room: { rule_id: '!r:one' },
    sender: { rule_id: '@other:one' },
    underride: { conditions: [] },
  };
  const sounding = (kind: (typeof kinds)[number]) =>
    rule('r', ['notify', { set_tweak: 'sound', value: kind }], matching[kind]);
  kinds.forEach((kind, i) => {
    it(`${kind} comes before the kinds after it`, () => {
      const rules = { ...NONE };
      for (const later of kinds.slice(i)) rules[later] = [sounding(later)];
      assert.equal(evaluate(rules, event, context).sound, kind);
    });
  });
  it('the first that matches decides, even to be silent; disabled ones never match', () => {
    const all = { conditions: [] };
    const silent = rule('a', [], all);
    const loud = rule('b', ['notify'], all);
    assert.ok(!evaluate({ ...NONE, override: [silent, loud] }, event, context).notify);
    assert.ok(evaluate({ ...NONE, override: [{ ...silent, enabled: false }, loud] }, event, context).notify);
  });
  it('of other rooms, other senders, other words do not match', () => {
    const rules = {
      ...NONE,
      content: [rule('c', ['notify'], { pattern: 'coffee' }), rule('none', ['notify'])],
      room: [rule('!other:one', ['notify'])],
      sender: [rule('@me:one', ['notify'])],
    };
    assert.deepEqual(evaluate(rules, event, context), { notify: false, highlight: false });
  });
  it("nobody is notified of one's own events", () => {
    const rules = { ...NONE, override: [rule('r', ['notify'], { conditions: [] })] };
    assert.ok(!evaluate(rules, { ...event, sender: ME }, context).notify);
  });
});

describe('actions', () => {
  const of = (...actions: readonly PushAction[]) =>
    evaluate({ ...NONE, override: [rule('r', actions, { conditions: [] })] }, event, context);
  it('notify, sound, highlight', () => {
    assert.deepEqual(of('notify'), { notify: true, highlight: false });
    assert.deepEqual(of('notify', { set_tweak: 'highlight' }), { notify: true, highlight: true });
    assert.deepEqual(of('notify', { set_tweak: 'highlight', value: true }), {
      notify: true,
      highlight: true,
    });
    assert.deepEqual(of('notify', { set_tweak: 'highlight', value: false }), {
      notify: true,
      highlight: false,
    });
    const sounding = of(
      'notify',
      { set_tweak: 'sound', value: 'ring' },
      { set_tweak: 'org.example', value: 5 },
    );
    assert.deepEqual(sounding, { notify: true, highlight: false, sound: 'ring' });
  });
  it('historical ones do nothing', () => {
    for (const action of ['dont_notify', 'coalesce']) assert.ok(!of(action).notify);
    assert.ok(of('dont_notify', 'notify').notify);
    assert.deepEqual(of({ set_tweak: 'highlight' }), { notify: false, highlight: false });
  });
});

describe('the default rules', () => {
  const rules = defaultPushRules(ME);
  it('are those of the spec, in its order', () => {
    assert.deepEqual(
      rules.override.map((each) => each.rule_id),
      [
        '.m.rule.master',
        '.m.rule.suppress_notices',
        '.m.rule.invite_for_me',
        '.m.rule.member_event',
        '.m.rule.is_user_mention',
        '.m.rule.is_room_mention',
        '.m.rule.tombstone',
        '.m.rule.reaction',
        '.m.rule.room.server_acl',
        '.m.rule.suppress_edits',
      ],
    );
    assert.deepEqual(
      rules.underride.map((each) => each.rule_id),
      [
        '.m.rule.call',
        '.m.rule.encrypted_room_one_to_one',
        '.m.rule.room_one_to_one',
        '.m.rule.message',
        '.m.rule.encrypted',
      ],
    );
    assert.deepEqual([rules.content, rules.room, rules.sender], [[], [], []]);
  });

  const prose = specVectors('spec/prose/client-server-api/modules/push.md');
  it("are the spec's definitions, word for word", { skip: prose.skip }, () => {
    const blocks = [...prose.text().matchAll(/Definition:\s+```json\s+(.*?)```/gs)];
    const defined = blocks.map(([, text]) =>
      JSON.parse((text ?? '').replaceAll("[the user's Matrix ID]", ME)),
    );
    assert.equal(defined.length, 15);
    assert.deepEqual([...rules.override, ...rules.underride], defined);
  });

  const cases: readonly (readonly [string, Partial<PushEvent>, object, Partial<PushContext>?])[] = [
    ['a message', {}, { notify: true, highlight: false }],
    ['a message between two', {}, { notify: true, highlight: false, sound: 'default' }, { memberCount: 2 }],
    ['a notice', { content: { msgtype: 'm.notice' } }, { notify: false, highlight: false }],
    ['an encrypted event', { type: 'm.room.encrypted' }, { notify: true, highlight: false }],
    ['a call', { type: 'm.call.invite' }, { notify: true, highlight: false, sound: 'ring' }],
    ['a reaction', { type: 'm.reaction' }, { notify: false, highlight: false }],
    ['a topic', { type: 'm.room.topic', state_key: '' }, { notify: false, highlight: false }],
    [
      'a mention of me',
      { content: { 'm.mentions': { user_ids: ['@x:y', ME] } } },
      { notify: true, highlight: true, sound: 'default' },
    ],
    [
      'a mention of the room',
      { content: { 'm.mentions': { room: true } } },
      { notify: true, highlight: true },
    ],
    [
      'a mention of the room by one who may not',
      { content: { 'm.mentions': { room: true } } },
      { notify: true, highlight: false },
      { levels: { ...context.levels, of: () => 49 } },
    ],
    ['a tombstone', { type: 'm.room.tombstone', state_key: '' }, { notify: true, highlight: true }],
    [
      'my invitation',
      { type: 'm.room.member', state_key: ME, content: { membership: 'invite' } },
      { notify: true, highlight: false, sound: 'default' },
    ],
    [
      "another's invitation",
      { type: 'm.room.member', state_key: '@x:y', content: { membership: 'invite' } },
      { notify: false, highlight: false },
    ],
    [
      'an edit',
      { content: { 'm.relates_to': { rel_type: 'm.replace' } } },
      { notify: false, highlight: false },
    ],
  ];
  for (const [name, more, outcome, other] of cases) {
    it(name, () =>
      assert.deepEqual(evaluate(rules, { ...event, ...more }, { ...context, ...other }), outcome),
    );
  }
  it('the master rule, enabled, silences all', () => {
    const [master, ...rest] = rules.override;
    assert.ok(master);
    const silenced = { ...rules, override: [{ ...master, enabled: true }, ...rest] };
    assert.ok(!evaluate(silenced, event, context).notify);
  });
});

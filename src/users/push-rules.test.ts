import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { asUserId } from '../matrix/identifiers.ts';
import { NO_PUSH_RULE_CHANGES, type PushRuleChanges, pushRulesOf } from '../matrix/push-rule-changes.ts';
import { decidePushRules, type PushRuleCommand } from './push-rules.ts';

const user_id = asUserId('@ann:example.org');
const stamp = { id: '', at: 0, user_id } as const;

function set(rule_id: string, place: { before?: string; after?: string } = {}): PushRuleCommand {
  return { ...stamp, kind: 'set_push_rule', rule_kind: 'override', rule_id, actions: [], ...place };
}

function then(changes: PushRuleChanges, ...commands: readonly PushRuleCommand[]): PushRuleChanges {
  return commands.reduce((before, command) => {
    const decision = decidePushRules(before, command);
    assert.ok('changes' in decision, JSON.stringify(decision));
    return decision.changes;
  }, changes);
}

const order = ({ own }: PushRuleChanges) => own.override.map(({ rule_id }) => rule_id);
const refusal = (changes: PushRuleChanges, command: PushRuleCommand) => {
  const decision = decidePushRules(changes, command);
  return 'refused' in decision ? decision.refused : undefined;
};
const abc = then(NO_PUSH_RULE_CHANGES, set('c'), set('b'), set('a'));

describe('push rules', () => {
  it('that are new come first, or where before and after say', () => {
    assert.deepEqual(order(abc), ['a', 'b', 'c']);
    assert.deepEqual(order(then(abc, set('d', { before: 'c' }))), ['a', 'b', 'd', 'c']);
    assert.deepEqual(order(then(abc, set('d', { after: 'a' }))), ['a', 'd', 'b', 'c']);
    assert.deepEqual(order(then(abc, set('d', { after: 'a', before: 'c' }))), ['a', 'b', 'd', 'c']);
  });

  it('that are there stay where they are, or move', () => {
    assert.deepEqual(order(then(abc, set('b'))), ['a', 'b', 'c']);
    assert.deepEqual(order(then(abc, set('c', { before: 'a' }))), ['c', 'a', 'b']);
  });

  it('cannot be placed by what is not there, by themselves, or by the server’s own', () => {
    assert.equal(refusal(abc, set('d', { before: 'x' })), 'NO_SUCH_NEIGHBOUR');
    assert.equal(refusal(abc, set('d', { after: 'x', before: 'a' })), 'NO_SUCH_NEIGHBOUR');
    assert.equal(refusal(abc, set('a', { before: 'a' })), 'NO_SUCH_NEIGHBOUR');
    assert.equal(refusal(abc, set('d', { after: '.m.rule.master' })), 'INVALID_PARAM');
  });

  it('keep what another device has changed meanwhile', () => {
    const both = then(abc, set('mine'), {
      ...stamp,
      kind: 'adjust_push_rule',
      rule_kind: 'underride',
      rule_id: '.m.rule.message',
      enabled: false,
    });
    assert.deepEqual(order(both), ['mine', 'a', 'b', 'c']);
    const message = pushRulesOf(user_id, both).underride.find(({ rule_id }) => rule_id === '.m.rule.message');
    assert.deepEqual([message?.enabled, message?.actions], [false, ['notify']]);
  });

  it('stay off when they are replaced, and lose historical actions', () => {
    const off = then(abc, {
      ...stamp,
      kind: 'adjust_push_rule',
      rule_kind: 'override',
      rule_id: 'a',
      enabled: false,
      actions: ['dont_notify', 'notify', 'coalesce'],
    });
    assert.deepEqual(off.own.override[0], {
      rule_id: 'a',
      enabled: false,
      actions: ['notify'],
      conditions: [],
    });
    assert.equal(then(off, set('a')).own.override[0]?.enabled, false);
  });

  it('are refused when they are too many', () => {
    let changes: PushRuleChanges = NO_PUSH_RULE_CHANGES;
    let refused: string | undefined;
    for (let i = 0; refused === undefined && i < 100; i += 1) {
      const decision = decidePushRules(changes, set(`${i}`.padEnd(10_000, 'x')));
      if ('refused' in decision) refused = decision.refused;
      else changes = decision.changes;
    }
    assert.equal(refused, 'TOO_LARGE');
    assert.equal(changes.own.override.length, 26);
  });

  it('have the master rule before all, whatever was done, and every default rule once', () => {
    const name = fc.constantFrom('a', 'b', 'c', 'd');
    const command = fc.oneof(
      fc
        .record({
          before: fc.option(name, { nil: undefined }),
          after: fc.option(name, { nil: undefined }),
          id: name,
        })
        .map(({ id, before, after }) => set(id, { ...(before && { before }), ...(after && { after }) })),
      name.map(
        (rule_id): PushRuleCommand => ({
          ...stamp,
          kind: 'delete_push_rule',
          rule_kind: 'override',
          rule_id,
        }),
      ),
    );
    fc.assert(
      fc.property(fc.array(command), (commands) => {
        let changes: PushRuleChanges = NO_PUSH_RULE_CHANGES;
        const known = new Set<string>();
        for (const one of commands) {
          const decision = decidePushRules(changes, one);
          if ('refused' in decision) continue;
          changes = decision.changes;
          if (one.kind === 'delete_push_rule') known.delete(one.rule_id);
          else known.add(one.rule_id);
        }
        const ids = pushRulesOf(user_id, changes).override.map(({ rule_id }) => rule_id);
        assert.equal(ids[0], '.m.rule.master');
        assert.equal(new Set(ids).size, ids.length);
        assert.deepEqual(new Set(ids.filter((id) => !id.startsWith('.'))), known);
        assert.equal(ids.length - known.size, 10);
        assert.ok(ids.slice(1, known.size + 1).every((id) => known.has(id)));
      }),
    );
  });
});

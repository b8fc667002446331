import { parseRoomId, parseUserId } from '../matrix/identifiers.ts';
import {
  isDefaultPushRule,
  type OwnPushRule,
  type PushRuleChange,
  type PushRuleChanges,
} from '../matrix/push-rule-changes.ts';
import type { PushAction, PushRuleKind } from '../matrix/push-rules.ts';
import type { AdjustPushRule, DeletePushRule, SetPushRule } from '../owner/commands.ts';

/** Changes of a user's push rules (spec: client-server API, "Push Rules: API"). Pure. */
export type PushRuleCommand = SetPushRule | DeletePushRule | AdjustPushRule;

/** What was decided: the changes as they are then, or why not. */
export type PushRuleDecision =
  | { readonly changes: PushRuleChanges }
  | {
      readonly refused: 'NOT_FOUND' | 'INVALID_PARAM' | 'NO_SUCH_NEIGHBOUR' | 'TOO_LARGE';
      /** One sentence for the client. */
      readonly reason: string;
    };

/**
 * Characters of JSON that a user's rules may take: about 1,500 rules. They are read whole at every change, and
 * sent whole to each of the user's devices.
 */
const MOST_CHARACTERS = 256 * 1024;

/** What names rules that are about one room or one sender (spec: "Push Rules", kinds of rules). */
const NAMED_BY: Readonly<
  Partial<Record<PushRuleKind, { readonly parse: (id: string) => unknown; readonly what: string }>>
> = {
  room: { parse: parseRoomId, what: 'a room ID' },
  sender: { parse: parseUserId, what: 'a user ID' },
};

const UNKNOWN_ACTION: PushRuleDecision = { refused: 'INVALID_PARAM', reason: 'An action is not known.' };
const NO_RULE: PushRuleDecision = { refused: 'NOT_FOUND', reason: 'There is no such push rule.' };

/** Decides on the rules as they are now, so that two devices can change different rules at once. */
export function decidePushRules(changes: PushRuleChanges, command: PushRuleCommand): PushRuleDecision {
  switch (command.kind) {
    case 'set_push_rule':
      return bounded(setRule(changes, command));
    case 'delete_push_rule':
      return deleteRule(changes, command);
    case 'adjust_push_rule':
      return bounded(adjustRule(changes, command));
  }
}

function setRule(changes: PushRuleChanges, command: SetPushRule): PushRuleDecision {
  const { rule_kind, rule_id, before, after } = command;
  if (!areKnown(command.actions)) return UNKNOWN_ACTION;
  if (/^\.|[/\\]/.test(rule_id)) {
    const reason = 'A rule ID must not begin with a dot, nor have a slash or backslash in it.';
    return { refused: 'INVALID_PARAM', reason };
  }
  const ids = NAMED_BY[rule_kind];
  if (ids !== undefined && ids.parse(rule_id) === undefined) {
    return { refused: 'INVALID_PARAM', reason: `The ID of a ${rule_kind} rule is ${ids.what}.` };
  }
  for (const neighbour of [before, after]) {
    if (neighbour?.startsWith('.') === true) {
      const reason = 'A rule cannot be placed relative to one of the server’s own.';
      return { refused: 'INVALID_PARAM', reason };
    }
  }
  const rules = changes.own[rule_kind];
  const index = rules.findIndex((rule) => rule.rule_id === rule_id);
  const made = ownRule(command, rules[index]?.enabled ?? true);
  const others = rules.filter((rule) => rule.rule_id !== rule_id);
  const at = placeAmong(others, command) ?? Math.max(0, index);
  if (at < 0)
    return { refused: 'NO_SUCH_NEIGHBOUR', reason: 'There is no such rule of one’s own to place it by.' };
  return { changes: withRules(changes, rule_kind, others.toSpliced(at, 0, made)) };
}

function ownRule(command: SetPushRule, enabled: boolean): OwnPushRule {
  const { rule_kind, rule_id, conditions, pattern } = command;
  const actions = withoutHistorical(command.actions);
  const rule = { rule_id, enabled, actions };
  if (rule_kind === 'content') return { ...rule, pattern: pattern ?? '' };
  if (rule_kind === 'override' || rule_kind === 'underride') return { ...rule, conditions: conditions ?? [] };
  return rule;
}

/** Where among the other rules it goes; undefined when the command does not say, -1 when it names none of them. */
function placeAmong(others: readonly OwnPushRule[], { before, after }: SetPushRule): number | undefined {
  const find = (id: string): number => others.findIndex(({ rule_id }) => rule_id === id);
  const behind = after === undefined ? undefined : find(after);
  if (behind === -1) return -1;
  // Where both are given, `before` decides.
  if (before !== undefined) return find(before);
  return behind === undefined ? undefined : behind + 1;
}

function deleteRule(changes: PushRuleChanges, command: DeletePushRule): PushRuleDecision {
  const { user_id, rule_kind, rule_id } = command;
  const rules = changes.own[rule_kind];
  const others = rules.filter((rule) => rule.rule_id !== rule_id);
  if (others.length < rules.length) return { changes: withRules(changes, rule_kind, others) };
  if (!isDefaultPushRule(user_id, rule_kind, rule_id)) return NO_RULE;
  return { refused: 'INVALID_PARAM', reason: 'The server’s own rules can be disabled, not deleted.' };
}

function adjustRule(changes: PushRuleChanges, command: AdjustPushRule): PushRuleDecision {
  const { user_id, rule_kind, rule_id, enabled } = command;
  if (!areKnown(command.actions ?? [])) return UNKNOWN_ACTION;
  const actions = command.actions && withoutHistorical(command.actions);
  const change: PushRuleChange = {
    ...(enabled === undefined ? {} : { enabled }),
    ...(actions === undefined ? {} : { actions }),
  };
  const rules = changes.own[rule_kind];
  const index = rules.findIndex((rule) => rule.rule_id === rule_id);
  const present = rules[index];
  if (present !== undefined) {
    return { changes: withRules(changes, rule_kind, rules.with(index, { ...present, ...change })) };
  }
  if (!isDefaultPushRule(user_id, rule_kind, rule_id)) return NO_RULE;
  const before = Object.hasOwn(changes.changed, rule_id) ? changes.changed[rule_id] : undefined;
  return { changes: { ...changes, changed: { ...changes.changed, [rule_id]: { ...before, ...change } } } };
}

function withRules(
  changes: PushRuleChanges,
  kind: PushRuleKind,
  rules: readonly OwnPushRule[],
): PushRuleChanges {
  return { ...changes, own: { ...changes.own, [kind]: rules } };
}

/** They stand for nothing (spec: "Historical Actions"). */
const HISTORICAL: readonly PushAction[] = ['dont_notify', 'coalesce'];

function withoutHistorical(actions: readonly PushAction[]): readonly PushAction[] {
  return actions.filter((action) => !HISTORICAL.includes(action));
}

/** Whether all are actions of the spec; of tweaks the name may be any. */
function areKnown(actions: readonly PushAction[]): boolean {
  return actions.every((one) => typeof one !== 'string' || one === 'notify' || HISTORICAL.includes(one));
}

function bounded(decision: PushRuleDecision): PushRuleDecision {
  if ('refused' in decision || JSON.stringify(decision.changes).length <= MOST_CHARACTERS) return decision;
  return { refused: 'TOO_LARGE', reason: 'These are more push rules than one user may have.' };
}

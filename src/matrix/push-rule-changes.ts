import type { UserId } from './identifiers.ts';
import { defaultPushRules } from './push-rule-defaults.ts';
import {
  PUSH_RULE_KINDS,
  type PushAction,
  type PushCondition,
  type PushRule,
  type PushRuleKind,
  type PushRuleset,
} from './push-rules.ts';

/**
 * What a user has made of the push rules: the difference from the server's default rules, so that a later
 * version of those reaches everybody (spec: client-server API, "Push Rules").
 */

/** A rule that the user has made. */
export interface OwnPushRule {
  readonly rule_id: string;
  readonly enabled: boolean;
  readonly actions: readonly PushAction[];
  /** Of `override` and `underride` rules. */
  readonly conditions?: readonly PushCondition[];
  /** Of `content` rules. */
  readonly pattern?: string;
}

/** What was changed about a default rule. */
export interface PushRuleChange {
  readonly enabled?: boolean;
  readonly actions?: readonly PushAction[];
}

/** All that a user has changed. */
export interface PushRuleChanges {
  /** Of each kind, the most important first. */
  readonly own: Readonly<Record<PushRuleKind, readonly OwnPushRule[]>>;
  /** Of default rules, by their ID. */
  readonly changed: Readonly<Record<string, PushRuleChange>>;
}

/** Of somebody who has changed nothing. */
export const NO_PUSH_RULE_CHANGES: PushRuleChanges = {
  own: { override: [], content: [], room: [], sender: [], underride: [] },
  changed: {},
};

/** Always before all others, the user's own included. */
const MASTER = '.m.rule.master';

/** The rules that hold for a user: own ones before the server's, but for the master rule. */
export function pushRulesOf(userId: UserId, changes: PushRuleChanges): PushRuleset {
  const defaults = defaultPushRules(userId);
  if (changes === NO_PUSH_RULE_CHANGES) return defaults;
  const merged = (kind: PushRuleKind): readonly PushRule[] => {
    const present = defaults[kind].map((rule) => ({ ...rule, ...changeOf(changes, rule.rule_id) }));
    const own = changes.own[kind].map((rule) => ({ default: false, ...rule }));
    const isMaster = ({ rule_id }: PushRule) => rule_id === MASTER;
    return [...present.filter(isMaster), ...own, ...present.filter((rule) => !isMaster(rule))];
  };
  return {
    override: merged('override'),
    content: merged('content'),
    room: merged('room'),
    sender: merged('sender'),
    underride: merged('underride'),
  };
}

/** Whether the server has a default rule of this kind under the ID. */
export function isDefaultPushRule(userId: UserId, kind: PushRuleKind, ruleId: string): boolean {
  return defaultPushRules(userId)[kind].some(({ rule_id }) => rule_id === ruleId);
}

/** The changes as records hold them; null (erased, or never there) is none. */
export function parsePushRuleChanges(text: string | null): PushRuleChanges {
  if (text === null) return NO_PUSH_RULE_CHANGES;
  // Written by the owner alone, in this very shape; see `schemas/push_rules_set.avsc`.
  return JSON.parse(text) as PushRuleChanges;
}

/** The content of `m.push_rules` as account data, JSON. */
export function pushRulesContent(userId: UserId, changes: PushRuleChanges): string {
  return JSON.stringify({ global: pushRulesOf(userId, changes) });
}

/** The kind of this name. */
export function parsePushRuleKind(name: string): PushRuleKind | undefined {
  return PUSH_RULE_KINDS.find((kind) => kind === name);
}

function changeOf({ changed }: PushRuleChanges, ruleId: string): PushRuleChange {
  return Object.hasOwn(changed, ruleId) ? (changed[ruleId] ?? {}) : {};
}

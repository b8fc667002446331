import type { JsonObject, JsonValue } from './json.ts';
import type { PowerLevels } from './power-levels.ts';
import { holds } from './push-conditions.ts';

/**
 * Push rules: their shape and what they make of an event (spec: client-server API, "Push rules"). The
 * server's default rules are in `push-rule-defaults.ts`.
 */

/** A condition of a rule. What is there beside `kind` depends on it. */
export interface PushCondition {
  readonly kind: string;
  readonly key?: string;
  readonly pattern?: string;
  readonly is?: string;
  readonly value?: JsonValue;
}

/** What a rule does: `notify`, or setting a tweak. */
export type PushAction = string | { readonly set_tweak: string; readonly value?: JsonValue };

/** A rule, in the shape of `GET /pushrules`. */
export interface PushRule {
  readonly rule_id: string;
  readonly default: boolean;
  readonly enabled: boolean;
  readonly actions: readonly PushAction[];
  /** Of `override` and `underride` rules; without any, a rule always matches. */
  readonly conditions?: readonly PushCondition[];
  /** Of `content` rules: a glob. */
  readonly pattern?: string;
}

/** The kinds of rules, in the order in which they are asked. */
export const PUSH_RULE_KINDS = ['override', 'content', 'room', 'sender', 'underride'] as const;

/** One of the kinds. */
export type PushRuleKind = (typeof PUSH_RULE_KINDS)[number];

/** All rules of a user, each kind in order: the first that matches decides. */
export type PushRuleset = Readonly<Record<PushRuleKind, readonly PushRule[]>>;

/** What the rules see of an event: what a client sees of it. */
export interface PushEvent {
  readonly type: string;
  readonly sender: string;
  readonly room_id: string;
  readonly content: JsonObject;
  readonly state_key?: string;
  readonly event_id?: string;
}

/** For whom and in what room the rules are asked. */
export interface PushContext {
  readonly userId: string;
  /** The user's display name in the room. */
  readonly displayName: string | undefined;
  /** Joined members. */
  readonly memberCount: number;
  readonly levels: PowerLevels;
}

/** What the rules make of an event. */
export interface PushOutcome {
  readonly notify: boolean;
  readonly highlight: boolean;
  /** The sound to play, where there is one. */
  readonly sound?: string;
}

const SILENT: PushOutcome = { notify: false, highlight: false };

/** What a user's rules make of an event: the first enabled rule that matches decides. Silent for one's own. */
export function evaluate(rules: PushRuleset, event: PushEvent, context: PushContext): PushOutcome {
  const rule = decidingRule(rules, event, context);
  return rule === undefined ? SILENT : outcomeOf(rule.actions);
}

/** The rule that decides about an event: the first enabled one that matches. None for one's own events. */
export function decidingRule(
  rules: PushRuleset,
  event: PushEvent,
  context: PushContext,
): PushRule | undefined {
  if (event.sender === context.userId) return undefined;
  for (const kind of PUSH_RULE_KINDS) {
    for (const rule of rules[kind]) {
      if (rule.enabled && matches(kind, rule, event, context)) return rule;
    }
  }
  return undefined;
}

function matches(kind: PushRuleKind, rule: PushRule, event: PushEvent, context: PushContext): boolean {
  switch (kind) {
    case 'override':
    case 'underride':
      return (rule.conditions ?? []).every((condition) => holds(condition, event, context));
    case 'content': {
      const condition = { kind: 'event_match', key: 'content.body', pattern: rule.pattern ?? '' };
      return holds(condition, event, context);
    }
    case 'room':
      return rule.rule_id === event.room_id;
    case 'sender':
      return rule.rule_id === event.sender;
  }
}

/** What actions come to. Historical ones (`dont_notify`, `coalesce`) do nothing, as the spec wants. */
export function outcomeOf(actions: readonly PushAction[]): PushOutcome {
  if (!actions.includes('notify')) return SILENT;
  let outcome: PushOutcome = { notify: true, highlight: false };
  for (const action of actions) {
    if (typeof action === 'string') continue;
    if (action.set_tweak === 'highlight') outcome = { ...outcome, highlight: action.value !== false };
    if (action.set_tweak === 'sound' && typeof action.value === 'string') {
      outcome = { ...outcome, sound: action.value };
    }
  }
  return outcome;
}

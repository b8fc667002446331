import { Type } from 'typebox';
import type { PushAction, PushCondition, PushRule, PushRuleset } from '../../matrix/push-rules.ts';

/** The shapes of push rules in requests and answers (spec: client-server API, "Push Rules: API"). */

const tweakSchema = Type.Object({ set_tweak: Type.String() }, { additionalProperties: true });
const actionListSchema = Type.Array(Type.Unsafe<PushAction>(Type.Union([Type.String(), tweakSchema])));

const conditionSchema = Type.Object({ kind: Type.String() }, { additionalProperties: true });
const conditionListSchema = Type.Array(Type.Unsafe<PushCondition>(conditionSchema));

/** One rule. */
export const ruleSchema = Type.Unsafe<PushRule>(
  Type.Object({
    rule_id: Type.String(),
    default: Type.Boolean(),
    enabled: Type.Boolean(),
    actions: actionListSchema,
    conditions: Type.Optional(conditionListSchema),
    pattern: Type.Optional(Type.String()),
  }),
);

const rulesSchema = Type.Array(ruleSchema);

/** All rules of a user by kind. */
export const rulesetSchema = Type.Unsafe<PushRuleset>(
  Type.Object({
    override: rulesSchema,
    content: rulesSchema,
    room: rulesSchema,
    sender: rulesSchema,
    underride: rulesSchema,
  }),
);

/** `GET /pushrules/`. */
export const wholeSchema = Type.Object({ global: rulesetSchema });

/** What names a rule in a path. Names of kinds that there are not lead to no rule. */
export const rulePathSchema = Type.Object({ kind: Type.String(), ruleId: Type.String() });

/** Where a new rule is to stand. */
export const rulePlaceSchema = Type.Object({
  before: Type.Optional(Type.String()),
  after: Type.Optional(Type.String()),
});

/** A rule as it is made. */
export const newRuleSchema = Type.Object({
  actions: actionListSchema,
  conditions: Type.Optional(conditionListSchema),
  pattern: Type.Optional(Type.String()),
});

/** `…/enabled`. */
export const enabledSchema = Type.Object({ enabled: Type.Boolean() });

/** `…/actions`. */
export const actionsSchema = Type.Object({ actions: actionListSchema });

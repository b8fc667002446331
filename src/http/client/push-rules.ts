import { Type } from 'typebox';
import { MilenaError } from '../../errors/milena-error.ts';
import { ownObject, ownValue } from '../../matrix/json.ts';
import { defaultPushRules } from '../../matrix/push-rule-defaults.ts';
import { PUSH_RULE_KINDS, type PushRule, type PushRuleset } from '../../matrix/push-rules.ts';
import type { App, ClientContext } from '../context.ts';
import type { Session } from '../reads/account-reads.ts';
import { route, SINCE_R0 } from '../route.ts';
import { objectSchema } from '../schemas.ts';

const actionsSchema = Type.Array(
  Type.Unsafe<PushRule['actions'][number]>(Type.Union([Type.String(), objectSchema])),
);

const ruleSchema = Type.Object({
  rule_id: Type.String(),
  default: Type.Boolean(),
  enabled: Type.Boolean(),
  actions: actionsSchema,
  conditions: Type.Optional(
    Type.Array(Type.Unsafe<NonNullable<PushRule['conditions']>[number]>(objectSchema)),
  ),
  pattern: Type.Optional(Type.String()),
});

const rulesSchema = Type.Array(ruleSchema);

const rulesetSchema = Type.Unsafe<PushRuleset>(
  Type.Object({
    override: rulesSchema,
    content: rulesSchema,
    room: rulesSchema,
    sender: rulesSchema,
    underride: rulesSchema,
  }),
);

const one = { kind: Type.String(), ruleId: Type.String() };

/** Reading push rules (spec: client-server API, "Push Rules: API"). There is no way yet to change them. */
export function pushRuleRoutes(app: App, context: ClientContext): void {
  route(app, {
    method: 'GET',
    path: '/pushrules/',
    prefixes: SINCE_R0,
    auth: 'user',
    response: Type.Object({ global: rulesetSchema }),
    handle: async ({ session }) => ({ global: await rulesOf(context, session) }),
  });
  route(app, {
    method: 'GET',
    path: '/pushrules/global/',
    prefixes: SINCE_R0,
    auth: 'user',
    response: rulesetSchema,
    handle: ({ session }) => rulesOf(context, session),
  });
  oneRuleRoutes(app, context);
}

function oneRuleRoutes(app: App, context: ClientContext): void {
  route(app, {
    method: 'GET',
    path: '/pushrules/global/:kind/:ruleId',
    prefixes: SINCE_R0,
    auth: 'user',
    params: Type.Object(one),
    response: Type.Unsafe<PushRule>(ruleSchema),
    handle: async ({ params, session }) => ruleNamed(await rulesOf(context, session), params),
  });
  route(app, {
    method: 'GET',
    path: '/pushrules/global/:kind/:ruleId/enabled',
    prefixes: SINCE_R0,
    auth: 'user',
    params: Type.Object(one),
    response: Type.Object({ enabled: Type.Boolean() }),
    handle: async ({ params, session }) => {
      const { enabled } = ruleNamed(await rulesOf(context, session), params);
      return { enabled };
    },
  });
  route(app, {
    method: 'GET',
    path: '/pushrules/global/:kind/:ruleId/actions',
    prefixes: SINCE_R0,
    auth: 'user',
    params: Type.Object(one),
    response: Type.Object({ actions: actionsSchema }),
    handle: async ({ params, session }) => {
      const { actions } = ruleNamed(await rulesOf(context, session), params);
      return { actions: [...actions] };
    },
  });
}

/** The user's rules: those in the account data, else the server's own. */
async function rulesOf({ reads, freshness }: ClientContext, session: Session): Promise<PushRuleset> {
  await freshness.user(session.user_id);
  const stored = await reads.accounts.accountData(session.user_id, null, 'm.push_rules');
  const content = stored === undefined ? undefined : ownObject(JSON.parse(stored), 'global');
  // Only this server writes that account data, in this very shape.
  if (content !== undefined && ownValue(content, 'override') !== undefined)
    return content as unknown as PushRuleset;
  return defaultPushRules(session.user_id);
}

function ruleNamed(rules: PushRuleset, { kind, ruleId }: { kind: string; ruleId: string }): PushRule {
  const known = PUSH_RULE_KINDS.find((name) => name === kind);
  const rule = known === undefined ? undefined : rules[known].find(({ rule_id }) => rule_id === ruleId);
  if (rule === undefined) throw new MilenaError('NOT_FOUND', 'There is no such push rule.');
  return rule;
}

import { MilenaError } from '../../errors/milena-error.ts';
import { parsePushRuleKind, pushRulesOf } from '../../matrix/push-rule-changes.ts';
import type { PushRule, PushRuleset } from '../../matrix/push-rules.ts';
import type { App, ClientContext } from '../context.ts';
import type { Session } from '../reads/account-reads.ts';
import { route, SINCE_R0 } from '../route.ts';
import {
  actionsSchema,
  enabledSchema,
  rulePathSchema,
  ruleSchema,
  rulesetSchema,
  wholeSchema,
} from './push-rule-schemas.ts';

const ONE_RULE = '/pushrules/global/:kind/:ruleId';

/** Reading push rules (spec: client-server API, "Push Rules: API"). */
export function pushRuleRoutes(app: App, context: ClientContext): void {
  route(app, {
    method: 'GET',
    path: '/pushrules/',
    prefixes: SINCE_R0,
    auth: 'user',
    response: wholeSchema,
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
  const one = { method: 'GET', prefixes: SINCE_R0, auth: 'user', params: rulePathSchema } as const;
  route(app, {
    ...one,
    path: ONE_RULE,
    response: ruleSchema,
    handle: async ({ params, session }) => ruleNamed(await rulesOf(context, session), params),
  });
  route(app, {
    ...one,
    path: `${ONE_RULE}/enabled`,
    response: enabledSchema,
    handle: async ({ params, session }) => {
      const { enabled } = ruleNamed(await rulesOf(context, session), params);
      return { enabled };
    },
  });
  route(app, {
    ...one,
    path: `${ONE_RULE}/actions`,
    response: actionsSchema,
    handle: async ({ params, session }) => {
      const { actions } = ruleNamed(await rulesOf(context, session), params);
      return { actions: [...actions] };
    },
  });
}

async function rulesOf({ reads, freshness }: ClientContext, session: Session): Promise<PushRuleset> {
  await freshness.user(session.user_id);
  return pushRulesOf(session.user_id, await reads.accounts.pushRules(session.user_id));
}

function ruleNamed(rules: PushRuleset, { kind, ruleId }: { kind: string; ruleId: string }): PushRule {
  const known = parsePushRuleKind(kind);
  const rule = known === undefined ? undefined : rules[known].find(({ rule_id }) => rule_id === ruleId);
  if (rule === undefined) throw new MilenaError('NOT_FOUND', 'There is no such push rule.');
  return rule;
}

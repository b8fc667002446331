import { MilenaError } from '../../errors/milena-error.ts';
import { parsePushRuleKind } from '../../matrix/push-rule-changes.ts';
import type { PushRuleKind } from '../../matrix/push-rules.ts';
import { freshCommandId } from '../../owner/command-id.ts';
import type { AdjustPushRule, DeletePushRule, SetPushRule } from '../../owner/commands.ts';
import type { App, ClientContext } from '../context.ts';
import type { Session } from '../reads/account-reads.ts';
import { route, SINCE_R0 } from '../route.ts';
import { emptySchema } from '../schemas.ts';
import {
  actionsSchema,
  enabledSchema,
  newRuleSchema,
  rulePathSchema,
  rulePlaceSchema,
} from './push-rule-schemas.ts';

const ONE_RULE = '/pushrules/global/:kind/:ruleId';
const ofRule = { prefixes: SINCE_R0, auth: 'user', params: rulePathSchema, response: emptySchema } as const;

/** Changing push rules (spec: client-server API, "Push Rules: API"). */
export function pushRuleChangeRoutes(app: App, context: ClientContext): void {
  setRoute(app, context);
  deleteRoute(app, context);
  adjustRoutes(app, context);
}

function setRoute(app: App, context: ClientContext): void {
  route(app, {
    ...ofRule,
    method: 'PUT',
    path: ONE_RULE,
    query: rulePlaceSchema,
    body: newRuleSchema,
    numbers: 'integers',
    handle: async ({ params, query, body, session }) => {
      const rule_kind = parsePushRuleKind(params.kind);
      if (rule_kind === undefined)
        throw new MilenaError('INVALID_PARAM', 'kind: is none of the kinds of rules');
      if (rule_kind === 'content' && body.pattern === undefined) {
        throw new MilenaError('MISSING_PARAM', 'pattern: content rules need one');
      }
      const { conditions, pattern } = body;
      const { before, after } = query;
      await context.execute({
        ...stamp(context, 'set_push_rule', session),
        rule_kind,
        rule_id: params.ruleId,
        actions: body.actions,
        ...(conditions === undefined ? {} : { conditions }),
        ...(pattern === undefined ? {} : { pattern }),
        ...(before === undefined ? {} : { before }),
        ...(after === undefined ? {} : { after }),
      } satisfies SetPushRule);
      return {};
    },
  });
}

function deleteRoute(app: App, context: ClientContext): void {
  route(app, {
    ...ofRule,
    method: 'DELETE',
    path: ONE_RULE,
    handle: async ({ params, session }) => {
      const command: DeletePushRule = { ...stamp(context, 'delete_push_rule', session), ...named(params) };
      await context.execute(command);
      return {};
    },
  });
}

function adjustRoutes(app: App, context: ClientContext): void {
  const adjust = async (
    session: Session,
    params: { readonly kind: string; readonly ruleId: string },
    change: Pick<AdjustPushRule, 'enabled' | 'actions'>,
  ): Promise<Record<string, never>> => {
    await context.execute({ ...stamp(context, 'adjust_push_rule', session), ...named(params), ...change });
    return {};
  };
  route(app, {
    ...ofRule,
    method: 'PUT',
    path: `${ONE_RULE}/enabled`,
    body: enabledSchema,
    handle: ({ params, body, session }) => adjust(session, params, { enabled: body.enabled }),
  });
  route(app, {
    ...ofRule,
    method: 'PUT',
    path: `${ONE_RULE}/actions`,
    body: actionsSchema,
    numbers: 'integers',
    handle: ({ params, body, session }) => adjust(session, params, { actions: body.actions }),
  });
}

/** The rule of a path. @throws MilenaError NOT_FOUND for a kind that there is not. */
function named({ kind, ruleId }: { readonly kind: string; readonly ruleId: string }): {
  readonly rule_kind: PushRuleKind;
  readonly rule_id: string;
} {
  const rule_kind = parsePushRuleKind(kind);
  if (rule_kind === undefined) throw new MilenaError('NOT_FOUND', 'There is no such push rule.');
  return { rule_kind, rule_id: ruleId };
}

function stamp<const K extends string>(context: ClientContext, kind: K, session: Session) {
  return { kind, id: freshCommandId(), at: context.now(), user_id: session.user_id };
}

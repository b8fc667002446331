import { MilenaError } from '../../errors/milena-error.ts';
import {
  NO_PUSH_RULE_CHANGES,
  type PushRuleChanges,
  parsePushRuleChanges,
} from '../../matrix/push-rule-changes.ts';
import { decidePushRules, type PushRuleCommand } from '../../users/push-rules.ts';
import { decideValue, evolveReceipts, type Receipts, receiptName, valueKey } from '../../users/values.ts';
import type { AggregateKind, Decision, Loaded } from '../aggregate-kind.ts';
import type { Loader } from '../loader.ts';

/** What deciding a value needs; each aggregate has one of the two and nothing in the other. */
interface Values {
  readonly receipts: Receipts;
  readonly pushRules: PushRuleChanges;
}

const NONE: Values = { receipts: new Map(), pushRules: NO_PUSH_RULE_CHANGES };
const PUSH_RULES = '/push_rules';
const RECEIPT = '/receipt/';

/**
 * What replaces itself about a user. The aggregate is a user's receipts in one room, key
 * `<user>/receipt/<room>/`, or the push rules, key `<user>/push_rules`; account data and filters need no state to
 * be decided (their key has none).
 */
export const valuesKind: AggregateKind<Values> = {
  topic: 'user_values',
  async load(key, loader) {
    if (key.endsWith(PUSH_RULES)) {
      const { next, rules } = await loader.pushRules(key.slice(0, -PUSH_RULES.length));
      return { state: { ...NONE, pushRules: parsePushRuleChanges(rules) }, next };
    }
    // A local user's name may hold slashes but no "!", with which a room's begins.
    const at = key.indexOf(`${RECEIPT}!`);
    if (at < 0) return { state: NONE, next: Number.MAX_SAFE_INTEGER };
    return loadReceipts(loader, key.slice(0, at), key.slice(at + RECEIPT.length, -1));
  },
  spread: (key) => !key.endsWith(PUSH_RULES),
  prepare: () => undefined,
  decide({ receipts, pushRules }, command) {
    switch (command.kind) {
      case 'mark_profile_told':
      case 'set_account_data':
      case 'set_filter':
      case 'set_receipt': {
        const facts = decideValue(receipts, command);
        return { facts: facts.map((fact) => ({ ...fact, key: valueKey(fact) })), result: {} };
      }
      case 'set_push_rule':
      case 'delete_push_rule':
      case 'adjust_push_rule':
        return pushRuleDecision(pushRules, command);
      default:
        throw new MilenaError('INTERNAL', `${command.kind} is not about a user's values`);
    }
  },
  evolve(values, fact) {
    if (fact.type === 'receipt_set') return { ...values, receipts: evolveReceipts(values.receipts, fact) };
    if (fact.type !== 'push_rules_set') return values;
    return { ...values, pushRules: parsePushRuleChanges(fact.value.sealed) };
  },
};

async function loadReceipts(loader: Loader, user: string, room: string): Promise<Loaded<Values>> {
  const snapshots = await loader.receipts(user, room);
  const next = Math.max(0, ...snapshots.map((receipt) => receipt.next));
  const common = { user_id: user, room_id: room, ts: 0 };
  const entries = snapshots.map(
    ({ next: _, ...receipt }) =>
      [receiptName(receipt.receipt_type, receipt.thread_id), { ...common, ...receipt }] as const,
  );
  return { state: { ...NONE, receipts: new Map(entries) }, next };
}

function pushRuleDecision(rules: PushRuleChanges, command: PushRuleCommand): Decision {
  const decision = decidePushRules(rules, command);
  if ('refused' in decision) {
    const code = decision.refused === 'NO_SUCH_NEIGHBOUR' ? 'NO_SUCH_PUSH_RULE' : decision.refused;
    throw new MilenaError(code, decision.reason);
  }
  const sealed = JSON.stringify(decision.changes);
  if (sealed === JSON.stringify(rules)) return { facts: [], result: {} };
  const fact = { type: 'push_rules_set', value: { user_id: command.user_id, sealed } } as const;
  return { facts: [{ ...fact, key: valueKey(fact) }], result: {} };
}

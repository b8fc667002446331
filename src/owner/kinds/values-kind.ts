import { MilenaError } from '../../errors/milena-error.ts';
import { decideValue, evolveReceipts, type Receipts, receiptName, valueKey } from '../../users/values.ts';
import type { AggregateKind } from '../aggregate-kind.ts';

const NONE: Receipts = new Map();

/**
 * What replaces itself about a user. The aggregate is a user's receipts in one room, key
 * `<user>/receipt/<room>/`; account data and filters need no state to be decided (their key has none).
 */
export const valuesKind: AggregateKind<Receipts> = {
  topic: 'user_values',
  async load(key, loader) {
    const [user, room] = key.split('/receipt/');
    if (user === undefined || room === undefined) return { state: NONE, next: Number.MAX_SAFE_INTEGER };
    const snapshots = await loader.receipts(user, room.slice(0, -1));
    const next = Math.max(0, ...snapshots.map((receipt) => receipt.next));
    const common = { user_id: user, room_id: room.slice(0, -1), ts: 0 };
    const entries = snapshots.map(
      ({ next: _, ...receipt }) =>
        [receiptName(receipt.receipt_type, receipt.thread_id), { ...common, ...receipt }] as const,
    );
    return { state: new Map(entries), next };
  },
  holds: (key, recordKey) => recordKey.startsWith(key),
  prepare: () => undefined,
  decide(receipts, command) {
    switch (command.kind) {
      case 'set_account_data':
      case 'set_filter':
      case 'set_receipt': {
        const facts = decideValue(receipts, command);
        return { facts: facts.map((fact) => ({ ...fact, key: valueKey(fact) })), result: {} };
      }
      default:
        throw new MilenaError('INTERNAL', `${command.kind} is not about a user's values`);
    }
  },
  evolve: (receipts, fact) => (fact.type === 'receipt_set' ? evolveReceipts(receipts, fact) : receipts),
};

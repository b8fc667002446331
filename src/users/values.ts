import type { Records } from '../log/records.ts';
import type { MarkProfileTold, SetAccountData, SetFilter, SetReceipt } from '../owner/commands.ts';

/** What replaces itself about a user: account data, filters, push rules, receipts (topic `user_values`). Pure. */
export type ValueCommand = MarkProfileTold | SetAccountData | SetFilter | SetReceipt;

/** The record types of values. */
export type ValueRecordType =
  | 'profile_told'
  | 'account_data_set'
  | 'filter_set'
  | 'push_rules_set'
  | 'receipt_set';

/** A fact about a value. */
export type ValueFact = {
  [T in ValueRecordType]: { readonly type: T; readonly value: Records[T] };
}[ValueRecordType];

/** How far a user has read in one room: receipts by `<type>/<thread or nothing>`. */
export type Receipts = ReadonlyMap<string, Records['receipt_set']>;

/** The name of a receipt among a user's receipts in a room. */
export function receiptName(receiptType: string, threadId: string | null): string {
  return `${receiptType}/${threadId ?? ''}`;
}

/** The key of a user's push rules on `user_values`. */
export function pushRulesKey(userId: string): string {
  return `${userId}/push_rules`;
}

/** The key on `user_values` under which a fact replaces the one before. */
export function valueKey(fact: ValueFact): string {
  switch (fact.type) {
    case 'profile_told':
      return `${fact.value.user_id}/profile_told`;
    case 'account_data_set':
      return `${fact.value.user_id}/account_data/${fact.value.room_id ?? ''}/${fact.value.type}`;
    case 'filter_set':
      return `${fact.value.user_id}/filter/${fact.value.filter_id}`;
    case 'push_rules_set':
      return pushRulesKey(fact.value.user_id);
    case 'receipt_set': {
      const { user_id, room_id, receipt_type, thread_id } = fact.value;
      return `${user_id}/receipt/${room_id}/${receiptName(receipt_type, thread_id)}`;
    }
  }
}

/**
 * Decides a value. A receipt for the event that already has it changes nothing, nor does a receipt behind the one that
 * there is: it acknowledges all up to its event, so the other one says more. The fully-read marker is put where the
 * user wants it.
 */
export function decideValue(receipts: Receipts, command: ValueCommand): readonly ValueFact[] {
  switch (command.kind) {
    case 'mark_profile_told': {
      const { user_id, through } = command;
      return [{ type: 'profile_told', value: { user_id, through } }];
    }
    case 'set_account_data': {
      const { user_id, room_id, type, content } = command;
      return [{ type: 'account_data_set', value: { user_id, room_id, type, sealed: content } }];
    }
    case 'set_filter': {
      const { user_id, filter_id, filter } = command;
      return [{ type: 'filter_set', value: { user_id, filter_id, sealed: filter } }];
    }
    case 'set_receipt':
      return receipt(receipts, command);
  }
}

function receipt(receipts: Receipts, command: SetReceipt): readonly ValueFact[] {
  const known = receipts.get(receiptName(command.receipt_type, command.thread_id));
  if (known?.event_id === command.event_id) return [];
  const isMarker = command.receipt_type === 'm.fully_read';
  if (known !== undefined && !isMarker && command.place <= known.place) return [];
  const further = known === undefined || command.place > known.furthest_place;
  const { user_id, room_id, receipt_type, thread_id, event_id, place } = command;
  return [
    {
      type: 'receipt_set',
      value: {
        user_id,
        room_id,
        receipt_type,
        thread_id,
        event_id,
        place,
        furthest_event_id: further ? event_id : known.furthest_event_id,
        furthest_place: further ? place : known.furthest_place,
        ts: command.at,
      },
    },
  ];
}

/** The receipts after a fact. */
export function evolveReceipts(receipts: Receipts, fact: ValueFact): Receipts {
  if (fact.type !== 'receipt_set') return receipts;
  const { receipt_type, thread_id } = fact.value;
  return new Map(receipts).set(receiptName(receipt_type, thread_id), fact.value);
}

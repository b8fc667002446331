/** A mistake that somebody could make in the code of the sync. */
export interface Fault {
  /** What goes wrong for clients. */
  readonly what: string;
  readonly file: string;
  /** Stands in the file just once. */
  readonly code: string;
  /** What is put in its place. */
  readonly fault: string;
}

/** Faults that random histories must find, each by itself. */
export const faults: readonly Fault[] = [
  {
    what: 'an event that the client has had comes again',
    file: 'projections/sync/room-tail.ts',
    code: 'firstIndex(this.list, (one) => one.offset >= offset)',
    fault: 'firstIndex(this.list, (one) => one.offset >= offset - 2)',
  },
  {
    what: 'state that the timeline’s filter hides is never told',
    file: 'projections/sync/timeline-cut.ts',
    code: 'return stateWithin(range, start - 1, upTo).filter((event) => !selection.takes(event));',
    fault: 'return [];',
  },
  {
    what: 'a gap is not said to be one',
    file: 'projections/sync/model-round.ts',
    code: 'const limited = from > 0 || (!known && afterPlace > 0);',
    fault: 'const limited = !known && afterPlace > 0;',
  },
  {
    what: 'a room that was joined since the token comes as a difference',
    file: 'projections/sync/room-plans.ts',
    code: 'const known = from !== undefined && last.offset < from;',
    fault: 'const known = from !== undefined;',
  },
  {
    what: 'history that only members of then may see is shown to who joins later',
    file: 'projections/room_state/visibility.ts',
    code: "if (setting === 'joined') return false;",
    fault: '',
  },
  {
    what: 'what one sends oneself does not count as having read',
    file: 'projections/sync/reading.ts',
    code: 'if (isOwn) raiseThread(thread, place);',
    fault: 'if (isOwn) thread.counted = place;',
  },
  {
    what: 'a receipt for all threads leaves them unread',
    file: 'projections/sync/reading.ts',
    code: 'for (const one of this.threads.values()) raiseThread(one, place);',
    fault: '',
  },
  {
    what: 'what was redacted stays counted',
    file: 'projections/sync/reading.ts',
    code: 'if (!this.takeBack(room)) return undefined;',
    fault: '',
  },
  {
    what: 'private receipts are shown to everybody',
    file: 'projections/sync/room-state.ts',
    code: "if (receipt.receipt_type !== 'm.read' && receipt.user_id !== userId) continue;",
    fault: '',
  },
  {
    what: 'account data set right behind the token is lost',
    file: 'projections/sync/user-tail.ts',
    code: 'if (datum.offset < offset) continue;',
    fault: 'if (datum.offset < offset + 2) continue;',
  },
  {
    what: 'rooms that were joined or left are answered from memory',
    file: 'projections/sync/memory-sync.ts',
    code: 'if (view.changedSince(since.rooms)) return ASK_MODELS;',
    fault: '',
  },
  {
    what: 'members that changed are left out of a whole state when members are loaded lazily',
    file: 'projections/sync/model-states.ts',
    code: ', ...heroes, ...changed]);',
    fault: ', ...heroes]);',
  },
  {
    what: 'an answer is said to be newer than the models that it was made of',
    file: 'projections/sync/model-sync.ts',
    code: "rooms: least(below ?? reads.reached('rooms'), target.rooms),",
    fault: 'rooms: target.rooms,',
  },
];

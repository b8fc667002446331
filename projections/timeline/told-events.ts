import type { EventRelations } from './stored-event.ts';

/** An event with which others may be told: what redacted it, and what is told of its children. */
export interface Telling<E> {
  readonly redacted_because?: E;
  readonly relations?: EventRelations<E>;
}

/** The event and all others that are told with it, those within them too. */
export function toldWith<E extends Telling<E>>(event: E): readonly E[] {
  const { redacted_because, relations } = event;
  const others = [redacted_because, relations?.replacement, relations?.thread?.latest];
  return [event, ...others.flatMap((one) => (one === undefined ? [] : toldWith(one)))];
}

/** The event with `change` made to each that is told right with it; the same object where there are none. */
export function withTold<E extends Telling<E>>(event: E, change: (told: E) => E): E {
  const { redacted_because: redaction, relations } = event;
  if (redaction === undefined && relations === undefined) return event;
  return {
    ...event,
    ...(redaction === undefined ? {} : { redacted_because: change(redaction) }),
    ...(relations === undefined ? {} : { relations: changedRelations(relations, change) }),
  };
}

function changedRelations<E>(relations: EventRelations<E>, change: (told: E) => E): EventRelations<E> {
  const { replacement, thread } = relations;
  return {
    ...relations,
    ...(replacement === undefined ? {} : { replacement: change(replacement) }),
    ...(thread === undefined ? {} : { thread: { ...thread, latest: change(thread.latest) } }),
  };
}

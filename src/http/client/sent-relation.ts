import { LRUCache } from 'lru-cache';
import { MilenaError } from '../../errors/milena-error.ts';
import type { EventId, RoomId } from '../../matrix/identifiers.ts';
import type { JsonObject } from '../../matrix/json.ts';
import { relationOf } from '../../matrix/relations.ts';
import type { ClientContext } from '../context.ts';
import type { Session } from '../reads/account-reads.ts';
import { standingOf } from '../room-access.ts';

/** Roots remembered: what is said in a thread that goes on asks no model. */
const KEPT_ROOTS = 10_000;

/** An event that somebody wants to send. */
export interface SentEvent {
  readonly roomId: RoomId;
  readonly type: string;
  readonly content: JsonObject;
  readonly txnId: string;
}

/**
 * Keeps clients from relations that the spec forbids: threads that begin at a child (client-server API, "Validation
 * of `m.thread` relationships") and annotations that are there already ("Avoiding duplicate annotations"). By the
 * models of this node: what others send meanwhile may slip through, as the spec allows.
 */
export class SentRelations {
  readonly #context: Pick<ClientContext, 'reads' | 'freshness'>;
  readonly #roots = new LRUCache<string, true>({ max: KEPT_ROOTS });

  constructor(context: ClientContext) {
    this.#context = context;
  }

  /** @throws MilenaError NO_THREAD_HERE, DUPLICATE_ANNOTATION; only to those who are in the room. */
  async check(session: Session, event: SentEvent): Promise<void> {
    const relation = relationOf(event.content);
    if (relation === undefined) return;
    const { rel_type, event_id: parent, key } = relation;
    const isForbidden =
      (rel_type === 'm.thread' && (await this.#isChild(event.roomId, parent))) ||
      (rel_type === 'm.annotation' &&
        key !== undefined &&
        (await this.#isThere(session, event, { parent, key })));
    if (!isForbidden) return;
    const standing = await standingOf(this.#context, event.roomId, session.user_id);
    // The owner refuses all others.
    if (standing?.membership !== 'join') return;
    throw new MilenaError(rel_type === 'm.thread' ? 'NO_THREAD_HERE' : 'DUPLICATE_ANNOTATION');
  }

  async #isChild(roomId: RoomId, root: EventId): Promise<boolean> {
    const name = `${roomId} ${root}`;
    if (this.#roots.has(name)) return false;
    const { reads, freshness } = this.#context;
    const isChild = await freshness.orLater('rooms', roomId, () => reads.timeline.isChild(roomId, root));
    if (isChild === false) this.#roots.set(name, true);
    return isChild === true;
  }

  async #isThere(
    { user_id, device_id }: Session,
    { roomId, type, txnId }: SentEvent,
    annotation: { readonly parent: EventId; readonly key: string },
  ): Promise<boolean> {
    const { reads, freshness } = this.#context;
    await freshness.room(roomId);
    const found = await reads.timeline.annotation(roomId, { ...annotation, type, sender: user_id });
    // The same request once more is no second annotation.
    const isRepeated = found?.device_id === device_id && found.txn_id === txnId;
    return found !== undefined && !isRepeated;
  }
}

import { asRoomId } from '../matrix/identifiers.ts';
import type { Loader, SagaSnapshot } from './loader.ts';
import type { SlotLog } from './slot-log.ts';

/** The sagas of a slot that were begun and not ended: those of the model, then what the tail says. */
export async function openSagas(
  slot: number,
  log: SlotLog | undefined,
  loader: Loader,
): Promise<readonly SagaSnapshot[]> {
  const open = new Map<string, SagaSnapshot>();
  for (const saga of await loader.openSagas(slot)) open.set(saga.saga, saga);
  if (log === undefined) return [...open.values()];
  const from = await loader.checkpoint('rooms', slot);
  for await (const { key, offset, fact } of log.read('rooms', from)) {
    if (fact?.type === 'saga_ended') open.delete(fact.value.saga);
    if (fact?.type === 'saga_started' && fact.value.sealed !== null) {
      const { saga, alias, sealed } = fact.value;
      open.set(saga, { next: offset + 1, room_id: asRoomId(key), saga, alias, command: sealed });
    }
  }
  return [...open.values()];
}

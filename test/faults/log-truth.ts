import { loadConfig } from '../../src/config/load.ts';
import { readFacts } from '../../src/log/fact-reader.ts';
import type { RoomEventRecord } from '../../src/log/records.ts';
import { type Core, openCore } from '../../src/main/core.ts';
import { isServerName } from '../../src/matrix/server-name.ts';
import type { Violations } from './violations.ts';
import type { Acknowledged } from './writer.ts';

/** Opens the log and the keys of a deployment beside its own processes, for this one to read. */
export function openBeside(env: Readonly<Record<string, string>>): Promise<Core> {
  return openCore(loadConfig({ env, isServerName }), 'a test');
}

/** Where an event stands on the log. */
interface Standing {
  readonly partition: number;
  readonly offset: number;
}

/**
 * What the log itself must say, whatever the read models show: every acknowledged event stands there once and in
 * its writer's order, no transaction made two events, no room has a gap in its live places.
 * @returns the room events that were read.
 */
export async function checkLog(
  core: Core,
  acknowledged: readonly Acknowledged[],
  violations: Violations,
): Promise<number> {
  const { log, codec, contentKeys: keys, schemas } = core;
  const seen = new Seen(violations);
  for (const [partition, to] of (await log.ends('rooms')).entries()) {
    const reading = { from: { offset: 0, epoch: 0 }, to };
    for await (const { facts } of readFacts({ log, codec, keys, schemas }, 'rooms', partition, reading))
      for (const { record, fact, error } of facts) {
        if (error !== undefined) violations.add(`rooms/${partition} at ${record.offset}: ${error.message}`);
        if (fact?.type === 'room_event')
          seen.note(record.key, fact.value, { partition, offset: record.offset });
      }
  }
  seen.checkAcknowledged(acknowledged);
  return seen.events.size;
}

class Seen {
  readonly events = new Map<string, Standing>();
  readonly #violations: Violations;
  readonly #transactions = new Map<string, string>();
  readonly #places = new Map<string, number>();

  constructor(violations: Violations) {
    this.#violations = violations;
  }

  note(roomId: string, { event_id, kind, place, transaction }: RoomEventRecord, standing: Standing): void {
    if (this.events.has(event_id)) this.#violations.add(`${event_id} stands on the log twice`);
    this.events.set(event_id, standing);
    if (kind !== 'event') return;
    const last = this.#places.get(roomId) ?? 0;
    if (place !== last + 1) this.#violations.add(`${roomId} goes from place ${last} to ${place} on the log`);
    this.#places.set(roomId, place);
    if (transaction === null) return;
    const name = `${roomId} ${transaction.device_id} ${transaction.txn_id}`;
    const first = this.#transactions.get(name);
    if (first !== undefined)
      this.#violations.add(`a command ran twice: ${transaction.txn_id} made ${first} and ${event_id}`);
    this.#transactions.set(name, event_id);
  }

  checkAcknowledged(acknowledged: readonly Acknowledged[]): void {
    const last = new Map<string, number>();
    for (const { eventId, body, writer } of acknowledged) {
      const offset = this.events.get(eventId)?.offset;
      if (offset === undefined) this.#violations.add(`"${body}" was acknowledged and is not on the log`);
      else if (offset < (last.get(writer) ?? -1))
        this.#violations.add(`"${body}" stands on the log before what was acknowledged before it`);
      last.set(writer, offset ?? 0);
    }
  }
}

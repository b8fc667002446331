import { MilenaError } from '../../src/errors/milena-error.ts';
import { slotOf } from '../../src/log/slot.ts';
import type { Pdu } from '../../src/matrix/event.ts';
import type { EventId } from '../../src/matrix/identifiers.ts';
import type { RecordSource } from '../framework/record-source.ts';
import { parsedEvent } from '../room-record.ts';
import type { TimelineQueries } from '../timeline/queries.ts';
import type { SyncAnswer } from './sync-answer.ts';
import type { SyncEvent } from './sync-event.ts';

/** Offsets that lie this near to each other are read in one go. */
const NEAR = 32;

/** Gives the room events of an answer as JSON text in the form in which servers exchange them, by event ID. */
export type FederationForm = (answer: SyncAnswer) => Promise<ReadonlyMap<EventId, string>>;

/**
 * The federation form of events (spec: client-server API, "Filtering", `event_format`): whole PDUs, with as much
 * content as their reader is shown, and their IDs, which the answers of a sync always have. Those of state events stand in the model; a message's is read from the log, at its
 * offset. Nothing is kept for it: hardly anybody asks.
 */
export function federationForm(
  source: RecordSource,
  timeline: Pick<TimelineQueries, 'pdus'>,
  slots: number,
): FederationForm {
  return async ({ join, leave }) => {
    const events = [...join, ...leave].flatMap((room) => [...room.timeline.events, ...room.state]);
    const pdus = new Map<EventId, Pdu>();
    const states = events.filter(({ state_key }) => state_key !== null);
    for (const [roomId, some] of Map.groupBy(states, ({ room_id }) => room_id)) {
      const ids = some.map(({ event_id }) => event_id);
      for (const [id, pdu] of await timeline.pdus(roomId, ids)) pdus.set(id, pdu);
    }
    const rest = events.filter(({ event_id }) => !pdus.has(event_id));
    for (const [partition, some] of Map.groupBy(rest, ({ room_id }) => slotOf(room_id, slots))) {
      await readPdus(source, partition, some, pdus);
    }
    return new Map(events.map((event) => [event.event_id, pduText(event, pdus.get(event.event_id))]));
  };
}

/** Reads events of one partition from the log. */
async function readPdus(
  source: RecordSource,
  partition: number,
  events: readonly SyncEvent[],
  pdus: Map<EventId, Pdu>,
): Promise<void> {
  const wanted = new Map<string, EventId>(events.map(({ event_id }) => [event_id, event_id]));
  const offsets = events.flatMap(({ log_offset }) => (log_offset === undefined ? [] : [log_offset]));
  for (const { first, last } of runsOf(offsets)) {
    const range = { from: { offset: first, epoch: 0 }, to: last + 1 };
    for await (const { records } of source.read('rooms', partition, range)) {
      for (const { opened } of records) {
        if (opened?.fact?.type !== 'room_event') continue;
        const id = wanted.get(opened.fact.value.event_id);
        if (id !== undefined) pdus.set(id, parsedEvent(opened.fact.value).pdu);
      }
    }
  }
}

function runsOf(offsets: readonly number[]): readonly { readonly first: number; readonly last: number }[] {
  const runs: { first: number; last: number }[] = [];
  for (const offset of offsets.toSorted((one, other) => one - other)) {
    const run = runs.at(-1);
    if (run !== undefined && offset - run.last <= NEAR) run.last = offset;
    else runs.push({ first: offset, last: offset });
  }
  return runs;
}

/** @throws MilenaError LOG_UNAVAILABLE where the log did not give the event. */
function pduText({ event_id, content, redacts }: SyncEvent, pdu: Pdu | undefined): string {
  if (pdu === undefined) throw new MilenaError('LOG_UNAVAILABLE');
  const { content: _, redacts: target, ...rest } = pdu;
  // Of a redaction that was redacted itself it is gone.
  const whole = target === undefined || redacts === null ? rest : { ...rest, redacts: target };
  return `${JSON.stringify({ ...whole, event_id }).slice(0, -1)},"content":${content}}`;
}

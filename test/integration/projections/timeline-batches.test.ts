import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import fc from 'fast-check';
import { Database } from '../../../projections/framework/database.ts';
import type { OpenedRecord } from '../../../projections/framework/model.ts';
import { timelineModel } from '../../../projections/timeline/model.ts';
import type { AnyNewFact, NewFact } from '../../../src/log/fact-writer.ts';
import { startPostgres, type TestPostgres } from '../../support/postgres.ts';
import { altered, MadeRoom } from './made-room.ts';

const ALICE = '@alice:localhost';
const BOB = '@bob:localhost';
const SCHEMA = 'timeline_1';
const TABLES = ['rooms', 'events', 'relations', 'threads', 'mentions', 'senders'];

let server: TestPostgres;
let database: Database;
before(async () => {
  server = await startPostgres();
  database = new Database({ connection: { connectionString: await server.createDatabase('batches') } });
  await database.script(
    `CREATE SCHEMA ${SCHEMA}; SET search_path TO ${SCHEMA}; ${timelineModel.schemaSql}; RESET search_path`,
  );
});
after(async () => {
  await database.close();
  await server.stop();
});

/** The rows of the tables after records in batches that end before these indexes. */
async function rowsOf(records: readonly OpenedRecord[], ends: readonly number[]): Promise<object> {
  await database.script(`TRUNCATE ${TABLES.map((table) => `${SCHEMA}.${table}`).join(', ')}`);
  const projector = timelineModel.projector({
    schema: SCHEMA,
    topic: 'rooms',
    partition: 0,
    slots: 1,
    read: ({ text, values }) => database.read(text, values),
  });
  let from = 0;
  for (const end of [...new Set(ends), records.length].toSorted((one, other) => one - other)) {
    if (end > from) await database.commit(await projector.apply(records.slice(from, end)));
    from = end;
  }
  const rows: Record<string, readonly object[]> = {};
  for (const table of TABLES)
    rows[table] = await database.query(`SELECT * FROM ${SCHEMA}.${table} t ORDER BY t`);
  return rows;
}

/** What may happen to one of four events: it is known as an outlier, comes into the timeline, is redacted. */
type What = 'outlier' | 'backfilled' | 'event' | 'redaction';

const happening = fc.record({
  event: fc.nat(3),
  what: fc.constantFrom<What>('outlier', 'backfilled', 'event', 'redaction'),
});

function recordsOf(happenings: readonly { event: number; what: What }[]): readonly OpenedRecord[] {
  const { room, facts } = MadeRoom.create('one', ALICE);
  const [first = ''] = room.eventIds;
  const events: readonly NewFact<'room_event'>[] = [
    { body: 'plain' },
    { body: 'you', 'm.mentions': { user_ids: [BOB] } },
    { body: 'in a thread', 'm.relates_to': { rel_type: 'm.thread', event_id: first } },
    { body: 'a picture', url: 'mxc://a/b', 'm.relates_to': { rel_type: 'm.reference', event_id: first } },
  ].map((content) => room.message(BOB, content.body, content));
  const records: AnyNewFact[] = [...facts];
  const came = new Set<number>();
  let place = 100;
  for (const { event: index, what } of happenings) {
    const event = events[index];
    if (event === undefined) continue;
    if (what === 'redaction') {
      const redacts = room.eventIds[facts.length + index];
      if (redacts === undefined) continue;
      const redaction = room.fact({ type: 'm.room.redaction', sender: ALICE, content: {}, redacts });
      records.push(altered(redaction, { place: ++place }));
    } else if (!came.has(index)) {
      // Once in the timeline, an event is not recorded again.
      if (what !== 'outlier') came.add(index);
      records.push(altered(event, { kind: what, place: what === 'outlier' ? 0 : ++place }));
    }
  }
  return records.map((fact, offset): OpenedRecord => {
    assert.ok(fact.type === 'room_event');
    return { topic: 'rooms', partition: 0, offset, key: room.id, at: offset, fact };
  });
}

test('rows do not depend on where batches end, whatever is recorded again and redacted', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(happening, { maxLength: 10 }),
      fc.array(fc.nat(14), { maxLength: 4 }),
      async (happenings, ends) => {
        const records = recordsOf(happenings);
        const oneByOne = await rowsOf(
          records,
          records.map((_, index) => index),
        );
        assert.deepEqual(await rowsOf(records, ends), oneByOne);
      },
    ),
    { numRuns: 60 },
  );
});

test('what was redacted before it came into the timeline has neither content, mentions nor relations', async () => {
  const course: readonly What[] = ['outlier', 'redaction', 'event'];
  const happenings = [1, 2, 3].flatMap((event) => course.map((what) => ({ event, what })));
  const records = recordsOf(happenings);
  for (const ends of [[], [5, 6, 7, 8, 9, 10, 11, 12], [6, 9], [5, 8, 11]]) {
    const rows = JSON.stringify(await rowsOf(records, ends));
    for (const gone of ['you', 'in a thread', 'mxc:']) assert.ok(!rows.includes(gone), `${gone}: ${ends}`);
    assert.match(rows, /"relations":\[\].*"mentions":\[\]/);
  }
});

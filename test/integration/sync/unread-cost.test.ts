import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import pg from 'pg';
import { accountsModel } from '../../../projections/accounts/model.ts';
import type { ModelDatabase } from '../../../projections/framework/active-schemas.ts';
import type { Projections } from '../../../projections/framework/projections.ts';
import { roomStateModel } from '../../../projections/room_state/model.ts';
import { syncModel } from '../../../projections/sync/model.ts';
import { createSyncReads } from '../../../projections/sync/queries.ts';
import { EventSelection } from '../../../projections/sync/sync-filter.ts';
import { DEFAULT_RULES, type UserRules, userRules } from '../../../projections/sync/user-rules.ts';
import { timelineModel } from '../../../projections/timeline/model.ts';
import { asUserId, type RoomId } from '../../../src/matrix/identifiers.ts';
import { NO_PUSH_RULE_CHANGES } from '../../../src/matrix/push-rule-changes.ts';
import { startPostgres, type TestPostgres } from '../../support/postgres.ts';
import { House } from '../projections/house.ts';
import { MadeRoom } from '../projections/made-room.ts';

const MODELS = [roomStateModel, timelineModel, accountsModel, syncModel];
const READER = asUserId('@reader:localhost');
const WRITER = asUserId('@writer:localhost');
/** The issue speaks of 100; what a room costs does not depend on the others. */
const ROOMS = Number(process.env['MILENA_UNREAD_ROOMS'] ?? 10);

/** Highlights a word. */
const KEYWORDS = userRules(
  READER,
  {
    own: {
      ...NO_PUSH_RULE_CHANGES.own,
      content: [
        { rule_id: 'word', enabled: true, actions: ['notify', { set_tweak: 'highlight' }], pattern: 'cake' },
      ],
    },
    changed: {},
  },
  0,
);

let server: TestPostgres;
let house: House;
let projections: Projections;
let client: pg.Client;
before(async () => {
  server = await startPostgres();
  house = await House.make(server, 'unread_cost', 2);
  projections = await house.open(MODELS);
  client = new pg.Client(house.url);
  await client.connect();
});
after(async () => {
  await client.end();
  await house[Symbol.asyncDispose]();
  await server.stop();
});

/** Rooms in which the reader has so many unread messages, the oldest with other words than the rest. */
async function rooms(unread: number, count = ROOMS, oldest = 'one'): Promise<readonly RoomId[]> {
  const made: RoomId[] = [];
  for (let i = 0; i < count; i += 1) {
    const { room, facts } = MadeRoom.create(`${unread} ${i} ${oldest}`, WRITER);
    await house.append('rooms', room.id, [
      ...facts,
      room.member(READER, 'join'),
      room.message(WRITER, oldest),
      room.message(WRITER, 'one'),
    ]);
    made.push(room.id);
  }
  await house.caughtUp(projections);
  await fill(made, unread - 1);
  return made;
}

/** Repeats the last message of rooms, as the projector would have written it: a million come too slowly by the log. */
async function fill(made: readonly RoomId[], unread: number): Promise<void> {
  const schema = await schemaOf('timeline');
  await client.query(
    `INSERT INTO ${schema}.events (room, place, log_offset, ts, ordinal, kind, has_url, notifies, event_id, type, sender, content)
     SELECT e.room, e.place + g, e.log_offset + g, e.ts + g, e.ordinal + g, 0, false, true, e.event_id || g, e.type,
       e.sender, e.content
     FROM ${schema}.rooms r
     CROSS JOIN LATERAL (SELECT * FROM ${schema}.events WHERE room = r.room ORDER BY place DESC LIMIT 1) e
     CROSS JOIN generate_series(1, $2::int) g WHERE r.room_id = ANY ($1::text[])`,
    [made, unread - 1],
  );
  await client.query('VACUUM ANALYZE');
}

async function schemaOf(model: string): Promise<string> {
  let schema = '';
  await projections.queries.query((m) => {
    schema = m(model);
    return `SELECT '${schema}' AS schema`;
  });
  return schema;
}

/** Buffers of Postgres that queries touch, all together. */
class Explained implements ModelDatabase {
  buffers = 0;

  async query<Row extends object>(...[sql, values = []]: Parameters<ModelDatabase['query']>) {
    const schemas = new Map<string, string>();
    for (const { name } of MODELS) schemas.set(name, await schemaOf(name));
    const text = sql((model) => schemas.get(model) ?? model);
    const { rows: explained } = await client.query({
      text: `EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) ${text}`,
      values: [...values],
    });
    const plan = explained[0]['QUERY PLAN'][0].Plan;
    this.buffers += plan['Shared Hit Blocks'] + plan['Shared Read Blocks'];
    return projections.queries.query<Row>(sql, values);
  }
}

/** What the parts of a first sync that unread events could make dearer cost, in buffers, and what they count. */
async function cost(made: readonly RoomId[], rules: UserRules, timelines: boolean) {
  const database = new Explained();
  const reads = createSyncReads(database, projections.positions, house.log.slots);
  const places = await reads.places(made.map((room_id) => ({ room_id, offset: Number.MAX_SAFE_INTEGER })));
  const at = made.map((room_id, index) => ({ room_id, place: places[index] ?? 0 }));
  database.buffers = 0;
  const unread = await reads.unread(READER, rules, at);
  if (timelines) {
    const asks = at.map(({ room_id, place }) => ({ room_id, after: 0, upTo: place }));
    await reads.timelines(asks, new EventSelection({}), 21);
    await reads.summaries(at);
  }
  const counts = [...unread.values()].map(({ threads }) => threads.get('main')?.notification_count ?? 0);
  return { buffers: database.buffers, counts: [...new Set(counts)] };
}

test('a first sync with 10,000 unread in each room costs at most twice that with 10', async () => {
  const [few, many] = [await rooms(10), await rooms(10_000)];
  const small = await cost(few, DEFAULT_RULES, true);
  const large = await cost(many, DEFAULT_RULES, true);
  assert.deepEqual([small.counts, large.counts], [[10], [10_000]]);
  console.info(
    `${ROOMS} rooms: ${small.buffers} buffers with 10 unread in each, ${large.buffers} with 10,000`,
  );
  assert.ok(large.buffers <= 2 * small.buffers, `${large.buffers} buffers, ${small.buffers} with few`);

  const muted = {
    ...NO_PUSH_RULE_CHANGES.own,
    room: many.map((rule_id) => ({ rule_id, enabled: true, actions: [] })),
  };
  const mentionsOnly = userRules(READER, { own: muted, changed: {} }, 0);
  const quiet = await cost(many, mentionsOnly, true);
  assert.deepEqual(quiet.counts, [0]);
  assert.ok(quiet.buffers <= 2 * small.buffers, `${quiet.buffers} buffers with mentions only`);

  // Keywords are looked for in the newest 500 of each room and 10,000 more in all, however many there are.
  const looked = 500 + Math.floor(10_000 / ROOMS);
  const [some, tenThousand] = [
    await cost(await rooms(looked), KEYWORDS, false),
    await cost(many, KEYWORDS, false),
  ];
  assert.deepEqual([some.counts, tenThousand.counts], [[looked], [10_000]]);
  assert.ok(
    tenThousand.buffers <= 1.5 * some.buffers,
    `${tenThousand.buffers}, ${some.buffers} with ${looked}`,
  );
});

/** What one of these rules counts in rooms: notifications and highlights. */
async function counted(made: readonly RoomId[], rules: UserRules) {
  const reads = createSyncReads(projections.queries, projections.positions, house.log.slots);
  const places = await reads.places(made.map((room_id) => ({ room_id, offset: Number.MAX_SAFE_INTEGER })));
  const at = made.map((room_id, index) => ({ room_id, place: places[index] ?? 0 }));
  const unread = await reads.unread(READER, rules, at);
  return made.map((roomId) => {
    const main = unread.get(roomId)?.threads.get('main');
    return [main?.notification_count ?? 0, main?.highlight_count ?? 0];
  });
}

test('a keyword is found in 10,000 unread messages of a room beside others, and so are those of who is ignored', async () => {
  const [deep] = await rooms(10_000, 1, 'I like cake');
  const quiet = await rooms(400, ROOMS, 'cake');
  assert.ok(deep !== undefined);
  assert.deepEqual(await counted([deep, ...quiet], KEYWORDS), [[10_000, 1], ...quiet.map(() => [400, 1])]);
  const ignoring = { ...DEFAULT_RULES, ignored: new Set([WRITER]) };
  assert.deepEqual(await counted([deep, ...quiet], ignoring), [[0, 0], ...quiet.map(() => [0, 0])]);
});

test('beyond what is looked at, a message with a keyword counts like any other', async () => {
  const many = await rooms(1_000 + Math.ceil(10_000 / ROOMS), ROOMS, 'old cake');
  const counts = await counted(many, KEYWORDS);
  assert.deepEqual(
    counts,
    many.map(() => [1_000 + Math.ceil(10_000 / ROOMS), 0]),
  );
});

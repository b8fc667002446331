import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { accountsModel } from '../../../projections/accounts/model.ts';
import type { Projections } from '../../../projections/framework/projections.ts';
import { roomStateModel } from '../../../projections/room_state/model.ts';
import { FakeHouse } from '../../../projections/sync/fake-house.fixture.ts';
import { FakeReads } from '../../../projections/sync/fake-reads.fixture.ts';
import { syncModel } from '../../../projections/sync/model.ts';
import { createSyncReads } from '../../../projections/sync/queries.ts';
import { RandomHistory, ROOMS, seeded, USERS } from '../../../projections/sync/random-history.fixture.ts';
import { type EventFilter, EventSelection } from '../../../projections/sync/sync-filter.ts';
import type { ModelTopic, RoomPlace, SyncReads } from '../../../projections/sync/sync-reads.ts';
import { SYNC_TOPICS } from '../../../projections/sync/token.ts';
import { timelineModel } from '../../../projections/timeline/model.ts';
import { asEventId, type RoomId, type UserId } from '../../../src/matrix/identifiers.ts';
import { startPostgres, type TestPostgres } from '../../support/postgres.ts';
import { House } from '../projections/house.ts';
import { plainEvents, plainMap, plainRows } from './plain.ts';

const MODELS = [roomStateModel, timelineModel, accountsModel, syncModel];
const STEPS = 500;
const QUESTIONS = 60;

let server: TestPostgres;
before(async () => {
  server = await startPostgres();
});
after(() => server.stop());

for (const seed of [1, 2, 3]) {
  test(`the models answer a sync as the plain reading of the log does (history ${seed})`, async () => {
    await using house = await House.make(server, `reads_${seed}`, 3);
    const projections = await house.open(MODELS);
    const fake = await adopted(house, projections, seed);
    await house.caughtUp(projections);
    const real = createSyncReads(projections.queries, projections.positions, house.log.slots);
    const comparison = new Comparison(real, fake, seed);
    for (let question = 0; question < QUESTIONS; question += 1) await comparison.askEverything();
  });
}

/** Writes a random history to a real log, and takes it back from there with the offsets that it has got. */
async function adopted(house: House, projections: Projections, seed: number): Promise<FakeHouse> {
  const { slots } = house.log;
  const made = new FakeHouse(slots);
  const history = new RandomHistory(made, seeded(seed));
  for (let step = 0; step < STEPS; step += 1) history.step();
  for (const [index, { topic, subject, key, fact }] of made.history.entries()) {
    if (topic !== 'ephemeral') await house.append(topic, subject, [{ ...fact, key, at: 1_000 + index }]);
  }
  const taken = new FakeHouse(slots);
  for (const topic of SYNC_TOPICS) {
    for (const [partition, to] of (await house.log.ends(topic)).entries()) {
      const from = { offset: 0, epoch: 0 };
      for await (const batch of projections.source.read(topic, partition, { from, to })) {
        for (const { opened } of batch.records) if (opened !== undefined) taken.adopt(opened);
      }
    }
  }
  return taken;
}

const FILTERS: readonly EventFilter[] = [
  {},
  { types: ['m.room.m*', 'org.example.state'] },
  { not_types: ['*.member'], not_senders: ['@ann:x.org'] },
  { senders: ['@bob:x.org'], contains_url: false },
];

/** Asks the models and the plain reading the same. */
class Comparison {
  private readonly real: SyncReads;
  private readonly fake: FakeReads;
  private readonly random: ReturnType<typeof seeded>;
  private readonly house: FakeHouse;

  constructor(real: SyncReads, house: FakeHouse, seed: number) {
    this.real = real;
    this.house = house;
    this.fake = new FakeReads(house);
    this.fake.models.rooms = [...real.reached('rooms')];
    this.fake.models.user_values = [...real.reached('user_values')];
    this.random = seeded(seed);
  }

  async askEverything(): Promise<void> {
    await this.askAboutRooms();
    await this.askAboutStates();
    await this.askAboutUsers();
  }

  private async askAboutRooms(): Promise<void> {
    const offsets = this.rooms().map((room_id) => ({ room_id, offset: this.offset(room_id) }));
    await this.same('places', (reads) => reads.places(offsets));
    await this.same('touched', async (reads) => [...(await reads.touched(offsets))].sort());
    const asks = this.rooms().map((room_id) => ({
      room_id,
      after: this.place(room_id) - 1,
      upTo: this.place(room_id),
    }));
    const filter = FILTERS[this.random(FILTERS.length)] ?? {};
    const limit = this.random(12);
    await this.same('timelines', async (reads) =>
      plainEvents(await reads.timelines(asks, new EventSelection(filter), limit)),
    );
    await this.same('visibilities', async (reads) =>
      plainMap(await reads.visibilities(this.rooms()), (found) => plainRows(found, 'place', 'visibility')[0]),
    );
    const places = this.places().filter(({ place }) => place > 1);
    await this.same('summaries', async (reads) =>
      plainMap(await reads.summaries(places), (found) => JSON.stringify(found, Object.keys(found).sort())),
    );
  }

  private async askAboutStates(): Promise<void> {
    const asks = this.rooms().map((room_id) => {
      const members = this.random(2) === 0 ? ('all' as const) : [...new Set([this.user(), this.user()])];
      const at = this.place(room_id);
      return { room_id, at, after: members === 'all' ? this.random(at + 2) - 1 : -1, members };
    });
    await this.same('states', async (reads) => plainEvents(await reads.states(asks)));
    const listed = asks.filter(({ members }) => members !== 'all');
    const types = this.random(2) === 0 ? [] : ['m.room.create', 'm.room.topic'];
    await this.same('states by key', async (reads) => plainEvents(await reads.states(listed, types)));
    const replaced = this.places().map((place) => ({ ...place, type: 'm.room.topic', state_key: '' }));
    await this.same('replaced', async (reads) =>
      (await reads.replaced(replaced)).map((found) => found && [found.event_id, found.content]),
    );
  }

  private async askAboutUsers(): Promise<void> {
    const user = this.user();
    const places = this.places();
    const [since, below] = [this.positions('user_values'), this.positions('user_values')];
    const asks = this.rooms().map((room_id) => ({ room_id, all: this.random(2) === 0 }));
    const from = this.positions('rooms');
    await this.same('memberships', async (reads) => {
      const changes = changesOf(await reads.memberships(user, from));
      return plainRows(
        changes,
        'room_id',
        'membership',
        'sender',
        'event_id',
        'place',
        'partition',
        'offset',
      );
    });
    await this.same('receipts', async (reads) =>
      plainMap(await reads.receipts(user, asks, since, below), (found) =>
        plainRows(
          found,
          'user_id',
          'receipt_type',
          'thread_id',
          'event_id',
          'ts',
          'furthest_place',
          'offset',
        ).join(),
      ),
    );
    const [start = 0, end = 0] = [since[0], below[0]];
    await this.same('account data', async (reads) =>
      (await reads.accountData(user, start, end)).map(({ room_id, type, content, offset }) => {
        return [room_id, type, JSON.parse(content), offset];
      }),
    );
    const rules = await this.fake.pushRules(user);
    await this.same('push rules', (reads) => reads.pushRules(user));
    await this.same('unread', async (reads) =>
      plainMap(await reads.unread(user, rules, places), ({ read, threads, memberCount }) => [
        read,
        memberCount,
        plainMap(threads, ({ read: place, notification_count, highlight_count }) => [
          place,
          notification_count,
          highlight_count,
        ]),
      ]),
    );
    const [room] = this.rooms();
    if (room === undefined) return;
    const events = (this.house.events.get(room) ?? []).map(({ event_id }) => asEventId(event_id));
    await this.same('threads', async (reads) =>
      plainMap(await reads.threads(room, events), (found) => found),
    );
  }

  private async same<T>(what: string, ask: (reads: SyncReads) => Promise<T>): Promise<void> {
    assert.deepEqual(await ask(this.real), await ask(this.fake), what);
  }

  private rooms(): readonly RoomId[] {
    return ROOMS.filter((room) => this.house.events.has(room));
  }

  private places(): readonly RoomPlace[] {
    return this.rooms().map((room_id) => ({ room_id, place: this.place(room_id) }));
  }

  private place(roomId: RoomId): number {
    return this.random((this.house.events.get(roomId)?.length ?? 0) + 2);
  }

  /** An offset about where the room's records stand. */
  private offset(roomId: RoomId): number {
    const offsets = this.house.events.get(roomId)?.map(({ offset }) => offset) ?? [];
    return (offsets[this.random(offsets.length)] ?? 0) + this.random(2);
  }

  private positions(topic: ModelTopic): readonly number[] {
    return this.real.reached(topic).map((end) => this.random(end + 1));
  }

  private user(): UserId {
    return USERS[this.random(USERS.length)] ?? assert.fail();
  }
}

/** Memberships without those that change nothing, which the models leave out. */
function changesOf<M extends { readonly room_id: string; readonly membership: string }>(
  memberships: readonly M[],
): readonly M[] {
  const last = new Map<string, string>();
  return memberships.filter(({ room_id, membership }) => {
    const before = last.get(room_id);
    last.set(room_id, membership);
    return before !== 'join' || membership !== 'join';
  });
}

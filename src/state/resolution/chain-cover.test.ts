import assert from 'node:assert/strict';
import { it } from 'node:test';
import fc from 'fast-check';
import { asEventId, type EventId } from '../../matrix/identifiers.ts';
import { StateTreeError } from '../errors.ts';
import { ChainCover, type CoveredEvent } from './chain-cover.ts';

const TYPES = ['m.room.power_levels', 'm.room.member', 'm.room.join_rules', 'm.room.topic'];

/** Events that name up to three of those before them which can authorise. */
const graph = fc
  .array(
    fc.record({
      type: fc.constantFrom(...TYPES),
      stateKey: fc.constantFrom('', '@a:x', '@b:x'),
      back: fc.uniqueArray(fc.nat(6), { maxLength: 3 }),
    }),
    { minLength: 1, maxLength: 40 },
  )
  .map((list) => {
    const events: CoveredEvent[] = [];
    const named: EventId[] = [];
    for (const { type, stateKey, back } of list) {
      const id = asEventId(`$${events.length}`);
      const authEvents = [...new Set(back.flatMap((each) => named.at(-1 - each) ?? []))];
      events.push({ id, type, stateKey, authEvents });
      if (type !== 'm.room.topic') named.push(id);
    }
    return events;
  });

function coverOf(events: readonly CoveredEvent[]): ChainCover {
  const cover = new ChainCover();
  for (const event of events) cover.add(event);
  return cover;
}

function chainOf(events: readonly CoveredEvent[], id: EventId): ReadonlySet<EventId> {
  const { authEvents } = events.find((event) => event.id === id) ?? assert.fail();
  return new Set(authEvents.flatMap((auth) => [auth, ...chainOf(events, auth)]));
}

it('says of every event which others are in its auth chain', () => {
  fc.assert(
    fc.property(graph, (events) => {
      const cover = coverOf(events);
      for (const { id } of events) {
        const reach = cover.place(id)?.reach ?? assert.fail();
        const chain = chainOf(events, id);
        for (const other of events) {
          const position = cover.place(other.id)?.position;
          const isReached = position !== undefined && (reach.get(position.chain) ?? 0) >= position.seq;
          assert.equal(isReached, chain.has(other.id));
        }
      }
    }),
    { numRuns: 200 },
  );
});

it('lays out every event that can authorise in a chain, power levels in chains of which each names the one before', () => {
  fc.assert(
    fc.property(graph, (events) => {
      const cover = coverOf(events);
      for (const { id, type, authEvents } of events) {
        const position = cover.place(id)?.position;
        assert.equal(position === undefined, type === 'm.room.topic');
        if (position === undefined) continue;
        assert.equal(cover.eventAt(position), id);
        if (position.seq === 1) continue;
        const before = cover.eventAt({ ...position, seq: position.seq - 1 });
        assert.ok(authEvents.includes(before));
        const typeBefore = events.find((event) => event.id === before)?.type;
        assert.equal(typeBefore === 'm.room.power_levels', type === 'm.room.power_levels');
      }
    }),
    { numRuns: 200 },
  );
});

it('knows what an event has authorised, the latest first, of topics and the like one of each key', () => {
  const create = { type: 'm.room.create', stateKey: '', authEvents: [] };
  const topic = { type: 'm.room.topic', stateKey: '', authEvents: [asEventId('$c')] };
  const cover = coverOf([
    { id: asEventId('$c'), ...create },
    { id: asEventId('$m'), type: 'm.room.member', stateKey: '@a:x', authEvents: [asEventId('$c')] },
    { id: asEventId('$t1'), ...topic },
    { id: asEventId('$t2'), ...topic },
    {
      id: asEventId('$n'),
      type: 'm.room.member',
      stateKey: '@a:x',
      authEvents: [asEventId('$c'), asEventId('$m')],
    },
  ]);
  assert.deepEqual(
    [...cover.authorised(asEventId('$c'))].map(({ id }) => id),
    ['$n', '$t1', '$m'],
  );
  assert.deepEqual([...cover.authorised(asEventId('$t1'))], []);
  assert.deepEqual([...cover.authorised(asEventId('$unknown'))], []);
});

it('takes an event once, after those that authorise it', () => {
  const cover = new ChainCover();
  const late = {
    id: asEventId('$m'),
    type: 'm.room.member',
    stateKey: '@a:x',
    authEvents: [asEventId('$c')],
  };
  assert.throws(
    () => cover.add(late),
    (error) => error instanceof StateTreeError && error.fault === 'missing',
  );
  assert.equal(cover.place(late.id), undefined);
  cover.add({ id: asEventId('$c'), type: 'm.room.create', stateKey: '', authEvents: [] });
  cover.add(late);
  const place = cover.place(late.id);
  cover.add({ ...late, authEvents: [] });
  assert.equal(cover.place(late.id), place);
  assert.throws(() => cover.eventAt({ chain: 0, seq: 3 }), StateTreeError);
});

it('takes 50,000 joins by the same rules, which share what they reach', () => {
  const cover = coverOf([{ id: asEventId('$c'), type: 'm.room.create', stateKey: '', authEvents: [] }]);
  const joins = Array.from({ length: 50_000 }, (_, i) => asEventId(`$j${i}`));
  for (const id of joins)
    cover.add({ id, type: 'm.room.member', stateKey: id, authEvents: [asEventId('$c')] });
  assert.equal(new Set(joins.map((id) => cover.place(id)?.reach)).size, 1);
});

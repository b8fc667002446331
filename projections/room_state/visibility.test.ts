import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { asUserId } from '../../src/matrix/identifiers.ts';
import { HistoryView } from './visibility.ts';

/** Spec: client-server API, "Room History Visibility", the rules 1 to 5 and the two paragraphs after them. */
const bob = asUserId('@bob:localhost');
const message = (place: number) => ({ place, type: 'm.room.message', state_key: null });

function view(setting: string | null, ...memberships: readonly (readonly [number, string])[]): HistoryView {
  const settings = setting === null ? [] : [{ place: 1, value: setting }];
  return new HistoryView(
    bob,
    settings,
    memberships.map(([place, value]) => ({ place, value })),
  );
}

function seen(history: HistoryView): readonly number[] {
  return [2, 4, 6, 8].filter((place) => history.canSee(message(place)));
}

test('world_readable: everybody, whether ever in the room or not', () => {
  assert.deepEqual(seen(view('world_readable')), [2, 4, 6, 8]);
});

test('shared, which is also the default and what is not understood: who joins sees what was before', () => {
  for (const setting of ['shared', null, 'something else']) {
    assert.deepEqual(seen(view(setting, [5, 'join'])), [2, 4, 6, 8]);
    assert.deepEqual(seen(view(setting, [5, 'invite'])), []);
    assert.deepEqual(seen(view(setting)), []);
  }
});

test('after leaving, what was seen before stays and nothing comes after', () => {
  assert.deepEqual(seen(view('shared', [3, 'join'], [5, 'leave'])), [2, 4]);
  assert.deepEqual(seen(view('shared', [3, 'join'], [5, 'leave'], [7, 'join'])), [2, 4, 6, 8]);
});

test('invited: from the invitation on', () => {
  assert.deepEqual(seen(view('invited', [3, 'invite'], [5, 'join'])), [4, 6, 8]);
  assert.deepEqual(seen(view('invited', [3, 'invite'], [5, 'leave'])), [4]);
});

test('joined: from the join on, until the user leaves', () => {
  assert.deepEqual(seen(view('joined', [3, 'invite'], [5, 'join'], [7, 'leave'])), [6]);
});

test('the setting counts as it was when the event was sent', () => {
  const settings = [
    { place: 1, value: 'joined' },
    { place: 5, value: 'world_readable' },
  ];
  assert.deepEqual(seen(new HistoryView(bob, settings, [])), [6, 8]);
});

test('a change of the setting is seen by those whom the setting before or after lets see it', () => {
  const change = { place: 5, type: 'm.room.history_visibility', state_key: '' };
  const [open, closed] = ['world_readable', 'joined'];
  for (const [before, after] of [
    [open, closed],
    [closed, open],
  ] as const) {
    const steps = [
      { place: 1, value: before },
      { place: 5, value: after },
    ];
    assert.equal(new HistoryView(bob, steps, []).canSee(change), true);
  }
  assert.equal(view('joined').canSee(change), false);
});

test("the user's own membership is seen where it was or becomes a join, and others' are like any event", () => {
  const own = (place: number) => ({ place, type: 'm.room.member', state_key: bob });
  const history = view('joined', [3, 'invite'], [5, 'join'], [7, 'leave']);
  assert.deepEqual(
    [3, 5, 7].map((place) => history.canSee(own(place))),
    [false, true, true],
  );
  assert.equal(history.canSee({ place: 7, type: 'm.room.member', state_key: '@eve:localhost' }), true);
  assert.equal(history.canSee({ place: 8, type: 'm.room.member', state_key: '@eve:localhost' }), false);
});

test('the membership at an event is that before it, and that after it for the user’s own', () => {
  const history = view('shared', [3, 'invite'], [5, 'join']);
  assert.equal(history.membershipAt(message(2)), 'leave');
  assert.equal(history.membershipAt(message(4)), 'invite');
  assert.equal(history.membershipAt({ place: 5, type: 'm.room.member', state_key: bob }), 'join');
});

test('bounds hold all that may be seen, and nothing is seen where they are empty', () => {
  const settings = fc.constantFrom('shared', 'invited', 'joined', 'world_readable', null);
  const memberships = fc.constantFrom('join', 'leave', 'invite', 'ban', 'knock', null);
  const step = fc.tuple(fc.boolean(), settings, memberships);
  fc.assert(
    fc.property(fc.array(step, { maxLength: 8 }), (steps) => {
      const history = new HistoryView(
        bob,
        steps.flatMap(([ofSetting, value], index) => (ofSetting ? [{ place: 2 * index, value }] : [])),
        steps.flatMap(([ofSetting, , value], index) => (ofSetting ? [] : [{ place: 2 * index, value }])),
      );
      const { first, last } = history.bounds;
      const places = Array.from({ length: 20 }, (_, index) => index - 2);
      const events = places.flatMap((place) => [
        message(place),
        { place, type: 'm.room.member', state_key: bob },
        { place, type: 'm.room.history_visibility', state_key: '' },
      ]);
      const visible = events.filter((event) => history.canSee(event)).map(({ place }) => place);
      assert.ok(
        visible.every((place) => first <= place && place <= last),
        `${visible} within ${first} to ${last}`,
      );
      // And they are no wider than the stretches between changes that hold anything visible.
      if (visible.length === 0) assert.ok(first > last || last - first <= 2, `${first} to ${last}`);
    }),
    { numRuns: 2_000 },
  );
});

test('what a state event replaced is shown to who may see that event, and one’s own membership is', () => {
  const topic = (place: number) => ({ place, type: 'm.room.topic', state_key: '' });
  const member = { place: 5, type: 'm.room.member', state_key: bob };
  assert.equal(view('joined', [3, 'join']).canSeeReplaced(topic(6), 4), true);
  assert.equal(view('joined', [3, 'join']).canSeeReplaced(topic(6), 2), false);
  assert.equal(view('shared', [3, 'join']).canSeeReplaced(topic(6), 2), true);
  assert.equal(view('joined', [7, 'join']).canSeeReplaced(topic(6), 2), false);
  assert.equal(view('world_readable').canSeeReplaced(topic(6), 2), true);
  assert.equal(view('joined', [3, 'invite'], [5, 'join']).canSeeReplaced(member, 3), true);
});

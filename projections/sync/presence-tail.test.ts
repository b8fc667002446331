import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { asUserId } from '../../src/matrix/identifiers.ts';
import { PresenceTail } from './presence-tail.ts';

const alice = asUserId('@alice:test.example');

function said(node: string, state: 'online' | 'unavailable' | 'offline', until: number, text?: string) {
  const status = text === undefined ? null : Buffer.from(text);
  return {
    user_id: alice,
    node,
    state,
    active_at: 5,
    currently_active: state === 'online',
    status,
    until,
    profile: 0,
  };
}

function tail() {
  const made = new PresenceTail((_key, closed) => Buffer.from(closed).toString());
  let offset = 10;
  const take = (value: ReturnType<typeof said>, now = 0) => {
    offset += 1;
    return made.take(`presence/${alice}/${value.node}`, value, { partition: 1, offset }, now);
  };
  return { made, take };
}

describe('the presence of a user at several nodes', () => {
  it('is offline only when no node says otherwise', () => {
    const { made, take } = tail();
    assert.equal(take(said('a', 'online', 100)), true);
    assert.equal(take(said('b', 'online', 100)), false, 'nothing new to anybody');
    assert.equal(take(said('a', 'offline', 100)), false);
    assert.equal(made.of(alice, 0)?.presence, 'online');
    assert.equal(take(said('b', 'offline', 100)), true);
    assert.equal(made.of(alice, 0)?.presence, 'offline');
  });

  it('does not hold longer than a dead node said, and is taken back for it', () => {
    const { made, take } = tail();
    take(said('a', 'online', 100));
    assert.equal(made.of(alice, 99)?.presence, 'online');
    assert.deepEqual(made.lapsed(99), []);
    assert.equal(made.of(alice, 100)?.presence, 'offline');
    assert.deepEqual(
      made.lapsed(100).map(({ node }) => node),
      ['a'],
    );
    assert.equal(take(said('a', 'offline', 100), 100), true, 'those who wait hear of it');
    assert.deepEqual(made.lapsed(100), []);
  });

  it('has the newest status message, whichever node says it', () => {
    const { made, take } = tail();
    take(said('a', 'online', 100, 'at work'));
    take(said('b', 'online', 100, 'at home'));
    assert.equal(made.of(alice, 0)?.status_msg, 'at home');
    take(said('b', 'online', 100));
    assert.equal(made.of(alice, 0)?.status_msg, null);
  });

  it('shows what a node says before the log has brought it, as the newest word until it has', () => {
    const { made, take } = tail();
    const word = {
      presence: 'online',
      active_at: 7,
      currently_active: true,
      status_msg: 'mine',
      profile: 0,
    } as const;
    assert.equal(
      made.with(alice, 'a', { ...word, until: 100 }, 0).status_msg,
      'mine',
      'nothing is known yet',
    );
    take(said('a', 'unavailable', 90, 'before'));
    take(said('b', 'unavailable', 90, 'other'));
    const shown = made.with(alice, 'a', { ...word, until: 100 }, 0);
    assert.deepEqual([shown.presence, shown.status_msg], ['online', 'mine']);
    take(said('a', 'online', 100, 'mine'));
    take(said('b', 'unavailable', 110, 'later'));
    assert.equal(made.with(alice, 'a', { ...word, until: 100 }, 0).status_msg, 'later', 'its place is known');
  });

  it('is new to those whose position is before the change, until that is forgotten', () => {
    const { made, take } = tail();
    take(said('a', 'online', 100));
    take(said('a', 'online', 200));
    assert.deepEqual([...(made.changedSince([0, 11]) ?? [])], [alice]);
    assert.deepEqual([...(made.changedSince([0, 12]) ?? [])], [], 'said again is no change');
    for (let i = 0; i < 2_000; i++) {
      take(said('a', 'offline', 100));
      take(said('a', 'online', 100));
    }
    assert.equal(made.changedSince([0, 11]), undefined);
    assert.deepEqual(
      made.present(0).map(({ user_id }) => user_id),
      [alice],
    );
  });
});

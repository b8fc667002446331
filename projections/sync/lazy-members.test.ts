import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { asEventId, asRoomId, asUserId } from '../../src/matrix/identifiers.ts';
import { LazyMembers } from './lazy-members.ts';
import type { SyncEvent } from './sync-event.ts';

const ROOM = asRoomId('!room:x');

function member(user: string): SyncEvent {
  return {
    room_id: ROOM,
    event_id: asEventId(`$${user}`),
    type: 'm.room.member',
    sender: asUserId(user),
    state_key: user,
    origin_server_ts: 0,
    content: '{"membership":"join"}',
    redacts: null,
    place: 1,
    transaction: null,
  };
}

describe('lazy loading', () => {
  it('remembers what a device was sent, each device for itself', () => {
    const lazy = new LazyMembers();
    lazy.of('@u:x', 'ONE', undefined).sent(ROOM, [member('@a:x')]);
    assert.equal(lazy.of('@u:x', 'ONE', 's1').knows(ROOM, '@a:x'), true);
    assert.equal(lazy.of('@u:x', 'TWO', 's1').knows(ROOM, '@a:x'), false);
    assert.equal(lazy.of('@u:x', 'ONE', 's1').knows(asRoomId('!other:x'), '@a:x'), false);
  });

  it('takes back what was sent with an answer that did not arrive', () => {
    const lazy = new LazyMembers();
    lazy.of('@u:x', 'ONE', undefined).sent(ROOM, [member('@a:x')]);
    lazy.of('@u:x', 'ONE', 's1').sent(ROOM, [member('@b:x')]);
    const again = lazy.of('@u:x', 'ONE', 's1');
    assert.deepEqual([again.knows(ROOM, '@a:x'), again.knows(ROOM, '@b:x')], [true, false]);
  });

  it('forgets everything with a first sync', () => {
    const lazy = new LazyMembers();
    lazy.of('@u:x', 'ONE', 's1').sent(ROOM, [member('@a:x')]);
    assert.equal(lazy.of('@u:x', 'ONE', undefined).knows(ROOM, '@a:x'), false);
  });
});

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { asEventId, asRoomId, asUserId } from '../matrix/identifiers.ts';
import { eventText } from './event-text.ts';
import type { StoredEvent } from './reads/stored-event.ts';

const message: StoredEvent = {
  room_id: asRoomId('!r:test'),
  event_id: asEventId('$e'),
  type: 'm.room.message',
  sender: asUserId('@alice:test'),
  state_key: null,
  origin_server_ts: 1_000,
  content: '{ "body": "a\\u0000b", "__proto__": 1.0 }',
  redacts: null,
  place: 1,
  transaction: { device_id: 'PHONE', txn_id: 't"1' },
};

const phone = { user_id: '@alice:test', device_id: 'PHONE' };

describe('an event for a client', () => {
  it('has its content as it came, byte for byte', () => {
    assert.ok(eventText(message, phone, 2_000).includes(`"content":${message.content},`));
  });

  it('has its age, which is never negative, and the transaction for the sending device alone', () => {
    const unsigned = (viewer: typeof phone, now: number) =>
      JSON.parse(eventText(message, viewer, now)).unsigned;
    assert.deepEqual(unsigned(phone, 2_500), { age: 1_500, transaction_id: 't"1' });
    assert.deepEqual(unsigned({ ...phone, device_id: 'LAPTOP' }, 0), { age: 0 });
    assert.deepEqual(unsigned({ ...phone, user_id: '@bob:test' }, 0), { age: 0 });
  });

  it('has a state key only where it is a state event, the empty one included', () => {
    assert.equal('state_key' in JSON.parse(eventText(message, phone, 0)), false);
    assert.equal(JSON.parse(eventText({ ...message, state_key: '' }, phone, 0)).state_key, '');
  });

  it('says what a redaction redacts at the top and in its content, of either form', () => {
    for (const content of ['{}', ' {"reason":"r"}', '{"redacts":"$x","reason":"r"}']) {
      const redaction = { ...message, type: 'm.room.redaction', redacts: asEventId('$x'), content };
      const event = JSON.parse(eventText(redaction, phone, 0));
      assert.equal(event.redacts, '$x');
      assert.deepEqual(event.content, { ...JSON.parse(content), redacts: '$x' });
    }
  });

  it('has what it replaced and what redacted it', () => {
    const event = {
      ...message,
      state_key: '',
      prev_content: '{"a":1}',
      replaces_state: asEventId('$old'),
      redacted_because: { ...message, event_id: asEventId('$why') },
    };
    const { unsigned } = JSON.parse(eventText(event, phone, 0));
    assert.deepEqual([unsigned.prev_content, unsigned.replaces_state], [{ a: 1 }, '$old']);
    assert.equal(unsigned.redacted_because.event_id, '$why');
  });
});

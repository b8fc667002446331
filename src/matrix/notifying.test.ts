import assert from 'node:assert/strict';
import { it } from 'node:test';
import fc from 'fast-check';
import { asUserId } from './identifiers.ts';
import type { JsonObject, JsonValue } from './json.ts';
import { countedByDefault, isNotifying, mentionsOf, type NotifiableEvent } from './notifying.ts';
import { defaultPushRules } from './push-rule-defaults.ts';
import { evaluate } from './push-rules.ts';

const ME = asUserId('@me:one');
const OTHER = asUserId('@other:one');
const message = (content: JsonObject, type = 'm.room.message'): NotifiableEvent => ({ type, content });

it('messages, encrypted events, calls and tombstones notify', () => {
  for (const type of ['m.room.message', 'm.room.encrypted', 'm.call.invite'])
    assert.ok(isNotifying(message({}, type)));
  assert.ok(isNotifying({ type: 'm.room.tombstone', state_key: '', content: {} }));
});

it('notices, edits, memberships, reactions, state and the unheard of do not', () => {
  assert.ok(!isNotifying(message({ msgtype: 'm.notice' })));
  assert.ok(!isNotifying(message({ 'm.relates_to': { rel_type: 'm.replace' } })));
  for (const type of ['m.room.member', 'm.reaction', 'm.room.topic', 'x'])
    assert.ok(!isNotifying(message({}, type)));
  assert.ok(!isNotifying(message({}, 'm.room.tombstone')));
});

it('mentions are the user IDs in the list, each once, and the room', () => {
  const user_ids = [ME, OTHER, ME, 5, 'no ID', null];
  assert.deepEqual(mentionsOf(message({ 'm.mentions': { user_ids, room: true } })), {
    userIds: [ME, OTHER],
    room: true,
    everyone: false,
  });
  for (const odd of [null, 5, [], {}, { user_ids: ME }, { room: 'true' }, { user_ids: { 0: ME } }]) {
    assert.deepEqual(mentionsOf(message({ 'm.mentions': odd })), {
      userIds: [],
      room: false,
      everyone: false,
    });
  }
  assert.deepEqual(mentionsOf(message({})), { userIds: [], room: false, everyone: false });
});

it('mentions in notices and memberships have no effect', () => {
  const content = { 'm.mentions': { user_ids: [ME], room: true } };
  assert.deepEqual(mentionsOf(message({ ...content, msgtype: 'm.notice' })), {
    userIds: [],
    room: false,
    everyone: false,
  });
  assert.deepEqual(mentionsOf(message(content, 'm.room.member')), {
    userIds: [],
    room: false,
    everyone: false,
  });
});

it('for every event: the quick answers are those of the default rules', () => {
  const types = ['m.room.message', 'M.Room.Message', 'm.room.encrypted', 'm.room.member', 'm.room.tombstone'];
  const more = ['m.reaction', 'm.room.server_acl', 'm.call.invite', 'm.room.topic', 'x', 'M.ROOM.TOMBSTONE'];
  const mentions: fc.Arbitrary<JsonValue> = fc.oneof(
    fc.record(
      {
        user_ids: fc.oneof(fc.array(fc.constantFrom<JsonValue>(ME, OTHER, 5)), fc.constant(ME)),
        room: fc.constantFrom<JsonValue>(true, false, 'true'),
      },
      { requiredKeys: [] },
    ),
    fc.constantFrom<JsonValue>(null, 'x'),
  );
  const content: fc.Arbitrary<JsonObject> = fc.record(
    {
      msgtype: fc.constantFrom<JsonValue>('m.text', 'm.notice', 'M.Notice', 5),
      membership: fc.constantFrom('join', 'invite'),
      'm.relates_to': fc.constantFrom<JsonValue>(
        { rel_type: 'm.replace' },
        { rel_type: 'M.REPLACE' },
        {},
        'x',
      ),
      'm.mentions': mentions,
    },
    { requiredKeys: [] },
  );
  const event = fc.record(
    { type: fc.constantFrom(...types, ...more), content, state_key: fc.constantFrom('', 'x') },
    { requiredKeys: ['type', 'content'] },
  );
  const senderLevel = fc.constantFrom(49, 50);
  fc.assert(
    fc.property(event, senderLevel, fc.constantFrom(2, 3), (each, level, memberCount) => {
      const levels = {
        of: () => level,
        required: () => 0,
        notification: () => 50,
        invite: 0,
        kick: 0,
        ban: 0,
        redact: 0,
      };
      const context = { userId: ME, displayName: 'me', memberCount, levels };
      const outcome = evaluate(defaultPushRules(ME), { ...each, sender: OTHER, room_id: '!r:one' }, context);
      const { userIds, room, everyone } = mentionsOf(each);
      const mentioned = userIds.includes(ME) || (room && level >= 50) || everyone;
      assert.equal(outcome.notify, isNotifying(each) || mentioned);
      assert.equal(outcome.highlight, mentioned);
      const counted = countedByDefault(each, ME, true, level >= 50);
      assert.deepEqual(counted, { notify: outcome.notify, highlight: outcome.highlight });
    }),
    { numRuns: 3000 },
  );
});

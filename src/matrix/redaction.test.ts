import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import type { JsonObject } from './json.ts';
import { redactJson } from './redaction.ts';
import { ROOM_VERSIONS, type RoomVersion, roomVersion } from './room-versions.ts';
import { parseJson } from './strict-json.ts';

function version(id: string): RoomVersion {
  const row = roomVersion(id);
  assert.ok(row);
  return row;
}

function contentLeft(type: string, content: JsonObject, id: string): unknown {
  return redactJson({ type, content }, version(id))['content'];
}

const EVERY_KEY = {
  event_id: 1,
  type: 'm.room.message',
  room_id: 2,
  sender: 3,
  state_key: 4,
  content: { body: 'secret' },
  hashes: 5,
  signatures: 6,
  depth: 7,
  prev_events: 8,
  auth_events: 9,
  origin_server_ts: 10,
  prev_state: 11,
  origin: 12,
  membership: 13,
  redacts: 14,
  unsigned: 15,
  other: 16,
};

describe('keys of the event', () => {
  for (const { id } of ROOM_VERSIONS.slice(0, 10)) {
    it(`version ${id} keeps fifteen`, () => {
      const { redacts: _r, unsigned: _u, other: _o, ...kept } = EVERY_KEY;
      assert.deepEqual(redactJson(EVERY_KEY, version(id)), { ...kept, content: {} });
    });
  }
  for (const id of ['11', '12']) {
    it(`version ${id} keeps twelve`, () => {
      const {
        redacts: _r,
        unsigned: _u,
        other: _o,
        prev_state: _p,
        origin: _i,
        membership: _m,
        ...kept
      } = EVERY_KEY;
      assert.deepEqual(redactJson(EVERY_KEY, version(id)), { ...kept, content: {} });
    });
  }
  it('a key that is absent stays absent', () => {
    assert.deepEqual(redactJson({ type: 'x', content: {} }, version('12')), { type: 'x', content: {} });
    assert.deepEqual(redactJson({ type: 'x' }, version('12')), { type: 'x' });
  });
});

describe('keys of the content', () => {
  const power = {
    ban: 1,
    events: { a: 2 },
    events_default: 3,
    kick: 4,
    redact: 5,
    state_default: 6,
    users: { '@a:b': 7 },
    users_default: 8,
    invite: 9,
    notifications: { room: 10 },
    historical: 11,
  };
  it('power levels: version 11 keeps invite', () => {
    const { invite: _i, notifications: _n, historical: _h, ...v9 } = power;
    assert.deepEqual(contentLeft('m.room.power_levels', power, '10'), v9);
    assert.deepEqual(contentLeft('m.room.power_levels', power, '11'), { ...v9, invite: 9 });
    assert.deepEqual(contentLeft('m.room.power_levels', power, '12'), { ...v9, invite: 9 });
  });
  it('create: version 10 keeps the creator, later ones everything', () => {
    const content = { creator: '@a:b', room_version: '10', 'm.federate': false };
    assert.deepEqual(contentLeft('m.room.create', content, '10'), { creator: '@a:b' });
    assert.deepEqual(contentLeft('m.room.create', content, '11'), content);
    assert.deepEqual(contentLeft('m.room.create', content, '12'), content);
  });
  it('member: version 11 keeps what a third-party invitation signed', () => {
    const content = {
      membership: 'invite',
      join_authorised_via_users_server: '@a:b',
      displayname: 'A',
      third_party_invite: { display_name: 'a', signed: { mxid: '@a:b' } },
    };
    const v9 = { membership: 'invite', join_authorised_via_users_server: '@a:b' };
    assert.deepEqual(contentLeft('m.room.member', content, '10'), v9);
    const v11 = { ...v9, third_party_invite: { signed: { mxid: '@a:b' } } };
    assert.deepEqual(contentLeft('m.room.member', content, '11'), v11);
    const unsigned = { membership: 'invite', third_party_invite: { display_name: 'a' } };
    assert.deepEqual(contentLeft('m.room.member', unsigned, '12'), {
      membership: 'invite',
      third_party_invite: {},
    });
    const odd = { membership: 'invite', third_party_invite: 'x' };
    assert.deepEqual(contentLeft('m.room.member', odd, '12'), { membership: 'invite' });
  });
  it('join rules: version 8 keeps allow; members: version 9 keeps who vouched; aliases: kept to version 5', () => {
    const before = (id: string, other: string) => Number(id) < Number(other);
    for (const { id } of ROOM_VERSIONS) {
      const rules = { join_rule: 'restricted', allow: [{ type: 'x' }] };
      const rulesLeft = before(id, '8') ? { join_rule: 'restricted' } : rules;
      assert.deepEqual(contentLeft('m.room.join_rules', { ...rules, other: 1 }, id), rulesLeft);
      const member = { membership: 'join', join_authorised_via_users_server: '@a:b' };
      const memberLeft = before(id, '9') ? { membership: 'join' } : member;
      assert.deepEqual(contentLeft('m.room.member', { ...member, displayname: 'A' }, id), memberLeft);
      const aliases = { aliases: ['#a:b'] };
      assert.deepEqual(
        contentLeft('m.room.aliases', { ...aliases, other: 1 }, id),
        before(id, '6') ? aliases : {},
      );
    }
  });
  it('history visibility, redaction, the rest', () => {
    for (const { id } of ROOM_VERSIONS) {
      const visibility = { history_visibility: 'shared' };
      assert.deepEqual(contentLeft('m.room.history_visibility', { ...visibility, other: 1 }, id), visibility);
      assert.deepEqual(contentLeft('constructor', { a: 1 }, id), {});
    }
    const redaction = { redacts: '$a', reason: 'spam' };
    assert.deepEqual(contentLeft('m.room.redaction', redaction, '10'), {});
    assert.deepEqual(contentLeft('m.room.redaction', redaction, '11'), { redacts: '$a' });
  });
});

it('__proto__ is content: kept where all is kept, gone where it is not', () => {
  const create = parseJson(
    '{"type":"m.room.create","content":{"__proto__":{"x":1}}}',
    'integers',
  ) as JsonObject;
  assert.equal(JSON.stringify(redactJson(create, version('12'))), JSON.stringify(create));
  const member = parseJson(
    '{"type":"m.room.member","content":{"__proto__":{"membership":"join"}},"__proto__":{"depth":1}}',
    'integers',
  ) as JsonObject;
  assert.equal(JSON.stringify(redactJson(member, version('12'))), '{"type":"m.room.member","content":{}}');
});

it('redacting twice changes nothing more', () => {
  const types = [
    'm.room.member',
    'm.room.create',
    'm.room.power_levels',
    'm.room.redaction',
    'm.room.message',
  ];
  const keys = [
    'membership',
    'third_party_invite',
    'signed',
    'users',
    'invite',
    'redacts',
    'creator',
    'body',
  ];
  const content = fc.dictionary(
    fc.constantFrom(...keys),
    fc.oneof(fc.integer(), fc.dictionary(fc.constantFrom(...keys), fc.integer())),
  );
  fc.assert(
    fc.property(fc.constantFrom(...types), content, fc.constantFrom(...ROOM_VERSIONS), (type, body, row) => {
      const once = redactJson({ type, content: body, unsigned: {}, origin: 'b' }, row);
      assert.deepEqual(redactJson(once, row), once);
    }),
  );
});

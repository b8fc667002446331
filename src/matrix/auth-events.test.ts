import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { type AuthEventEntry, type AuthSelectable, authTypesFor, checkAuthEvents } from './auth-events.ts';
import { ADMIN, eventIn, MEMBER, roomIdIn, ruleIn, STRANGER } from './auth-room.fixture.ts';
import { asRoomId } from './identifiers.ts';
import type { JsonObject } from './json.ts';
import { ROOM_VERSIONS, type RoomVersion } from './room-versions.ts';

function member(version: RoomVersion, content: JsonObject, target = MEMBER) {
  return eventIn(version, 'm.room.member', ADMIN, content, { state_key: target });
}

function selected(version: RoomVersion, event: AuthSelectable): readonly string[] {
  return authTypesFor(version, event).map(([type, key]) => `${type.replace('m.room.', '')} ${key}`.trim());
}

for (const version of ROOM_VERSIONS) {
  const create = version.createInAuthEvents ? ['create'] : [];
  describe(`auth events selection, version ${version.id}`, () => {
    it('none for the create event', () => {
      assert.deepEqual(
        selected(version, eventIn(version, 'm.room.create', ADMIN, {}, { state_key: '' })),
        [],
      );
    });
    it('power levels and sender for most', () => {
      const message = eventIn(version, 'm.room.message', ADMIN, { membership: 'join' });
      assert.deepEqual(selected(version, message), [...create, 'power_levels', `member ${ADMIN}`]);
    });
    const base = [...create, 'power_levels', `member ${ADMIN}`, `member ${MEMBER}`];
    it('the target for memberships, once', () => {
      for (const membership of ['leave', 'ban', 'x']) {
        assert.deepEqual(selected(version, member(version, { membership })), base);
      }
      assert.deepEqual(selected(version, member(version, { membership: 'leave' }, ADMIN)), base.slice(0, -1));
    });
    it('the join rules for join, invite and knock', () => {
      for (const membership of ['join', 'invite', 'knock']) {
        assert.deepEqual(selected(version, member(version, { membership })), [...base, 'join_rules']);
      }
    });
    it('the third-party invitation for an invite that redeems one', () => {
      const third_party_invite = { signed: { token: 'abc' } };
      const keys = (membership: string) =>
        selected(version, member(version, { membership, third_party_invite }));
      assert.deepEqual(keys('invite'), [...base, 'join_rules', 'third_party_invite abc']);
      assert.deepEqual(keys('join'), [...base, 'join_rules']);
      for (const odd of [null, 5, {}, { signed: 5 }, { signed: { token: 5 } }]) {
        const event = member(version, { membership: 'invite', third_party_invite: odd });
        assert.deepEqual(selected(version, event), [...base, 'join_rules']);
      }
    });
    it('who vouches for a join, once', () => {
      const keys = (membership: string, user: unknown) =>
        selected(version, member(version, { membership, join_authorised_via_users_server: user as string }));
      const voucher = version.restrictedJoins ? [`member ${STRANGER}`] : [];
      assert.deepEqual(keys('join', STRANGER), [...base, 'join_rules', ...voucher]);
      assert.deepEqual(keys('invite', STRANGER), [...base, 'join_rules']);
      for (const user of [ADMIN, MEMBER, 5]) assert.deepEqual(keys('join', user), [...base, 'join_rules']);
    });
  });

  describe(`the list of auth events, version ${version.id}`, () => {
    const room_id = roomIdIn(version);
    const entry = (type: string, state_key = '', more: Partial<AuthEventEntry> = {}): AuthEventEntry => ({
      type,
      state_key,
      room_id,
      rejected: false,
      ...more,
    });
    const createEntry = version.createInAuthEvents ? [entry('m.room.create')] : [];
    const good = [...createEntry, entry('m.room.power_levels'), entry('m.room.member', ADMIN)];
    const message = eventIn(version, 'm.room.message', ADMIN, {});
    const told = (entries: readonly AuthEventEntry[], event = message): string => {
      const verdict = checkAuthEvents(version, event, entries);
      return verdict.allowed ? 'allowed' : verdict.reason;
    };
    it(`rule ${ruleIn(version, '3')}: what was selected, or less: allowed`, () => {
      assert.equal(told(good), 'allowed');
      assert.equal(told(createEntry), 'allowed');
    });
    it(`rule ${ruleIn(version, '3.1')}: a pair twice: rejected`, () => {
      assert.match(told([...good, entry('m.room.power_levels')]), /the same type and state key/);
    });
    it(`rule ${ruleIn(version, '3.2')}: what was not selected: rejected`, () => {
      for (const odd of [
        entry('m.room.member', MEMBER),
        entry('m.room.topic'),
        entry('m.room.power_levels', 'x'),
      ]) {
        assert.match(told([...good, odd]), /not one that authorises/);
      }
      const { state_key: _, ...noState } = entry('m.room.power_levels');
      assert.match(told([...createEntry, noState]), /no state event/);
    });
    it(`rule ${ruleIn(version, '3.3')}: one that was rejected: rejected`, () => {
      assert.match(
        told([...createEntry, entry('m.room.member', ADMIN, { rejected: true })]),
        /itself rejected/,
      );
    });
    it(`rule ${ruleIn(version, '3.5')}: one of another room: rejected`, () => {
      const other = entry('m.room.member', ADMIN, { room_id: asRoomId('!other:one') });
      assert.match(told([...createEntry, other]), /another room/);
    });
    if (version.createInAuthEvents) {
      it('rule 2.4: no create event: rejected', () => {
        assert.match(told(good.slice(1)), /create event is not among/);
      });
    } else {
      it('rule 3.2: the create event: rejected', () => {
        assert.match(told([entry('m.room.create'), ...good]), /not one that authorises/);
      });
    }
    it('a create event has no such rule', () => {
      const event = eventIn(version, 'm.room.create', ADMIN, {}, { state_key: '' });
      assert.equal(told([], event), 'allowed');
    });
  });
}

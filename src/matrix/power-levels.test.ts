import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { ADMIN, CREATOR, MEMBER, REMOTE, stateOf } from './auth-room.fixture.ts';
import type { JsonObject } from './json.ts';
import { powerLevels } from './power-levels.ts';
import { creatorsOf } from './room-creators.ts';
import { ROOM_VERSIONS } from './room-versions.ts';

for (const version of ROOM_VERSIONS) {
  describe(`power levels of version ${version.id}`, () => {
    const levels = (power: JsonObject | null, create: JsonObject = {}) =>
      powerLevels(version, stateOf(version, { power, create }));
    const top = version.creatorsPrivileged ? Number.POSITIVE_INFINITY : 100;

    it('without the event: the creator is above, everybody else at 0', () => {
      const { of, required, notification, ...rest } = levels(null);
      assert.deepEqual([of(CREATOR), of(ADMIN), of('@nobody:x')], [top, 0, 0]);
      assert.deepEqual([required('x', true), required('x', false), notification('room')], [50, 0, 50]);
      assert.deepEqual(rest, { invite: 0, kick: 50, ban: 50, redact: 50 });
    });
    it('with an empty event: the same defaults, and before version 12 no creator', () => {
      const { of, required, notification, ...rest } = levels({});
      assert.deepEqual([of(CREATOR), of(ADMIN)], [version.creatorsPrivileged ? top : 0, 0]);
      assert.deepEqual([required('x', true), required('x', false), notification('room')], [50, 0, 50]);
      assert.deepEqual(rest, { invite: 0, kick: 50, ban: 50, redact: 50 });
    });
    it('with everything said', () => {
      const said = levels({
        users: { [ADMIN]: 9, [MEMBER]: -1 },
        users_default: 1,
        events: { x: 2 },
        events_default: 3,
        state_default: 4,
        invite: 5,
        kick: 6,
        ban: 7,
        redact: 8,
        notifications: { room: 10 },
      });
      assert.deepEqual([said.of(ADMIN), said.of(MEMBER), said.of(REMOTE)], [9, -1, 1]);
      assert.deepEqual([said.required('x', true), said.required('x', false)], [2, 2]);
      assert.deepEqual([said.required('y', true), said.required('y', false)], [4, 3]);
      assert.deepEqual([said.invite, said.kick, said.ban, said.redact], [5, 6, 7, 8]);
      assert.deepEqual([said.notification('room'), said.notification('other')], [10, 50]);
    });
    it("names that JavaScript's objects have are nobody and nothing", () => {
      const none = levels({ users: {}, events: {}, notifications: {} });
      assert.deepEqual(
        [none.of('constructor'), none.required('toString', false), none.notification('valueOf')],
        [0, 0, 50],
      );
    });
    it('what is no level counts as not said', () => {
      const odd = levels({ users: { [ADMIN]: '9.0' }, events: 5, kick: null, ban: true, invite: 'x' });
      assert.deepEqual(
        [odd.of(ADMIN), odd.required('x', false), odd.kick, odd.ban, odd.invite],
        [0, 0, 50, 50, 0],
      );
    });
    it('texts are levels up to version 9, floats up to version 5 without what stands behind the point', () => {
      const odd = levels({
        users: { [ADMIN]: ' +09 ' },
        events: { x: '-1' },
        ban: '1',
        kick: 7.9,
        redact: -0.5,
      });
      const { powerLevelValues } = version;
      const texts = [odd.of(ADMIN), odd.required('x', false), odd.ban];
      assert.deepEqual(texts, powerLevelValues === 'integers' ? [0, 0, 50] : [9, -1, 1]);
      const floats = [odd.kick, odd.redact + 0];
      assert.deepEqual(floats, powerLevelValues === 'numbers-or-strings' ? [7, 0] : [50, 50]);
    });
    it('additional creators count from version 12 on', () => {
      const additional_creators = [REMOTE, 5, ADMIN];
      const create =
        stateOf(version, { create: { additional_creators } })('m.room.create', '') ?? assert.fail();
      const all = version.creatorsPrivileged ? [CREATOR, REMOTE, ADMIN] : [CREATOR];
      assert.deepEqual(creatorsOf(version, create), all);
      const said = levels({ users: { [REMOTE]: 1 } }, { additional_creators });
      assert.equal(said.of(REMOTE), version.creatorsPrivileged ? Number.POSITIVE_INFINITY : 1);
      assert.deepEqual(
        creatorsOf(version, { ...create, content: { additional_creators: 'x' } }).slice(1),
        [],
      );
    });
  });
}

it('version 10 takes the creator from the content, and has none where that names none', () => {
  const [version] = ROOM_VERSIONS;
  assert.ok(version);
  assert.deepEqual(creatorsOf(version, { sender: ADMIN, content: { creator: REMOTE } }), [REMOTE]);
  assert.deepEqual(creatorsOf(version, { sender: ADMIN, content: { creator: 5 } }), []);
});

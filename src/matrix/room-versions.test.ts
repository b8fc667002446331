import assert from 'node:assert/strict';
import { it } from 'node:test';
import { ROOM_VERSIONS, roomVersion, roomVersionOfCreate } from './room-versions.ts';

it('1 to 12 are known, nothing else', () => {
  assert.deepEqual(
    ROOM_VERSIONS.map((version) => version.id),
    ['1', '2', '3', '4', '5', '6', '7', '8', '9', '10', '11', '12'],
  );
  for (const version of ROOM_VERSIONS) assert.equal(roomVersion(version.id), version);
  for (const id of ['', '0', '01', '13', '12.0', '__proto__', 'org.example.1'])
    assert.equal(roomVersion(id), undefined);
});

it('each row differs from the one before it as the spec says', () => {
  const changes = ROOM_VERSIONS.slice(1).map((row, i) => {
    const before = new Map<string, unknown>(Object.entries(ROOM_VERSIONS[i] ?? {}));
    return Object.fromEntries(Object.entries(row).filter(([key, value]) => before.get(key) !== value));
  });
  assert.deepEqual(changes, [
    { id: '2', stateResolution: 'v2' },
    { id: '3', eventFormat: 'ids', eventIds: 'standard-hash', redactionsJudged: 'when-applied' },
    { id: '4', eventIds: 'url-safe-hash' },
    { id: '5', enforcesKeyValidity: true },
    {
      id: '6',
      redactionRules: 'v6',
      strictJson: true,
      aliasesRule: false,
      notificationLevelsJudged: true,
      powerLevelValues: 'integers-or-strings',
    },
    { id: '7', knocking: true },
    { id: '8', redactionRules: 'v8', restrictedJoins: true },
    { id: '9', redactionRules: 'v9' },
    { id: '10', powerLevelValues: 'integers', knockRestrictedJoins: true },
    { id: '11', redactionRules: 'v11', redactsIn: 'content', creatorIn: 'sender' },
    {
      id: '12',
      roomIds: 'create-hash',
      stateResolution: 'v2.1',
      creatorsPrivileged: true,
      createInAuthEvents: false,
    },
  ]);
});

it('a create event names its version; without one it is 1', () => {
  assert.equal(roomVersionOfCreate({ room_version: '12' })?.id, '12');
  assert.equal(roomVersionOfCreate({})?.id, '1');
  assert.equal(roomVersionOfCreate({ room_version: 12 }), undefined);
  assert.equal(roomVersionOfCreate({ room_version: null }), undefined);
});

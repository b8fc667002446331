import assert from 'node:assert/strict';
import { it } from 'node:test';
import { redactionApplies } from './applied-redactions.ts';
import { MEMBER, MODERATOR, REMOTE, STRANGER, stateOf } from './auth-room.fixture.ts';
import type { UserId } from './identifiers.ts';
import { powerLevels } from './power-levels.ts';
import { ROOM_VERSIONS } from './room-versions.ts';

for (const version of ROOM_VERSIONS) {
  it(`version ${version.id}: with the redact level, or on the sender's own server`, () => {
    const levels = powerLevels(version, stateOf(version));
    const applies = (sender: UserId, target: UserId) =>
      redactionApplies(version, { sender }, { sender: target }, levels);
    assert.equal(applies(MODERATOR, REMOTE), true);
    assert.equal(applies(MEMBER, STRANGER), true);
    assert.equal(applies(REMOTE, REMOTE), true);
    // Versions 1 and 2 would not have accepted it, so what was accepted applies.
    assert.equal(applies(MEMBER, REMOTE), Number(version.id) <= 2);
  });
}

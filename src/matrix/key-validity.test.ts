import assert from 'node:assert/strict';
import { it } from 'node:test';
import { keyCounts, LONGEST_KEY_TRUST } from './key-validity.ts';
import { ROOM_VERSIONS } from './room-versions.ts';

const NOW = 1_700_000_000_000;

for (const version of ROOM_VERSIONS) {
  const isEnforced = Number(version.id) >= 5;
  it(`version ${version.id}: a key counts while it is valid${isEnforced ? '' : ', and after'}`, () => {
    const counts = (validUntil: number, eventAt: number) =>
      keyCounts(version, { validUntil, eventAt, now: NOW });
    assert.equal(counts(NOW, NOW), true);
    assert.equal(counts(NOW, NOW + 1), !isEnforced);
    assert.equal(counts(NOW - 1, NOW - 2), true);
  });
  it(`version ${version.id}: nobody is trusted more than a week ahead`, () => {
    const counts = (eventAt: number) => keyCounts(version, { validUntil: NOW * 2, eventAt, now: NOW });
    assert.equal(counts(NOW + LONGEST_KEY_TRUST), true);
    assert.equal(counts(NOW + LONGEST_KEY_TRUST + 1), !isEnforced);
  });
}

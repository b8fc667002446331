import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { TopicName } from '../../src/log/topics.ts';
import { digestFromBytes } from './digest.ts';
import { gateFault, type PlacedCheckpoint } from './rebuild-switch.ts';

/** A checkpoint after so many records, the last at `offset - 1`. */
function read(topic: TopicName, offset: number, records: number, digest = records): PlacedCheckpoint {
  const bytes = Buffer.alloc(32, digest);
  const checkpoint = {
    position: { offset, epoch: 1 },
    records,
    digest: digestFromBytes(bytes),
    lastAt: 0,
  };
  return { topic, partition: 0, checkpoint };
}

test('of a topic that is kept for good, the same records must have been read', () => {
  const old = [read('rooms', 10, 9)];
  assert.equal(gateFault(old, [read('rooms', 10, 9)]), undefined);
  assert.match(gateFault(old, [read('rooms', 10, 8)]) ?? '', /8 records, not 9/);
  assert.match(gateFault(old, [read('rooms', 10, 9, 1)]) ?? '', /another digest/);
});

test('of a compacted topic, fewer records may have been read, but neither more nor to another place', () => {
  for (const topic of ['user_values', 'to_device', 'ephemeral'] as const) {
    const old = [read(topic, 10, 9)];
    assert.equal(gateFault(old, [read(topic, 10, 4)]), undefined);
    assert.match(gateFault(old, [read(topic, 10, 10)]) ?? '', /10 records, at most 9/);
    assert.match(gateFault(old, [read(topic, 9, 4)]) ?? '', /built to 9/);
  }
});

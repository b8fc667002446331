import assert from 'node:assert/strict';
import { test } from 'node:test';
import { judgeCopies, type TopicCopies } from './durability.ts';
import { topicSettings, usualCompaction } from './topic-settings.ts';

const topic = (name: string, replicas: number, minInSync: number): TopicCopies => ({
  name,
  replicas,
  minInSync,
});

test('three replicas of which two must have a record are neither refused nor warned of', () => {
  assert.deepEqual(judgeCopies([topic('rooms', 3, 2), topic('users', 5, 3)], 5), {});
  // Also while a broker is down: the topics are as they should be.
  assert.deepEqual(judgeCopies([topic('rooms', 3, 2)], 2), {});
});

test('a topic whose acknowledgement is one copy is refused where there are three brokers, and named', () => {
  const { refusal } = judgeCopies([topic('rooms', 3, 2), topic('users', 3, 1)], 3);
  assert.match(refusal ?? '', /users with replication factor 3 and min\.insync\.replicas=1/);
  assert.match(refusal ?? '', /kafka-configs/);
  assert.match(judgeCopies([topic('a', 1, 1), topic('b', 1, 1)], 4).refusal ?? '', /a \(and 1 more\)/);
});

test('one or two brokers are legal, and the operator is told what that means', () => {
  for (const brokers of [1, 2]) {
    const { refusal, warning } = judgeCopies([topic('rooms', brokers, 1)], brokers);
    assert.equal(refusal, undefined);
    assert.match(warning ?? '', /THE LOG DOES NOT OUTLIVE A BROKER.*rooms.*min\.insync\.replicas=1/);
  }
});

test('two replicas that must both have a record are warned of on three brokers', () => {
  const verdict = judgeCopies([topic('rooms', 2, 2)], 3);
  assert.equal(verdict.refusal, undefined);
  assert.match(verdict.warning ?? '', /replication factor 2/);
});

test('topics that are made with three replicas are never refused', () => {
  const made = topicSettings('rooms', 3, usualCompaction);
  assert.deepEqual(judgeCopies([topic('rooms', 3, Number(made['min.insync.replicas']))], 3), {});
});

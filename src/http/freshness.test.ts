import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { isMilenaError } from '../errors/milena-error.ts';
import { slotOf } from '../log/slot.ts';
import { Freshness } from './freshness.ts';
import type { ReadGate } from './reads/read-gate.ts';

const SLOTS = 8;

function recorded() {
  const asked: unknown[][] = [];
  const gate: ReadGate = {
    reached: async (topic, partition, offset) => {
      asked.push([topic, partition, offset]);
      return true;
    },
    caughtUp: async (topic, partition) => {
      asked.push([topic, partition, 'end']);
      return true;
    },
  };
  return { asked, freshness: new Freshness(gate, SLOTS) };
}

describe('a read', () => {
  it('waits for what this node wrote to the same partition, and for nothing else', async () => {
    const { asked, freshness } = recorded();
    const slot = slotOf('!room', SLOTS);
    freshness.wrote({ topic: 'rooms', partition: slot, offset: 7 });
    freshness.wrote({ topic: 'rooms', partition: slot, offset: 5 });
    freshness.wrote({ topic: 'users', partition: slot, offset: 9 });
    await freshness.room('!room');
    assert.deepEqual(asked, [['rooms', slot, 7]]);
    await freshness.resource('#alias');
    assert.equal(asked.length, 1);
  });

  it('of everything waits for every partition written to', async () => {
    const { asked, freshness } = recorded();
    freshness.wrote({ topic: 'rooms', partition: 1, offset: 7 });
    freshness.wrote({ topic: 'user_values', partition: 3, offset: 0 });
    await freshness.all();
    assert.deepEqual(asked, [
      ['rooms', 1, 7],
      ['user_values', 3, 0],
    ]);
  });

  it('that finds nothing asks once more when the model has caught up', async () => {
    const { asked, freshness } = recorded();
    const answers = [undefined, 'found'];
    assert.equal(await freshness.orLater('server', '#alias', async () => answers.shift()), 'found');
    assert.deepEqual(asked, [['server', slotOf('#alias', SLOTS), 'end']]);
  });

  it('that finds nothing while the model is behind does not say that there is nothing', async () => {
    const gate: ReadGate = { reached: async () => true, caughtUp: async () => false };
    const freshness = new Freshness(gate, SLOTS);
    const unavailable = (error: unknown) => isMilenaError(error, 'UNAVAILABLE');
    await assert.rejects(
      freshness.orLater('server', '#alias', async () => undefined),
      unavailable,
    );
    const answers = [undefined, 'found'];
    assert.equal(await freshness.orLater('server', '#alias', async () => answers.shift()), 'found');
  });

  it('that finds something asks nobody', async () => {
    const { asked, freshness } = recorded();
    assert.equal(await freshness.orLater('server', '#alias', async () => 1), 1);
    assert.deepEqual(asked, []);
  });
});

import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { asServerName } from './identifiers.ts';
import { nodeSigner } from './node-signing.ts';
import { sodiumSigner } from './sodium-signing.ts';

const SERVER = asServerName('test.example');
const seeds = fc.uint8Array({ minLength: 32, maxLength: 32 });

test('Node and libsodium make the same keys and the same signatures', async () => {
  await fc.assert(
    fc.asyncProperty(seeds, fc.uint8Array({ maxLength: 2_000 }), async (seed, message) => {
      const node = nodeSigner(SERVER, '1', seed);
      const sodium = await sodiumSigner(SERVER, '1', seed);
      assert.equal(node.publicKey, sodium.publicKey);
      assert.equal(node.keyId, sodium.keyId);
      assert.equal(node.sign(message), sodium.sign(message));
    }),
    { numRuns: 30 },
  );
});

test('a seed of another length is refused', () => {
  assert.throws(() => nodeSigner(SERVER, '1', Buffer.alloc(31)), RangeError);
});

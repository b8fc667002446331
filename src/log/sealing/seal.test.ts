import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { describe, test } from 'node:test';
import { isMilenaError } from '../../errors/milena-error.ts';
import { Block, blockKey } from './block.ts';
import { leafKey, leavesPerBlock } from './key-tree.ts';
import { masterKey } from './master-key.ts';
import { closeBox, openBox } from './seal.ts';

const key = randomBytes(32);
const plain = Buffer.from('{"body":"hello"}');

function refused(work: () => unknown): void {
  assert.throws(work, (error) => isMilenaError(error, 'BAD_RECORD'));
}

describe('sealing', () => {
  test('a box opens with its key and for its record only, and not when altered', () => {
    const box = closeBox(key, '!room', plain);
    assert.deepEqual(openBox(key, '!room', box), plain);
    assert.equal(box.box.length, plain.length + 16);
    refused(() => openBox(randomBytes(32), '!room', box));
    refused(() => openBox(key, '!other', box));
    refused(() => openBox(key, '!room', { ...box, nonce: randomBytes(12) }));
    for (let byte = 0; byte < box.box.length; byte++) {
      const altered = Uint8Array.from(box.box);
      altered[byte] = (altered[byte] ?? 0) ^ 1;
      refused(() => openBox(key, '!room', { ...box, box: altered }));
    }
    refused(() => openBox(key, '!room', { ...box, box: box.box.subarray(0, 15) }));
  });

  test('a box made elsewhere opens: the format is for good', () => {
    const box = {
      nonce: Buffer.from('000102030405060708090a0b', 'hex'),
      box: Buffer.from('c084f74944872443dc0282a84c06eade0e758ac49b82f30ac99a34abf7b906be', 'hex'),
    };
    assert.equal(openBox(Buffer.alloc(32, 1), '!room', box).toString(), '{"body":"hello"}');
  });

  test('no two nonces are the same', () => {
    const nonces = Array.from({ length: 2_000 }, () =>
      Buffer.from(closeBox(key, '', plain).nonce).toString('hex'),
    );
    assert.equal(new Set(nonces).size, nonces.length);
  });

  test('a block gives each content a leaf of its own, and says when it is full', () => {
    const block = new Block();
    for (let leaf = 0; leaf < leavesPerBlock; leaf++) {
      assert.equal(block.left, leavesPerBlock - leaf);
      const sealed = block.seal('!room', `text ${leaf}`);
      assert.deepEqual([sealed.block, sealed.leaf], [block.name, leaf]);
      const opening = leafKey([block.root], leaf) ?? key;
      assert.equal(openBox(opening, '!room', sealed).toString(), `text ${leaf}`);
    }
    assert.equal(block.left, 0);
    assert.throws(() => block.seal('!room', 'one too many'), RangeError);
    assert.match(block.name, /^[A-Za-z0-9_-]{12}$/);
    assert.equal(blockKey('rooms', 3, block.name), `rooms/3/${block.name}`);
  });

  test('wrapped keys come back under the same master key and record key only', () => {
    const master = masterKey(key);
    const nodes = [
      { depth: 0, index: 0, key: randomBytes(32) },
      { depth: 10, index: 1_023, key: randomBytes(32) },
    ];
    const record = master.wrap('rooms/1/block', nodes);
    assert.deepEqual(master.unwrap('rooms/1/block', record), nodes);
    assert.equal(record.master, master.id);
    assert.match(master.id, /^[0-9a-f]{16}$/);
    refused(() => master.unwrap('rooms/1/other', record));
    refused(() => masterKey(randomBytes(32)).unwrap('rooms/1/block', record));
    const [first, second] = record.nodes;
    assert.ok(first && second);
    const swapped = { ...record, nodes: [{ ...first, depth: second.depth, index: second.index }] };
    refused(() => master.unwrap('rooms/1/block', swapped));
    assert.throws(
      () => masterKey(randomBytes(16)),
      (error) => isMilenaError(error, 'BAD_CONFIG'),
    );
  });
});

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { specVectors } from './spec-vectors.fixture.ts';
import { fromBase64, fromUrlSafeBase64, toUnpaddedBase64, toUrlSafeBase64 } from './unpadded-base64.ts';

const utf8 = (text: string) => new TextEncoder().encode(text);

describe('the examples of the spec', () => {
  const examples = {
    '': '',
    f: 'Zg',
    fo: 'Zm8',
    foo: 'Zm9v',
    foob: 'Zm9vYg',
    fooba: 'Zm9vYmE',
    foobar: 'Zm9vYmFy',
  };
  for (const [plain, encoded] of Object.entries(examples)) {
    it(`"${plain}"`, () => {
      assert.equal(toUnpaddedBase64(utf8(plain)), encoded);
      assert.deepEqual(Buffer.from(fromBase64(encoded) ?? 'none'), Buffer.from(plain));
    });
  }
});

const vectors = specVectors('vectors/spec/unpadded-base64.json');
it('the vectors of the spec folder', { skip: vectors.skip }, () => {
  const { cases } = vectors.json<{ cases: readonly { plain: string; unpadded_base64: string }[] }>();
  assert.equal(cases.length, 7);
  for (const { plain, unpadded_base64 } of cases)
    assert.equal(toUnpaddedBase64(utf8(plain)), unpadded_base64);
});

it('both alphabets, padded or not', () => {
  const bytes = Uint8Array.of(0xfb, 0xff, 0xfe, 0xff);
  assert.equal(toUnpaddedBase64(bytes), '+//+/w');
  assert.equal(toUrlSafeBase64(bytes), '-__-_w');
  for (const text of ['+//+/w', '+//+/w==']) assert.deepEqual(new Uint8Array(fromBase64(text) ?? []), bytes);
  assert.deepEqual(new Uint8Array(fromUrlSafeBase64('-__-_w') ?? []), bytes);
});

it('what is no base64 is refused', () => {
  for (const bad of ['a', 'aaaaa', 'a b', 'ab=c', '-_', 'Zg=', 'Zg===', '====', 'Zm9v=', 'ü', 'Zg\n']) {
    assert.equal(fromBase64(bad), undefined, bad);
  }
  assert.equal(fromUrlSafeBase64('+/'), undefined);
});

it('comes back as it was', () => {
  fc.assert(
    fc.property(fc.uint8Array(), (bytes) => {
      assert.deepEqual(new Uint8Array(fromBase64(toUnpaddedBase64(bytes)) ?? []), new Uint8Array(bytes));
      assert.deepEqual(
        new Uint8Array(fromUrlSafeBase64(toUrlSafeBase64(bytes)) ?? []),
        new Uint8Array(bytes),
      );
    }),
  );
});

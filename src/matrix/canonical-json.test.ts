import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { byCodePoint, CanonicalJsonError, canonicalJson } from './canonical-json.ts';
import type { JsonValue } from './json.ts';
import { specVectors } from './spec-vectors.fixture.ts';
import { parseJson } from './strict-json.ts';

/** Spec: appendices, "Canonical JSON", "Examples". */
const SPEC_EXAMPLES: readonly (readonly [input: string, canonical: string])[] = [
  ['{}', '{}'],
  ['{ "one": 1, "two": "Two" }', '{"one":1,"two":"Two"}'],
  ['{ "b": "2", "a": "1" }', '{"a":"1","b":"2"}'],
  ['{"b":"2","a":"1"}', '{"a":"1","b":"2"}'],
  [
    `{"auth": {"success": true, "mxid": "@john.doe:example.com", "profile": {"display_name": "John Doe",
      "three_pids": [{"medium": "email", "address": "john.doe@example.org"},
      {"medium": "msisdn", "address": "123456789"}]}}}`,
    '{"auth":{"mxid":"@john.doe:example.com","profile":{"display_name":"John Doe","three_pids":[{"address":"john.doe@example.org","medium":"email"},{"address":"123456789","medium":"msisdn"}]},"success":true}}',
  ],
  ['{"a": "日本語"}', '{"a":"日本語"}'],
  ['{"本": 2, "日": 1}', '{"日":1,"本":2}'],
  ['{"a": "\\u65E5"}', '{"a":"日"}'],
  ['{"a": null}', '{"a":null}'],
  ['{"a": -0, "b": 1e10}', '{"a":0,"b":10000000000}'],
];

describe('the examples of the spec', () => {
  for (const [input, canonical] of SPEC_EXAMPLES) {
    it(canonical, () => assert.equal(canonicalJson(parseJson(input, 'any')), canonical));
  }
});

interface CanonicalVectors {
  readonly cases: readonly { readonly input_text: string; readonly canonical: string }[];
}
const vectors = specVectors('vectors/spec/canonical-json.json');
it('the vectors of the spec folder', { skip: vectors.skip }, () => {
  const { cases } = vectors.json<CanonicalVectors>();
  assert.equal(cases.length, 10);
  for (const { input_text, canonical } of cases) {
    assert.equal(canonicalJson(parseJson(input_text, 'any')), canonical);
  }
});

describe('keys', () => {
  it('stand by code point, not by UTF-16 unit', () => {
    const text = canonicalJson({ '😀': 1, ﬁ: 2, a: 3, '😀b': 4, ä: 5, '\uffff': 6 });
    assert.equal(text, '{"a":3,"ä":5,"ﬁ":2,"\uffff":6,"😀":1,"😀b":4}');
  });
  it('that look like numbers stand as text', () => {
    assert.equal(canonicalJson({ 9: 1, 10: 2, 1: 3 }), '{"1":3,"10":2,"9":1}');
  });
  it('may be __proto__ and stay', () => {
    const text = '{"__proto__":{"b":1},"a":{"__proto__":null}}';
    assert.equal(canonicalJson(parseJson(text, 'integers')), text);
  });
  it('a prefix comes first', () =>
    assert.equal(canonicalJson({ ab: 1, '': 2, a: 3 }), '{"":2,"a":3,"ab":1}'));
});

describe('strings', () => {
  it('have the escapes of the grammar and no others', () => {
    assert.equal(
      canonicalJson('\b\t\n\f\r"\\/\u0000\u000b\u001f\u007f\u2028é'),
      '"\\b\\t\\n\\f\\r\\"\\\\/\\u0000\\u000b\\u001f\u007f\u2028é"',
    );
  });
  it('with half a surrogate pair are refused, as keys too', () => {
    for (const bad of ['\ud800', ['a\udc00'], { '\ud800': 1 }]) {
      assert.throws(() => canonicalJson(bad), CanonicalJsonError);
    }
  });
});

it('what canonical JSON cannot write is refused', () => {
  // The cast: what the types forbid, to see it refused at run time too.
  const bad = [
    0.5,
    2 ** 53,
    -(2 ** 53),
    Number.NaN,
    Infinity,
    { a: 1.5 },
    undefined,
    { a: undefined },
    1n,
    [undefined],
  ];
  for (const value of bad) assert.throws(() => canonicalJson(value as JsonValue), CanonicalJsonError);
  assert.equal(
    canonicalJson([2 ** 53 - 1, -(2 ** 53) + 1, -0, true, false]),
    '[9007199254740991,-9007199254740991,0,true,false]',
  );
});

describe('for every value', () => {
  const json = fc.letrec<{ value: JsonValue }>((tie) => ({
    value: fc.oneof(
      { maxDepth: 4 },
      fc.constantFrom(null, true, false),
      fc.maxSafeInteger().map((n) => n + 0),
      fc.string({ unit: 'binary' }),
      fc.array(tie('value'), { maxLength: 5 }),
      fc.dictionary(fc.oneof(fc.string({ unit: 'binary' }), fc.constant('__proto__')), tie('value'), {
        maxKeys: 6,
      }),
    ),
  })).value;

  it('the canonical text is read strictly, is equal, and is its own canonical text', () => {
    fc.assert(
      fc.property(json, (value) => {
        const text = canonicalJson(value);
        const again = parseJson(text, 'integers');
        assert.deepEqual(again, JSON.parse(JSON.stringify(value)));
        assert.equal(canonicalJson(again), text);
        assert.equal(text.length, JSON.stringify(value).length);
      }),
    );
  });
  it('keys are in the order of their UTF-8, which is that of their code points', () => {
    const keys = fc.uniqueArray(fc.string({ unit: 'binary' }), { maxLength: 8 });
    fc.assert(
      fc.property(keys, (list) => {
        const byBytes = [...list].sort((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)));
        assert.deepEqual([...list].sort(byCodePoint), byBytes);
        const text = canonicalJson(Object.fromEntries(list.map((key) => [key, 0])));
        assert.equal(text, `{${byBytes.map((key) => `${JSON.stringify(key)}:0`).join(',')}}`);
      }),
    );
  });
});

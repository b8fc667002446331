import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { isJsonObject } from './json.ts';
import type { JsonNumbers, StrictJsonReason } from './strict-json.ts';
import { MAX_JSON_DEPTH, parseJson, parseJsonBytes, StrictJsonError } from './strict-json.ts';

function refused(
  text: string,
  numbers: JsonNumbers,
): { reason: StrictJsonReason; position: number } | 'read' {
  try {
    parseJson(text, numbers);
    return 'read';
  } catch (error) {
    assert.ok(error instanceof StrictJsonError, String(error));
    return { reason: error.reason, position: error.position };
  }
}

function reasonOf(text: string, numbers: JsonNumbers): StrictJsonReason | 'read' {
  const outcome = refused(text, numbers);
  return outcome === 'read' ? 'read' : outcome.reason;
}

describe('integers', () => {
  for (const text of [
    '0',
    '1',
    '-1',
    '9007199254740991',
    '-9007199254740991',
    '[1,{"a":20}]',
    '123456789012345',
  ]) {
    it(`reads ${text}`, () => assert.deepEqual(parseJson(text, 'integers'), JSON.parse(text)));
  }
  for (const text of ['1.0', '1e3', '1E3', '-0', '0.5', '-1.5', '1e-2', '-0.0', '[1,-0]', '{"a":1.0}']) {
    it(`refuses ${text}`, () => assert.equal(reasonOf(text, 'integers'), 'not_integer'));
  }
  for (const text of ['9007199254740992', '-9007199254740992', '9007199254740993', '1'.repeat(400)]) {
    it(`refuses ${text.slice(0, 20)} as out of range`, () => {
      assert.equal(reasonOf(text, 'integers'), 'out_of_range');
    });
  }
  it('digits inside strings and keys are no numbers', () => {
    assert.deepEqual(parseJson('{"1.0":"-0 1e3 99999999999999999999"}', 'integers'), {
      '1.0': '-0 1e3 99999999999999999999',
    });
  });
  it('the position is that of the number', () => {
    assert.deepEqual(refused('{"a": 1, "b": -0}', 'integers'), { reason: 'not_integer', position: 14 });
  });
});

describe('any numbers', () => {
  for (const text of ['1.0', '1e3', '-0', '0.5', '9007199254740993', '1e308']) {
    it(`reads ${text}`, () => assert.equal(parseJson(text, 'any'), JSON.parse(text)));
  }
  it('refuses what a double cannot hold', () => assert.equal(reasonOf('[1e400]', 'any'), 'out_of_range'));
});

for (const numbers of ['integers', 'any'] as const) {
  describe(`keys, ${numbers}`, () => {
    const repeated: [string, number][] = [
      ['{"a":1,"a":1}', 7],
      ['{"a":1,"\\u0061":2}', 7],
      ['[{"b":{"x":[],"y":{},"x":1}}]', 21],
      ['{"__proto__":1,"__proto__":2}', 15],
      ['{"a":"\\"","b":2,"a":3}', 16],
    ];
    for (const [text, position] of repeated) {
      it(`refuses ${text}`, () => {
        assert.deepEqual(refused(text, numbers), { reason: 'duplicate_key', position });
      });
    }
    it('the same key in different objects is no repetition', () => {
      assert.equal(reasonOf('{"a":{"a":1},"b":[{"a":1},{"a":2}],"c":":"}', numbers), 'read');
    });
    it('__proto__ is content and changes no prototype', () => {
      const value = parseJson('{"__proto__":{"admin":true},"constructor":1}', numbers);
      assert.ok(isJsonObject(value));
      assert.ok(Object.hasOwn(value, '__proto__'));
      assert.equal(Object.getPrototypeOf(value), Object.prototype);
      assert.equal(value['admin'], undefined);
      assert.equal(JSON.stringify(value), '{"__proto__":{"admin":true},"constructor":1}');
    });
  });

  describe(`texts, ${numbers}`, () => {
    const broken = [
      '',
      ' ',
      '{',
      '[1,]',
      '{"a"}',
      "{'a':1}",
      'nul',
      '01',
      '1.',
      '-',
      '+1',
      '"\t"',
      '"a',
      '"\\',
      '[1 2]',
    ];
    for (const text of [
      ...broken,
      '\ufeff{}',
      '{"a":1,}',
      '1 1',
      '"\\x"',
      'NaN',
      '{1:1}',
      '"\\u12"',
      '":"":',
    ]) {
      it(`refuses ${JSON.stringify(text)}`, () => assert.equal(reasonOf(text, numbers), 'not_json'));
    }
    it('tells where, as far as the parser does', () => {
      assert.deepEqual(refused('{"a":1 2}', numbers), { reason: 'not_json', position: 7 });
      assert.deepEqual(refused('{"a":', numbers), { reason: 'not_json', position: 5 });
    });
    it('refuses half a surrogate pair, escaped or raw, and reads whole ones', () => {
      const escaped = ['"\\ud800"', '"\\uDC00"', '"\\udbff"', '"\\udfff"', '"\\udc00\\ud800"'];
      const unpaired = ['"\\ud800x"', '"\\ud800\\u0041"', '"\\ud800\\ndc00"', '"\\ud800udc00"'];
      const halves = [...escaped, ...unpaired, '"\ud800"', '"\udfff"', '"\udc00\ud800"'];
      for (const text of halves) assert.equal(reasonOf(text, numbers), 'lone_surrogate', text);
      assert.equal(parseJson('"\\ud83d\\ude00 😀 \\\\ud800 \\n"', numbers), '😀 😀 \\ud800 \n');
      assert.equal(parseJson('"\\udbff\\udfff\\ud800\\udc00"', numbers), '\u{10ffff}\u{10000}');
      assert.deepEqual(refused('["", "\\n\\ud800"]', numbers), { reason: 'lone_surrogate', position: 8 });
      assert.deepEqual(refused('["\ud83d\ude00\ud800"]', numbers), { reason: 'lone_surrogate', position: 4 });
    });
    it('has a bounded depth, and brackets in strings are not depth', () => {
      const deep = (n: number) => '['.repeat(n) + ']'.repeat(n);
      assert.equal(reasonOf(deep(MAX_JSON_DEPTH), numbers), 'read');
      assert.deepEqual(refused(deep(MAX_JSON_DEPTH + 1), numbers), {
        reason: 'too_deep',
        position: MAX_JSON_DEPTH,
      });
      assert.equal(reasonOf('{"a":'.repeat(600), numbers), 'too_deep');
      assert.equal(reasonOf(JSON.stringify('['.repeat(600)), numbers), 'read');
      assert.equal(reasonOf(`[${'[],'.repeat(600)}{}]`, numbers), 'read');
      const closed = '[[],'.repeat(MAX_JSON_DEPTH - 1);
      assert.deepEqual(refused(`${closed}[[`, numbers), { reason: 'too_deep', position: closed.length + 1 });
    });
  });
}

it('the error says what and where', () => {
  const told = /^StrictJsonError: JSON refused at position 3: out of range$/;
  assert.throws(
    () => parseJson('[1,9007199254740992]', 'integers'),
    (error) => told.test(String(error)),
  );
  const bytes = Buffer.from([0x22, 0xff]);
  assert.throws(() => parseJsonBytes(bytes, 'any'), { name: 'StrictJsonError', position: 0 });
});

describe('bytes', () => {
  it('are read as UTF-8', () => assert.equal(parseJsonBytes(Buffer.from('"ü😀"'), 'integers'), 'ü😀'));
  for (const bytes of [
    [0x22, 0xff, 0x22],
    [0x22, 0xed, 0xa0, 0x80, 0x22],
    [0xef, 0xbb, 0xbf, 0x7b, 0x7d],
  ]) {
    it(`refuses ${Buffer.from(bytes).toString('hex')}`, () => {
      assert.throws(() => parseJsonBytes(Uint8Array.from(bytes), 'any'), { reason: 'not_json' });
    });
  }
});

describe('for every value', () => {
  const json = fc.jsonValue({ maxDepth: 5, noUnicodeString: false });
  it('what JSON.stringify wrote is read as JSON.parse reads it', () => {
    fc.assert(
      fc.property(json, fc.constantFrom(undefined, 2), (value, indent) => {
        const text = JSON.stringify(value, undefined, indent);
        assert.deepEqual(parseJson(text, 'any'), JSON.parse(text));
      }),
    );
  });
  it('an object with a member repeated is refused, however the key is written', () => {
    fc.assert(
      fc.property(
        fc.string(),
        fc.dictionary(fc.string(), json),
        json,
        fc.boolean(),
        (key, rest, value, escaped) => {
          const members = Object.entries({ ...rest, [key]: value }).map(
            ([k, v]) => `${JSON.stringify(k)}:${JSON.stringify(v)}`,
          );
          const units = [...key.split('')].map((c) => `\\u${c.charCodeAt(0).toString(16).padStart(4, '0')}`);
          const again = escaped ? `"${units.join('')}"` : JSON.stringify(key);
          assert.equal(reasonOf(`{${members.join(',')},${again}:0}`, 'any'), 'duplicate_key');
        },
      ),
    );
  });
  it('any text at all is read or refused with a reason', () => {
    const pieces = [
      '{',
      '}',
      '[',
      ']',
      ':',
      ',',
      '"',
      '\\',
      'u',
      'd800',
      '1',
      '-',
      '.',
      'e',
      ' ',
      'true',
      'a',
    ];
    fc.assert(
      fc.property(fc.array(fc.constantFrom(...pieces), { maxLength: 30 }), (parts) => {
        const text = parts.join('');
        const outcome = reasonOf(text, 'integers');
        let isJson = true;
        try {
          JSON.parse(text);
        } catch {
          isJson = false;
        }
        assert.equal(outcome === 'not_json', !isJson, `${text}: ${outcome}`);
      }),
      { numRuns: 2000 },
    );
  });
});

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { containsWords, globMatches, globMatchesWords } from './glob.ts';

describe('a glob over a whole value', () => {
  it("matches as the spec's example says", () => {
    assert.ok(globMatches('lunc?*', 'Lunch plans'));
    assert.ok(globMatches('lunc?*', 'LUNCH'));
    assert.ok(!globMatches('lunc?*', ' lunch'));
    assert.ok(!globMatches('lunc?*', 'lunc'));
  });
  it('without * and ? is the value, in either case', () => {
    assert.ok(globMatches('m.Notice', 'M.notice'));
    assert.ok(!globMatches('m.notice', 'm_notice'));
    assert.ok(!globMatches('m.notice', 'm.notices'));
    assert.ok(globMatches('', ''));
    assert.ok(!globMatches('', 'x'));
  });
  it('? is one character, also one of two units', () => {
    assert.ok(globMatches('a?c', 'a😀c'));
    assert.ok(!globMatches('a??c', 'a😀c'));
    assert.ok(!globMatches('?', ''));
  });
  it('* is nothing or anything, lines included', () => {
    for (const text of ['', 'x', 'a\nb']) assert.ok(globMatches('*', text));
    assert.ok(globMatches('a*b*c', 'a\nbxbc'));
    assert.ok(!globMatches('a*b*c', 'acb'));
  });
  it('other signs mean themselves', () => {
    assert.ok(globMatches('[a](b)*.+^$', '[A](b)x.+^$'));
    assert.ok(!globMatches('[a]*', 'a'));
  });
  it('takes no longer for a pattern that is made to', () => {
    const started = process.cpuUsage();
    assert.ok(!globMatches(`${'*a'.repeat(30)}*b`, 'a'.repeat(3000)));
    assert.ok(!globMatchesWords(`${'a*'.repeat(30)}b`, 'a '.repeat(3000)));
    assert.ok(process.cpuUsage(started).user < 2_000_000);
  });
});

describe('a glob at words', () => {
  it("matches as the spec's example says", () => {
    assert.ok(globMatchesWords('ex*ple', 'An example event.'));
    assert.ok(globMatchesWords('ex*ple', 'exple'));
    assert.ok(globMatchesWords('ex*ple', 'An exciting triple-whammy'));
  });
  it('starts and ends at a boundary', () => {
    for (const text of ['cake', 'a CAKE!', '(cake)', 'äcakeä', 'my-cake-is'])
      assert.ok(globMatchesWords('cake', text), text);
    for (const text of ['', 'cakes', 'pancake', 'cake_', '1cake', 'c ake'])
      assert.ok(!globMatchesWords('cake', text), text);
    assert.ok(globMatchesWords('cake', 'cakes and cake'));
  });
  it('may start and end with what is no letter', () => assert.ok(globMatchesWords('@room', 'hey @room')));
});

describe('words themselves', () => {
  it('have no wildcards', () => {
    assert.ok(containsWords('A*b', 'hello a*B!'));
    assert.ok(!containsWords('a*b', 'axb'));
    assert.ok(!containsWords('?', 'x'));
  });
  it('must be some', () => assert.ok(!containsWords('', 'anything')));
});

it('agrees with a regular expression, for every small pattern and text', () => {
  const text = fc.string({ unit: fc.constantFrom('a', 'b', 'A', ' ', '_'), maxLength: 10 });
  const pattern = fc.string({ unit: fc.constantFrom('a', 'b', '*', '?', ' '), minLength: 1, maxLength: 6 });
  fc.assert(
    fc.property(pattern, text, (glob, value) => {
      const source = glob.replaceAll('*', '.*').replaceAll('?', '.');
      assert.equal(globMatches(glob, value), new RegExp(`^${source}$`, 'i').test(value));
      const words = new RegExp(`(?<![a-z0-9_])${source}(?![a-z0-9_])`, 'i');
      assert.equal(globMatchesWords(glob, value), words.test(value), `${glob} in ${value}`);
    }),
    { numRuns: 2000 },
  );
});

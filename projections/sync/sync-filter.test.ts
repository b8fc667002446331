import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { asRoomId } from '../../src/matrix/identifiers.ts';
import { EventSelection, readyFilter, typeMatches } from './sync-filter.ts';

describe('filters', () => {
  it('match types as a regular expression would, in linear time', () => {
    const piece = fc.constantFrom('a', 'b', 'm.', 'm.room', '*', '.', '+');
    const text = fc.array(piece, { maxLength: 6 }).map((pieces) => pieces.join(''));
    fc.assert(
      fc.property(text, text, (pattern, type) => {
        const source = pattern.split('*').map(RegExp.escape).join('.*');
        assert.equal(typeMatches(pattern, type), new RegExp(`^${source}$`).test(type));
      }),
      { numRuns: 2_000 },
    );
    const began = performance.now();
    assert.equal(typeMatches(`${'a*'.repeat(60)}b`, 'a'.repeat(255)), false);
    assert.ok(performance.now() - began < 50);
  });

  it('exclude before they include', () => {
    const selection = new EventSelection({
      types: ['m.*'],
      not_types: ['m.room.member'],
      senders: ['@a:x', '@b:x'],
      not_senders: ['@b:x'],
    });
    assert.equal(selection.takes({ type: 'm.room.message', sender: '@a:x' }), true);
    assert.equal(selection.takes({ type: 'm.room.member', sender: '@a:x' }), false);
    assert.equal(selection.takes({ type: 'm.room.message', sender: '@b:x' }), false);
    assert.equal(selection.takes({ type: 'org.example', sender: '@a:x' }), false);
  });

  it('tell events with a URL from those without', () => {
    const content = '{"url":"mxc://x/y"}';
    assert.equal(new EventSelection({ contains_url: true }).takes({ type: 't', content }), true);
    assert.equal(new EventSelection({ contains_url: false }).takes({ type: 't', content }), false);
    const hidden = '{"body":"url","more":{"url":"mxc://x/y"}}';
    assert.equal(new EventSelection({ contains_url: true }).takes({ type: 't', content: hidden }), false);
  });

  it('bound the timeline, and leave rooms out altogether', () => {
    const room = asRoomId('!a:x');
    assert.equal(readyFilter({}).limit, 10);
    assert.equal(readyFilter({ room: { timeline: { limit: 1_000_000 } } }).limit, 1_000);
    assert.equal(readyFilter({ room: { rooms: [] } }).room(room), false);
    assert.equal(readyFilter({ room: { rooms: [room], not_rooms: [room] } }).room(room), false);
    assert.equal(readyFilter({ room: { not_rooms: ['!b:x'] } }).room(room), true);
  });
});

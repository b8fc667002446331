import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { asRoomId } from '../../matrix/identifiers.ts';
import { mutualPage } from './mutual-rooms.ts';

const rooms = ['!e:a', '!b:a', '!d:a', '!a:a', '!c:a'].map(asRoomId);

describe('pages of mutual rooms', () => {
  it('have every room once, the whole count, and a token but for the last', () => {
    const pages: (readonly string[])[] = [];
    for (let from: string | undefined; ; ) {
      const { joined, count, next_batch } = mutualPage(rooms, from, 2);
      assert.equal(count, 5);
      pages.push(joined);
      from = next_batch;
      if (from === undefined) break;
    }
    assert.deepEqual(pages, [['!a:a', '!b:a'], ['!c:a', '!d:a'], ['!e:a']]);
  });

  it('end without a token where they are just full', () => {
    assert.deepEqual(mutualPage(rooms, undefined, 5), { joined: rooms.toSorted(), count: 5 });
  });

  it('refuse what is no token', () => {
    for (const from of ['', 'x', '!a:a', Buffer.from('@a:a').toString('base64url')])
      assert.throws(() => mutualPage(rooms, from, 2), { code: 'INVALID_PARAM' });
  });
});

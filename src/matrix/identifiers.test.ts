import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import {
  asRoomAlias,
  asUserId,
  isHashRoomId,
  isStrictLocalpart,
  localpartOf,
  parseDeviceId,
  parseEventId,
  parseRoomAlias,
  parseRoomId,
  parseServerName,
  parseUserId,
  serverOf,
} from './identifiers.ts';

describe('server names', () => {
  const good = [
    'matrix.org',
    'matrix.org:8888',
    '1.2.3.4',
    '1.2.3.4:1234',
    '[1234:5678::abcd]',
    '[1234:5678::abcd]:5678',
    'localhost',
    'Xn--EXAMPLE',
    '[::]',
    '[::1]',
    '[1:2:3:4:5:6:7:8]',
    '[1::]',
    '[::ffff:1.2.3.4]',
    '[1:2:3:4:5:6:1.2.3.4]',
  ];
  for (const name of good) it(`accepts ${name}`, () => assert.equal(parseServerName(name), name));

  const bad = [
    '',
    ':80',
    'a:',
    'a:123456',
    'a:b',
    'a_b',
    'a b',
    'ä.org',
    'a/b',
    '256.1.1.1',
    '[1:2:3:4:5:6:7]',
    '[1:2:3:4:5:6:7:8:9]',
    '[1::2::3]',
    '[12345::]',
    '[::1',
    '[::1]x',
    '[::1]80',
    '[]',
    '[::1.2.3]',
    '[::1.2.3.256]',
    '[1.2.3.4::]',
    '[1:2:3:4:5:6:7::8]x',
    'a'.repeat(256),
    '1:2:3',
  ];
  for (const name of bad) it(`refuses "${name}"`, () => assert.equal(parseServerName(name), undefined));
});

describe('user IDs', () => {
  for (const id of ['@a:b', '@alice:example.org:8448', '@A Ü:b', '@:b', '@a@b:c', '@a:[::1]:80']) {
    it(`accepts ${id}`, () => assert.equal(parseUserId(id), id));
  }
  for (const id of ['', '@', '@a', 'a:b', '#a:b', '@a:', '@a:b:c:d', '@a\0:b', '@\ud800:b', '@a:b c']) {
    it(`refuses ${JSON.stringify(id)}`, () => assert.equal(parseUserId(id), undefined));
  }
  it('are at most 255 bytes of UTF-8, not characters', () => {
    assert.notEqual(parseUserId(`@${'a'.repeat(252)}:b`), undefined);
    assert.equal(parseUserId(`@${'a'.repeat(253)}:b`), undefined);
    assert.notEqual(parseUserId(`@${'ü'.repeat(126)}:b`), undefined);
    assert.equal(parseUserId(`@${'ü'.repeat(127)}:b`), undefined);
  });
  it('of new accounts have the narrow alphabet', () => {
    assert.ok(isStrictLocalpart('az09._=/+-'));
    for (const bad of ['', 'A', 'ü', 'a b', 'a:b', 'a@', 'a\n']) assert.ok(!isStrictLocalpart(bad), bad);
  });
});

describe('rooms, aliases, events, devices', () => {
  const hash = 'lVEL38waGAf4ggmWC3OVk_bbx8kZx-iOcTBKXTBnM54';
  it('room IDs come in both forms', () => {
    assert.equal(parseRoomId('!x:domain'), '!x:domain');
    assert.equal(parseRoomId(`!${hash}`), `!${hash}`);
    assert.ok(isHashRoomId(`!${hash}`));
    assert.ok(!isHashRoomId('!x:domain'));
    for (const bad of ['!', '!x', '!:domain', `!${hash}A`, `$${hash}`, `!${hash.slice(1)}`, `!${hash}\n`]) {
      assert.equal(parseRoomId(bad), undefined, bad);
    }
  });
  it('event IDs are opaque', () => {
    for (const good of [`$${hash}`, '$0:domain', '$a/+b']) assert.equal(parseEventId(good), good);
    for (const bad of ['', '$', hash, `$${'a'.repeat(255)}`, '$a\0'])
      assert.equal(parseEventId(bad), undefined);
  });
  it('aliases have a localpart', () => {
    assert.equal(parseRoomAlias('#räum:b'), '#räum:b');
    for (const bad of ['#:b', '#a', '@a:b', '#a\0:b']) assert.equal(parseRoomAlias(bad), undefined);
  });
  it('device IDs are not empty', () => {
    assert.equal(parseDeviceId('GHTYAJCE'), 'GHTYAJCE');
    assert.equal(parseDeviceId(''), undefined);
    assert.equal(parseDeviceId('a'.repeat(256)), undefined);
  });
  it('split at the first colon', () => {
    assert.equal(serverOf(asUserId('@a:b:8448')), 'b:8448');
    assert.equal(localpartOf(asUserId('@a/b:b:8448')), 'a/b');
    assert.equal(serverOf(asRoomAlias('#a:[::1]')), '[::1]');
  });
});

it('whatever parses as a user ID is its localpart and server put together', () => {
  fc.assert(
    fc.property(
      fc.string({ unit: 'binary' }),
      fc.constantFrom('b', 'c.d:80', '[::1]', 'ü'),
      (local, server) => {
        const id = parseUserId(`@${local}:${server}`);
        if (id === undefined) return;
        assert.equal(`@${localpartOf(id)}:${serverOf(id)}`, id);
        assert.notEqual(parseServerName(serverOf(id)), undefined);
        assert.ok(Buffer.byteLength(id) <= 255);
      },
    ),
  );
});

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { isMxcUri } from './mxc-uri.ts';

describe('an mxc URI', () => {
  it('has a server name and a media ID', () => {
    for (const uri of ['mxc://example.org/SEsfnsuifSDFSSEF', 'mxc://[::1]:8448/a_b-c', 'mxc://a:1/1'])
      assert.ok(isMxcUri(uri), uri);
  });

  it('is nothing else', () => {
    for (const text of [
      '',
      'x',
      'http://example.org/a',
      'mxc://',
      'mxc://example.org',
      'mxc://example.org/',
      'mxc:///a',
      'mxc://example.org/a/b',
      'mxc://example.org/a?b',
      'mxc://example.org/..',
      'mxc://exa mple/a',
      'mxc://example.org/a\n',
      'xmxc://example.org/a',
    ])
      assert.ok(!isMxcUri(text), text);
  });
});

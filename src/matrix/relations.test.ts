import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { asEventId } from './identifiers.ts';
import type { JsonValue } from './json.ts';
import { mayReplace, relationOf, type ThreadPlace, threadOf } from './relations.ts';

const related = (relation: JsonValue) => relationOf({ 'm.relates_to': relation });

describe('a relation', () => {
  it('is what the content says of type, parent and key', () => {
    assert.deepEqual(related({ rel_type: 'm.annotation', event_id: '$a', key: '+' }), {
      rel_type: 'm.annotation',
      event_id: '$a',
      key: '+',
    });
    assert.deepEqual(related({ rel_type: 'org.example', event_id: '$a' }), {
      rel_type: 'org.example',
      event_id: '$a',
    });
  });

  it('is none where it does not fit the schema', () => {
    for (const relation of [
      undefined,
      null,
      [],
      'm.thread',
      {},
      { rel_type: 'm.thread' },
      { event_id: '$a' },
      { rel_type: 1, event_id: '$a' },
      { rel_type: '', event_id: '$a' },
      { rel_type: 'm.thread', event_id: 'a' },
      { rel_type: 'm.thread', event_id: 1 },
      { rel_type: 'm.thread', event_id: `$${'a'.repeat(300)}` },
      { rel_type: 'x'.repeat(300), event_id: '$a' },
      { 'm.in_reply_to': { event_id: '$a' } },
    ])
      assert.equal(relation === undefined ? relationOf({}) : related(relation), undefined);
  });
});

describe('the thread of an event', () => {
  const thread = { rel_type: 'm.thread', event_id: asEventId('$root') };
  const reaction = { rel_type: 'm.annotation', event_id: asEventId('$parent'), key: '+' };

  it('is named by its own relation, or is that of its parent', () => {
    assert.equal(threadOf(undefined, undefined), undefined);
    assert.deepEqual(threadOf(thread, undefined)?.thread, '$root');
    assert.deepEqual(threadOf(reaction, threadOf(thread, undefined))?.thread, '$root');
    assert.equal(threadOf(reaction, undefined), undefined);
  });

  it('is looked for three relations far', () => {
    let place: ThreadPlace | undefined = threadOf(thread, undefined);
    for (let hop = 0; hop < 3; hop += 1) place = threadOf(reaction, place);
    assert.equal(place?.thread, '$root');
    assert.equal(threadOf(reaction, place), undefined);
  });
});

it('a replacement has new content, clear or encrypted, and no state key', () => {
  const content = { 'm.new_content': { body: 'x' } };
  assert.ok(mayReplace({ type: 'm.room.message', content }));
  assert.ok(mayReplace({ type: 'm.room.encrypted', content: {} }));
  assert.ok(!mayReplace({ type: 'm.room.message', content: { 'm.new_content': 'x' } }));
  assert.ok(!mayReplace({ type: 'm.room.message', content, state_key: '' }));
});

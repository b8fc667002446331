import assert from 'node:assert/strict';
import { it } from 'node:test';
import { fieldSelection } from './event-fields.ts';

const EVENT = {
  type: 'm.room.message',
  event_id: '$a',
  sender: '@a:b',
  origin_server_ts: 1,
  content: { body: 'x', more: { one: 1, two: [2] }, ['__proto__']: 1 },
  unsigned: { age: 5, transaction_id: 't' },
};
const { content: _content, unsigned: _unsigned, ...always } = EVENT;

for (const [paths, rest] of [
  [[], { content: {} }],
  [[['content', 'body']], { content: { body: 'x' } }],
  [[['content']], { content: EVENT.content }],
  [[['content'], ['content', 'body']], { content: EVENT.content }],
  [
    [
      ['content', 'more', 'two'],
      ['unsigned', 'age'],
    ],
    { content: { more: { two: [2] } }, unsigned: { age: 5 } },
  ],
  [[['content', 'body', 'deeper'], ['none'], ['content', 'none']], { content: {} }],
] as const)
  it(`of an event the fields ${JSON.stringify(paths)} are left, and what every event has`, () => {
    const left: unknown = JSON.parse(fieldSelection(paths)(JSON.stringify(EVENT)));
    assert.deepEqual(left, { ...always, ...rest });
  });

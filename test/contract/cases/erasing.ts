import assert from 'node:assert/strict';
import { hash, randomBytes } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { createCodec } from '../../../src/log/codec.ts';
import { readFacts } from '../../../src/log/fact-reader.ts';
import { FactWriter } from '../../../src/log/fact-writer.ts';
import type { EventLog, LogRecord } from '../../../src/log/port.ts';
import type { RoomEventRecord } from '../../../src/log/records.ts';
import { ContentKeys } from '../../../src/log/sealing/content-keys.ts';
import { covers } from '../../../src/log/sealing/key-tree.ts';
import { type MasterKey, masterKey } from '../../../src/log/sealing/master-key.ts';
import type { DeclareCase } from '../case.ts';
import { beginning, readAll } from '../records.ts';

const count = 1_000;
const victim = 517;

/** What erasure promises, with everything between the caller and the disk. */
export function erasingCases(declare: DeclareCase): void {
  declare(
    'of 1,000 records one is erased: all else reads as before, and its content is nowhere',
    async ({ log }) => {
      const master = masterKey(randomBytes(32));
      const codec = createCodec();
      const needle = randomBytes(12).toString('hex');
      const node = await log.open();
      const keys = new ContentKeys(node, codec, master);
      const writer = new FactWriter(await node.claim(0), { log: node, codec, keys, master });
      const at = 1_700_000_000_000;
      const facts = Array.from({ length: count }, (_, index) => ({
        key: '!room',
        type: 'room_event' as const,
        at: at + index,
        value: event(index, JSON.stringify({ content: { body: `${needle} ${index}` } })),
      }));
      for (let from = 0; from < count; from += 50) await writer.append('rooms', facts.slice(from, from + 50));

      const before = await snapshot(node, master);
      const stored = (await readAll(node, 'rooms', 0))[victim];
      assert.ok(stored?.value);
      const wrapped = wrappedRoots(await readAll(node, 'content_keys', 0));
      assert.equal(await writer.eraseRecord(stored, at + count), true);
      assert.equal(await writer.eraseRecord(stored, at + count), false);
      await node.compact('content_keys', 0);

      const after = await snapshot(await log.open(), master);
      assert.equal(after[victim]?.text, null);
      assert.equal(after[victim]?.erased, true);
      assert.ok(before[victim]?.text?.includes(needle));
      const but = (list: typeof after) => list.map(({ offset, hash: digest }) => ({ offset, digest }));
      assert.deepEqual(but(after), but(before));
      assert.deepEqual(after.toSpliced(victim, 1), before.toSpliced(victim, 1));
      // The process that erased knows it too.
      assert.equal((await snapshot(node, master, keys))[victim]?.text, null);

      const sealed = codec.decode(stored.value).value as {
        sealed: { box: Uint8Array; block: string; leaf: number };
      };
      const left = (await readAll(node, 'content_keys', 0)).flatMap((record) => {
        const fact = record.value === null ? undefined : codec.decode(record.value);
        return record.key.endsWith(sealed.sealed.block) && fact?.type === 'content_key'
          ? fact.value.nodes
          : [];
      });
      assert.ok(left.length > 0 && left.length <= 10);
      assert.ok(!left.some((each) => covers(each, sealed.sealed.leaf)));

      const files = await log.storedFiles();
      const found = await occurrences(files, {
        'the record itself, so that the search is known to find': Buffer.from(sealed.sealed.box),
        'plain text': Buffer.from(needle),
        'the key that opened it': wrapped.get(sealed.sealed.block) ?? Buffer.from('no such block'),
      });
      assert.deepEqual(found, {
        'the record itself, so that the search is known to find': true,
        'plain text': false,
        'the key that opened it': false,
      });
    },
  );
}

interface Snapshot {
  readonly offset: number;
  readonly hash: string;
  readonly text: string | null;
  readonly erased: boolean;
}

/** What a new process reads: offsets, hashes of the stored bytes, and texts. */
async function snapshot(
  node: EventLog,
  master: MasterKey,
  keys: ContentKeys = new ContentKeys(node, createCodec(), master),
): Promise<readonly Snapshot[]> {
  const parts = { log: node, codec: createCodec(), keys };
  const seen: Snapshot[] = [];
  const to = await node.end('rooms', 0);
  for await (const batch of readFacts(parts, 'rooms', 0, { from: beginning, to })) {
    for (const { record, fact, erased } of batch.facts) {
      assert.equal(fact?.type, 'room_event');
      const { offset, value } = record;
      seen.push({ offset, hash: hash('sha256', value ?? Buffer.of()), text: fact.value.sealed, erased });
    }
  }
  assert.equal(seen.length, count);
  return seen;
}

/** The wrapped root keys by the name of their block. */
function wrappedRoots(records: readonly LogRecord[]): ReadonlyMap<string, Buffer> {
  const codec = createCodec();
  const roots = new Map<string, Buffer>();
  for (const { key, value } of records) {
    const fact = value === null ? undefined : codec.decode(value);
    const block = key.split('/').at(-1) ?? '';
    if (fact?.type === 'content_key') roots.set(block, Buffer.from(fact.value.nodes[0]?.wrapped ?? []));
  }
  return roots;
}

/** Which of the byte strings occur in any of the files. */
async function occurrences<Name extends string>(
  files: readonly string[],
  wanted: Readonly<Record<Name, Buffer>>,
): Promise<Record<Name, boolean>> {
  const names = Object.keys(wanted) as Name[];
  const found = Object.fromEntries(names.map((name) => [name, false])) as Record<Name, boolean>;
  const overlap = Math.max(...names.map((name) => wanted[name].length));
  for (const file of files) {
    let tail = Buffer.alloc(0);
    for await (const chunk of chunksOf(file)) {
      const bytes = Buffer.concat([tail, chunk]);
      for (const name of names) found[name] ||= bytes.includes(wanted[name]);
      tail = bytes.subarray(-overlap);
    }
  }
  return found;
}

/** A file's bytes; none of one that was dropped since the folder was listed: it is not stored any more. */
async function* chunksOf(file: string): AsyncIterable<Buffer> {
  try {
    yield* createReadStream(file, { highWaterMark: 1024 * 1024 });
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'ENOENT')) throw error;
  }
}

function event(index: number, sealed: string): RoomEventRecord {
  const nothing = { root: null, partial: false, base: null, changed: [] };
  return {
    event_id: `$event${index}`,
    room_version: '12',
    kind: 'event',
    verdict: 'accepted',
    reason: null,
    place: index,
    skeleton: JSON.stringify({ type: 'm.room.message', depth: index }),
    sealed,
    redacts: null,
    before: nothing,
    after: null,
    current: null,
    transaction: null,
  };
}

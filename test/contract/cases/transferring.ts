import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import fc from 'fast-check';
import type { EventLog, NewRecord, Offset } from '../../../src/log/port.ts';
import { type TopicName, topicNames, topics } from '../../../src/log/topics.ts';
import { exportLog, importLog } from '../../../src/log/transfer.ts';
import type { DeclareCase } from '../case.ts';
import { codeOf, readAll, record } from '../records.ts';

/** What the way from one log to another promises. */
export function transferringCases(declare: DeclareCase): void {
  declare('export, import, export: the same records, whatever they were', async ({ log, harness }) => {
    await using other = await harness.fresh();
    const [from, to] = [await log.open(), await other.open()];
    for (const history of fc.sample(histories(harness.slots), { numRuns: 6, seed: 17 }))
      await play(from, history);
    await voidRecords(from);
    const lines = await Array.fromAsync(exportLog(from));
    const counts: number[] = [];
    const imported = await importLog(to, each(lines), (count) => counts.push(count));
    assert.equal(imported, lines.length - 2);
    assert.equal(counts.at(-1), imported);
    const again = await Array.fromAsync(exportLog(to));
    assert.deepEqual(lasting(again).map(withoutOffset), lasting(lines).map(withoutOffset));
    assert.notEqual(JSON.parse(again[0] ?? '').generation, JSON.parse(lines[0] ?? '').generation);
    for (const topic of topicNames) {
      for (let partition = 0; partition < harness.slots; partition++) {
        const old = new Set(lasting(lines).filter(standsIn(topic, partition)).map(offsetOf));
        const origins = (await readAll(to, topic, partition)).map(({ origin }) => origin);
        assert.deepEqual(
          origins.filter((origin) => old.has(origin)),
          [...old],
        );
      }
    }
  });

  declare(
    'a log that is not empty, or has other slots, takes no import and keeps what it has',
    async ({ log, harness }) => {
      const node = await log.open();
      await node.publish('inbox', 1, [record('mine')]);
      const lines = await Array.fromAsync(exportLog(node));
      assert.equal(await codeOf(() => importLog(node, each(lines))), 'DATA_MISMATCH');
      await using other = await harness.fresh();
      const empty = await other.open();
      const header = { milena: 'log', format: 1, generation: 'x', slots: harness.slots + 1 };
      assert.equal(await codeOf(() => importLog(empty, each([JSON.stringify(header)]))), 'DATA_MISMATCH');
      assert.equal((await readAll(node, 'inbox', 1)).length, 1);
    },
  );

  declare('a damaged or shortened export is found out', async ({ log, harness }) => {
    const node = await log.open();
    await (await node.claim(0)).append('rooms', [record('a'), record('b'), record('c')]);
    const lines = await Array.fromAsync(exportLog(node));
    const damages: Record<string, string[]> = {
      'the end is missing': lines.slice(0, -1),
      'a record is missing': lines.toSpliced(2, 1),
      'a record was changed': lines.with(2, (lines[2] ?? '').replace('"key":"b"', '"key":"B"')),
      'two were exchanged': [0, 2, 1, 3, 4].map((index) => lines[index] ?? ''),
      'something follows the end': [...lines, lines[1] ?? ''],
      'a line is no JSON': lines.with(1, '{'),
      'a line is of no topic': lines.with(1, (lines[1] ?? '').replace('"rooms"', '"nowhere"')),
      'it is another file': ['{"some":"json"}'],
      'it is empty': [],
    };
    for (const [damage, damaged] of Object.entries(damages)) {
      await using other = await harness.fresh();
      const empty = await other.open();
      assert.equal(await codeOf(() => importLog(empty, each(damaged))), 'DATA_MISMATCH', damage);
      const begun = damaged[0] === lines[0];
      assert.equal(await codeOf(() => other.open()), begun ? 'DATA_MISMATCH' : undefined, damage);
      if (begun) assert.equal(await codeOf(() => importLog(empty, each(lines))), 'DATA_MISMATCH', damage);
    }
  });

  declare(
    'from before the first record of an import until its end fits, nobody can open the log',
    async ({ log, harness }) => {
      const node = await log.open();
      await (await node.claim(0)).append('rooms', [record('a'), record('b')]);
      const lines = await Array.fromAsync(exportLog(node));
      await using other = await harness.fresh();
      const to = await other.open();
      const seen: unknown[] = [];
      const watched = async function* () {
        for (const line of lines) {
          yield line;
          seen.push(await codeOf(() => other.open()), (await readAll(to, 'rooms', 0)).length);
        }
      };
      await importLog(to, watched());
      assert.deepEqual(seen.slice(0, 2), ['DATA_MISMATCH', 0]);
      assert.deepEqual(seen.slice(-2), ['DATA_MISMATCH', 0]);
      assert.equal((await readAll(await other.open(), 'rooms', 0)).length, 2);
    },
  );

  declare('a log belongs to the server that opened it first, for good', async ({ log }) => {
    // As one that was made before logs had names.
    assert.equal((await log.open()).serverName, undefined);
    assert.equal((await log.open({ serverName: 'a.example' })).serverName, 'a.example');
    assert.equal(await codeOf(() => log.open({ serverName: 'b.example' })), 'DATA_MISMATCH');
    assert.equal((await log.open()).serverName, 'a.example');
    assert.equal((await log.open({ serverName: 'a.example' })).serverName, 'a.example');
  });

  declare('of servers that open a new log at once one gets it', async ({ log }) => {
    // Made already, so that nobody is held up by the making.
    await log.open();
    const names = Array.from({ length: 9 }, (_, index) => `server-${index % 3}.example`);
    const opened = await Promise.allSettled(names.map((serverName) => log.open({ serverName })));
    const { serverName: owner } = await log.open();
    for (const [index, one] of opened.entries()) {
      assert.equal(one.status, names[index] === owner ? 'fulfilled' : 'rejected');
    }
  });

  declare(
    'of nodes that note a master key on a new log, at once or later, one has named it for good',
    async ({ log }) => {
      const nodes = await Promise.all([log.open(), log.open(), log.open()]);
      assert.equal(await nodes[0]?.noteMaster(), undefined);
      const noted = new Set(await Promise.all(nodes.map((node, index) => node.noteMaster(`key-${index}`))));
      assert.equal(noted.size, 1);
      const [first] = noted;
      assert.match(first ?? '', /^key-[012]$/);
      const later = await log.open();
      assert.deepEqual([await later.noteMaster(), await later.noteMaster('key-3')], [first, first]);
    },
  );

  declare('an export says whose it is, and only a log of that server takes it', async ({ log, harness }) => {
    const node = await log.open({ serverName: 'a.example' });
    await node.publish('inbox', 1, [record('mine')]);
    const lines = await Array.fromAsync(exportLog(node));
    assert.equal(JSON.parse(lines[0] ?? '').serverName, 'a.example');
    await using other = await harness.fresh();
    const misfit = await other.open({ serverName: 'b.example' });
    await assert.rejects(importLog(misfit, each(lines)), /"a\.example".*"b\.example".*The way out/);
    assert.equal((await readAll(misfit, 'inbox', 1)).length, 0);
    await other.open({ serverName: 'b.example' });
    await using third = await harness.fresh();
    assert.equal(await importLog(await third.open({ serverName: 'a.example' }), each(lines)), 1);
    // Exports of before say no name.
    const { serverName: _, ...header } = JSON.parse(lines[0] ?? '');
    await using fourth = await harness.fresh();
    const fits = await fourth.open({ serverName: 'a.example' });
    assert.equal(await importLog(fits, each(lines.with(0, JSON.stringify(header)))), 1);
  });
}

interface Step {
  readonly topic: TopicName;
  readonly slot: number;
  readonly records: readonly NewRecord[];
}

function histories(slots: number): fc.Arbitrary<readonly Step[]> {
  const bytes = fc.uint8Array({ maxLength: 200 }).map((value) => Buffer.from(value));
  const records = (topic: TopicName) =>
    fc.record(
      {
        key: fc.string({ unit: 'binary', maxLength: 12 }),
        type: fc.constantFrom('room_event', 'typing', 'of_the_future'),
        at: fc.integer({ min: 1_600_000_000_000, max: 1_900_000_000_000 }),
        command: fc.uint8Array({ minLength: 16, maxLength: 16 }).map((value) => Buffer.from(value)),
        value: topics[topic].kept === 'compacted' ? fc.option(bytes, { freq: 4 }) : bytes,
      },
      { requiredKeys: ['key', 'type', 'at', 'value'] },
    );
  const step = fc.constantFrom(...topicNames).chain((topic) =>
    fc.record({
      topic: fc.constant(topic),
      slot: fc.nat(slots - 1),
      records: fc.array(records(topic), { minLength: 1, maxLength: 8 }),
    }),
  );
  return fc.array(step, { minLength: 3, maxLength: 8 });
}

async function play(node: EventLog, history: readonly Step[]): Promise<void> {
  for (const { topic, slot, records } of history) {
    if (topics[topic].writer === 'any') await node.publish(topic, slot, records);
    else await (await node.claim(slot)).append(topic, records);
  }
}

/** A fact in parts, and one whose owner was replaced before its end. */
async function voidRecords(node: EventLog): Promise<void> {
  const large = (part: 'chunk' | 'closing') => record('large', { part, value: randomBytes(30) });
  const writer = await node.claim(1);
  await writer.append('rooms', [large('chunk'), large('chunk'), large('closing'), large('chunk')]);
  await (await node.claim(1)).append('rooms', [record('next')]);
}

/**
 * The lines of records that are there for good. On a compacted topic the log may drop what a later record of its
 * key replaces whenever it likes, also between one reading and the next.
 */
function lasting(lines: readonly string[]): readonly string[] {
  const last = new Map<string, number>();
  const records = lines.slice(1, -1);
  for (const [index, line] of records.entries()) {
    const { topic, partition, key } = JSON.parse(line);
    const kept = isCompacted(topic) ? JSON.stringify(key) : index;
    last.set(`${topic} ${partition} ${kept}`, index);
  }
  const indexes = new Set(last.values());
  return records.filter((_, index) => indexes.has(index));
}

function isCompacted(topic: string): boolean {
  return Object.entries(topics).some(([name, { kept }]) => name === topic && kept === 'compacted');
}

function standsIn(topic: TopicName, partition: number): (line: string) => boolean {
  return (line) => {
    const parsed = JSON.parse(line);
    return parsed.topic === topic && parsed.partition === partition;
  };
}

function offsetOf(line: string): Offset | undefined {
  return JSON.parse(line).offset;
}

function withoutOffset(line: string): unknown {
  const { offset, ...rest } = JSON.parse(line);
  return rest;
}

async function* each(lines: readonly string[]): AsyncIterable<string> {
  yield* lines;
}

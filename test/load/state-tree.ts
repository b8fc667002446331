/*
 * What the state tree costs: prints, for rooms of several sizes, the nodes and bytes that one set writes and the
 * microseconds that it takes with its root; then the other operations and the memory at 100,000 entries. Medians
 * of five. Run it on a quiet machine: node test/load/state-tree.ts (with --expose-gc for the memory).
 * docs/adr/0003-state-tree.md has the figures that decided.
 */
import { loadavg } from 'node:os';
import type { EventId } from '../../src/matrix/identifiers.ts';
import { diff } from '../../src/state/diff.ts';
import type { StateEntry } from '../../src/state/entry.ts';
import { loadTree } from '../../src/state/load-tree.ts';
import { newNodes } from '../../src/state/new-nodes.ts';
import type { StateRoot } from '../../src/state/root.ts';
import { StateTree } from '../../src/state/state-tree.ts';

const LARGE = 100_000;
let nextId = 0;

/** An event ID that was never used before; made outside what is timed. */
function freshId(): EventId {
  const unique = Buffer.from(String(nextId++).padStart(32, '.')).toString('base64url');
  return `$${unique}` as EventId; // 43 characters after the `$`, as a hash has
}

function member(n: number): string {
  return `@user${n}:example.org`;
}

function members(count: number): StateEntry[] {
  return Array.from({ length: count }, (_, i) => ({
    type: 'm.room.member',
    stateKey: member(i),
    eventId: freshId(),
  }));
}

/** Microseconds for one of `times` calls: the median of five rounds, after a round to warm up. */
function time(times: number, round: () => void): number {
  const results: number[] = [];
  for (let i = 0; i < 6; i++) {
    const start = process.hrtime.bigint();
    round();
    results.push(Number(process.hrtime.bigint() - start) / 1000 / times);
  }
  return results.slice(1).sort((a, b) => a - b)[2] ?? Number.NaN;
}

function setCost(size: number): string {
  const tree = StateTree.fromEntries(members(size));
  const written = { nodes: 0, most: 0, bytes: 0 };
  for (let i = 0; i < 2000; i++) {
    const nodes = [...newNodes(tree.set('m.room.member', member((i * 7919) % size), freshId()), tree)];
    written.nodes += nodes.length;
    written.most = Math.max(written.most, nodes.length);
    written.bytes += nodes.reduce((sum, { bytes }) => sum + bytes.length, 0);
  }
  const ids = Array.from({ length: 5000 }, freshId);
  let chain = tree;
  const us = time(ids.length, () => {
    for (const [i, id] of ids.entries()) {
      chain = chain.set('m.room.member', member((i * 7919) % size), id);
      void chain.root;
    }
    ids.reverse(); // so that the next round sets other values
  });
  const all = [...newNodes(tree)];
  const stored = all.reduce((sum, { bytes }) => sum + bytes.length, 0);
  return [
    String(size).padStart(8),
    us.toFixed(1).padStart(13),
    (written.nodes / 2000).toFixed(2).padStart(7),
    String(written.most).padStart(6),
    (written.bytes / 2000).toFixed(0).padStart(7),
    String(all.length).padStart(9),
    (stored / size).toFixed(0).padStart(13),
  ].join('');
}

function print(what: string, figure: string, unit: string): void {
  console.log(`${what.padEnd(44)}${figure.padStart(9)} ${unit}`);
}

function printOperations(): void {
  const entries = members(LARGE);
  const tree = StateTree.fromEntries(entries);
  void tree.root;
  const changes = entries.slice(0, 1000).map((e) => ({ ...e, after: freshId() }));
  const near = tree.set('m.room.member', member(5), freshId());
  const far = tree.apply(changes);
  void [near.root, far.root];
  const lines: [string, number][] = [
    ['get', time(1000, () => changes.forEach((c) => void tree.get(c.type, c.stateKey)))],
    [
      'set, without the root',
      time(1000, () => changes.forEach((c) => void tree.set(c.type, c.stateKey, c.after))),
    ],
    [
      'remove, with the root',
      time(1000, () => changes.forEach((c) => void tree.remove(c.type, c.stateKey).root)),
    ],
    ['apply 1,000 changes, then the root: each', time(1000, () => void tree.apply(changes).root)],
    ['diff of one key', time(1, () => void [...diff(tree, near)])],
    ['diff of 1,000 keys: each', time(1000, () => void [...diff(tree, far)])],
    ['build from entries, with the root: each', time(LARGE, () => void StateTree.fromEntries(entries).root)],
  ];
  for (const [what, us] of lines) print(what, us.toFixed(2), 'µs');
}

async function printLoading(): Promise<void> {
  const tree = StateTree.fromEntries(members(LARGE));
  const nodes = new Map<StateRoot, Uint8Array>();
  for (const { name, bytes } of newNodes(tree)) nodes.set(name, bytes);
  const store = { getMany: async () => nodes, putMany: async () => {} };
  const start = process.hrtime.bigint();
  await loadTree(store, tree.root);
  const ms = Number(process.hrtime.bigint() - start) / 1e6;
  print(`load 100,000 from ${nodes.size} nodes in memory`, ms.toFixed(0), 'ms');
}

/** Heap that a tree of entries with text of their own takes, that text included. */
function printMemory(): void {
  const { gc } = globalThis;
  if (gc === undefined) {
    console.log('memory: run with --expose-gc');
    return;
  }
  gc();
  const before = process.memoryUsage().heapUsed;
  const tree = StateTree.fromEntries(members(LARGE));
  void tree.root;
  gc();
  const bytes = process.memoryUsage().heapUsed - before;
  print(`memory of ${tree.size} entries, each`, (bytes / tree.size).toFixed(0), 'bytes');
}

console.log(`load average ${loadavg()[0]?.toFixed(2)}`);
console.log(' entries  set+root µs  nodes  most  bytes  of whole  bytes/entry');
for (const size of [10, 60, 500, 5000, 30_000, LARGE]) console.log(setCost(size));
printOperations();
await printLoading();
printMemory();

import { createHash } from 'node:crypto';
import type { StateEntry } from './entry.ts';

/*
 * The root of a state, straight from the format's description and with nothing of the tree's code: slow, and
 * what another program would write to check a root.
 */

const sha256 = (bytes: Buffer): Buffer => createHash('sha256').update(bytes).digest();

function uint(bytes: number, value: number): Buffer {
  const buffer = Buffer.alloc(bytes);
  buffer.writeUIntBE(value, 0, bytes);
  return buffer;
}

function text(value: string): Buffer {
  const utf8 = Buffer.from(value);
  return Buffer.concat([uint(2, utf8.length), utf8]);
}

function pathOf(entry: StateEntry): string {
  return sha256(Buffer.concat([uint(1, 0x10), text(entry.type), text(entry.stateKey)])).toString('hex');
}

function inOrder(entries: readonly StateEntry[]): Buffer {
  const sorted = [...entries].sort(
    (a, b) =>
      Buffer.compare(Buffer.from(a.type), Buffer.from(b.type)) ||
      Buffer.compare(Buffer.from(a.stateKey), Buffer.from(b.stateKey)),
  );
  return Buffer.concat(sorted.flatMap((e) => [text(e.type), text(e.stateKey), text(e.eventId)]));
}

function nodeBytes(entries: readonly StateEntry[], depth: number): Buffer {
  if (entries.length <= 4) return Buffer.concat([uint(1, 0x11), uint(4, entries.length), inOrder(entries)]);
  let named = 0;
  let inline = 0;
  const names: Buffer[] = [];
  const leaves: Buffer[] = [];
  for (let slot = 0; slot < 16; slot++) {
    const here = entries.filter((entry) => pathOf(entry)[depth] === slot.toString(16));
    if (here.length > 4) {
      named |= 1 << slot;
      names.push(sha256(nodeBytes(here, depth + 1)));
    } else if (here.length > 0) {
      inline |= 1 << slot;
      leaves.push(uint(1, here.length), inOrder(here));
    }
  }
  const header = [uint(1, 0x12), uint(4, entries.length), uint(2, named), uint(2, inline)];
  return Buffer.concat([...header, ...names, ...leaves]);
}

/** The root, in hex, of the state that has these entries (of distinct keys). */
export function referenceRoot(entries: readonly StateEntry[]): string {
  return sha256(nodeBytes(entries, 0)).toString('hex');
}

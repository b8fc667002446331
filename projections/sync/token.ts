import { hash } from 'node:crypto';

/** The topics that a sync is made of, in the order in which a token holds their positions. */
export const SYNC_TOPICS = ['rooms', 'user_values', 'ephemeral'] as const;

/** One of them. */
export type SyncTopic = (typeof SYNC_TOPICS)[number];

/**
 * A position in the log: for each topic and partition the first offset that was not seen. 0 where nothing in
 * the partition concerned the user, which keeps tokens short; what first concerns the user there comes whole.
 */
export type SyncPosition = { readonly [T in SyncTopic]: readonly number[] };

/** The form of tokens that this code writes. */
const VERSION = 's1';

/**
 * `next_batch`: version, the log's generation, then for each topic a bit per partition and a varint for each
 * bit that is set. Positions in the log outlive rebuilds, restarts and changes of roles.
 */
export function encodeToken(generation: string, position: SyncPosition): string {
  const bytes: number[] = [];
  for (const topic of SYNC_TOPICS) {
    const offsets = position[topic];
    for (let start = 0; start < offsets.length; start += 8) {
      let bits = 0;
      for (let i = 0; i < 8; i += 1) if ((offsets[start + i] ?? 0) > 0) bits |= 1 << i;
      bytes.push(bits);
    }
    for (const offset of offsets) if (offset > 0) pushVarint(bytes, offset);
  }
  return `${VERSION}_${generationMark(generation)}_${Buffer.from(bytes).toString('base64url')}`;
}

/**
 * Reads a token of this log.
 * @returns undefined for anything that this server has not minted for this log and its number of slots.
 */
export function decodeToken(token: string, generation: string, slots: number): SyncPosition | undefined {
  const [version, mark] = token.split('_', 2);
  if (version !== VERSION || mark !== generationMark(generation)) return undefined;
  const prefix = `${VERSION}_${mark}_`;
  if (!token.startsWith(prefix)) return undefined;
  const body = token.slice(prefix.length);
  if (!/^[\w-]*$/.test(body)) return undefined;
  return readPositions(Buffer.from(body, 'base64url'), slots);
}

/** Whether a text has the form of a token of another log: a copy of this one, or what a backup was made of. */
export function isForeignToken(token: string, generation: string): boolean {
  const mark = /^s1_([0-9a-f]{8})_[\w-]*$/.exec(token)?.[1];
  return mark !== undefined && mark !== generationMark(generation);
}

function readPositions(bytes: Uint8Array, slots: number): SyncPosition | undefined {
  const reader = { bytes, at: 0 };
  const topics = SYNC_TOPICS.map(() => readTopic(reader, slots));
  const [rooms, user_values, ephemeral] = topics;
  if (rooms === undefined || user_values === undefined || ephemeral === undefined) return undefined;
  return reader.at === bytes.length ? { rooms, user_values, ephemeral } : undefined;
}

function readTopic(reader: Reader, slots: number): number[] | undefined {
  const bitmap = reader.bytes.subarray(reader.at, reader.at + Math.ceil(slots / 8));
  if (bitmap.length < Math.ceil(slots / 8)) return undefined;
  reader.at += bitmap.length;
  const offsets: number[] = [];
  for (let i = 0; i < slots; i += 1) {
    const set = ((bitmap[i >> 3] ?? 0) >> (i & 7)) & 1;
    const offset = set === 1 ? readVarint(reader) : 0;
    if (offset === undefined) return undefined;
    offsets.push(offset);
  }
  return offsets;
}

interface Reader {
  readonly bytes: Uint8Array;
  at: number;
}

function pushVarint(bytes: number[], value: number): void {
  let rest = value;
  while (rest >= 128) {
    bytes.push((rest % 128) | 128);
    rest = Math.floor(rest / 128);
  }
  bytes.push(rest);
}

function readVarint(reader: Reader): number | undefined {
  let value = 0;
  let scale = 1;
  for (let length = 0; length < 8; length += 1) {
    const byte = reader.bytes[reader.at];
    if (byte === undefined) return undefined;
    reader.at += 1;
    value += (byte & 127) * scale;
    if (byte < 128) return Number.isSafeInteger(value) ? value : undefined;
    scale *= 128;
  }
  return undefined;
}

/** Eight characters that tell logs apart; never an underscore. */
function generationMark(generation: string): string {
  return hash('sha256', generation, 'hex').slice(0, 8);
}

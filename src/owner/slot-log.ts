import type { ReadPosition } from '../log/port.ts';
import type { AnyFact } from '../log/records.ts';
import type { TopicName } from '../log/topics.ts';
import type { KeyedFact } from './aggregate-kind.ts';

/** A fact to append, with the command that caused it and the owner's time. */
export type OwnedFact = KeyedFact & {
  readonly command?: Uint8Array;
  readonly at: number;
};

/** A fact read back, with where it stands and which command caused it. */
export interface ReadFact {
  readonly key: string;
  readonly offset: number;
  /** Of the claim that it was written under. */
  readonly epoch: number;
  readonly at: number;
  readonly command: Uint8Array | undefined;
  /** Undefined where the record cannot be read: whatever it is about must not be decided without it. */
  readonly fact: AnyFact | undefined;
}

/** The log as one slot's owner uses it: a claim, appends under it, bounded reads. Sealing is inside. */
export interface SlotLog {
  readonly slot: number;
  /** The most bytes of one atomic append. */
  readonly maxAppendBytes: number;
  /** Claims the slot anew, fencing whoever had it. @returns the epoch. */
  claim(): Promise<number>;
  /** Appends under the present claim. @throws MilenaError FENCED or INDEFINITE; see the log port. */
  append(topic: TopicName, facts: readonly OwnedFact[]): Promise<readonly number[]>;
  /** The facts of the slot's partition from a position to the present end, or up to offset `to`, in order. */
  read(topic: TopicName, from: ReadPosition, to?: number): AsyncIterable<ReadFact>;
  /** The `schema` facts that the log still lacks of this slot. */
  missingSchemas(at: number): Promise<readonly KeyedFact[]>;
  /** The offset that the next record has at the least. */
  end(topic: TopicName): Promise<number>;
  /** Lets go of the claim's resources. */
  close(): Promise<void>;
}

/** Stamps a decision's facts for the log. */
export function ownedFacts(
  facts: readonly KeyedFact[],
  command: Uint8Array,
  at: number,
): readonly OwnedFact[] {
  return facts.map((fact) => ({ ...fact, command, at }));
}

/** Bytes that headers, fingerprint, lengths, sealing and state roots add to a fact's texts, at the most. */
const OVERHEAD = 600;

/** An upper estimate of a fact's bytes on the log. */
export function sizeOfFact(fact: OwnedFact): number {
  return OVERHEAD + 4 * fact.key.length + sizeOfValue(fact.value);
}

/** Made by hand: as JSON, the state roots of a message alone would cost 3 µs and 400 bytes of garbage. */
function sizeOfValue(value: unknown): number {
  if (typeof value === 'string') return Buffer.byteLength(value) + 8;
  if (typeof value !== 'object' || value === null) return 8;
  if (value instanceof Uint8Array) return value.length + 8;
  let bytes = 8;
  for (const item of Object.values(value)) bytes += sizeOfValue(item);
  return bytes;
}

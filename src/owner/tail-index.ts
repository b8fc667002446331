import { MilenaError } from '../errors/milena-error.ts';
import type { ReadPosition } from '../log/port.ts';
import type { AnyFact } from '../log/records.ts';
import type { TopicName } from '../log/topics.ts';
import type { TailFact } from './aggregate-kind.ts';
import { type OwnedFact, type SlotLog, sizeOfFact } from './slot-log.ts';

/** What an index may take in memory. */
export interface TailIndexLimits {
  /** Bytes of facts; of older ones it keeps where they stand: 8 bytes each. */
  readonly factBytes: number;
  /** Records; of a longer tail there is no index. */
  readonly records: number;
}

const LIMITS: TailIndexLimits = { factBytes: 2 * 1024 * 1024, records: 1_000_000 };

/** Records between two that are wanted for which reading on is cheaper than a read of its own: 20 µs against 300. */
const GAP = 16;

/** Records, or bytes of facts, from which trimming is worth asking the models for. */
const LARGE = { records: 2_000, share: 0.25 } as const;

/** Whoever loads asks for a checkpoint, then for the model, then for the tail: so long all of that may take, ms. */
const TRIM_MS = 5_000;

/** A key's record of the tail. */
interface Place {
  readonly key: string;
  readonly offset: number;
}

/** A fact to be kept, or undefined where only its place is known. */
interface Indexed extends Place {
  readonly fact: AnyFact | undefined;
  readonly bytes: number;
}

/**
 * The tail of one topic of a slot by key, under one claim: what stands behind the models' checkpoint. It is read
 * once, when the first aggregate is loaded, and extended with what the owner appends: nobody else can, as long as its
 * appends succeed. So an aggregate's load reads no records but its own, however far the models lag.
 */
export class TailIndex {
  readonly #log: Pick<SlotLog, 'read'>;
  readonly #topic: TopicName;
  readonly #limits: TailIndexLimits;
  /** All valid records from here on are in the index; undefined before it was read. */
  #from: number | undefined;
  #last = -1;
  #offsets = new Map<string, number[]>();
  #records = 0;
  /** The newest facts, in the order of their offsets. */
  #facts = new Map<number, Indexed>();
  #bytes = 0;
  /** What the owner appends while the tail is read. */
  #late: Indexed[] = [];
  #reading: Promise<void> | undefined;
  /** From checkpoints before this one the tail is taken for too long. */
  #tooLongBefore = 0;
  /** The checkpoint when it was last trimmed, and when that was. */
  #passed = 0;
  #passedAt = Number.NEGATIVE_INFINITY;

  constructor(log: Pick<SlotLog, 'read'>, topic: TopicName, limits: TailIndexLimits = LIMITS) {
    this.#log = log;
    this.#topic = topic;
    this.#limits = limits;
  }

  /**
   * The facts of an aggregate from a checkpoint on, in order.
   * @param key the aggregate's; that of its records, or what theirs begin with where they are `spread`.
   * @throws MilenaError SET_ASIDE when one of them cannot be read; LOG_UNAVAILABLE.
   */
  async of(key: string, spread: boolean, from: ReadPosition): Promise<readonly TailFact[]> {
    const mine = (name: string): boolean => (spread ? name.startsWith(key) : name === key);
    if (!(await this.#covers(from))) return this.#scan(mine, from);
    const places = this.#placesOf(key, spread, from.offset);
    const found = new Map<number, AnyFact>();
    for (const { offset } of places) {
      const fact = this.#facts.get(offset)?.fact;
      if (fact !== undefined) found.set(offset, fact);
    }
    const left = places.map(({ offset }) => offset).filter((offset) => !found.has(offset));
    const wanted = new Set(left);
    for (const range of ranges(left)) await this.#fetch(range, wanted, found);
    // A fact in parts begins before its place, and compaction drops what was replaced: reading all tells which.
    if (left.some((offset) => !found.has(offset))) return this.#scanFor(mine, from, places);
    return places.flatMap((place) => {
      const fact = found.get(place.offset);
      return fact === undefined ? [] : [{ ...place, fact }];
    });
  }

  /** Takes what the log has acknowledged of the owner's. */
  appended(facts: readonly OwnedFact[], offsets: readonly number[]): void {
    if (this.#from === undefined && this.#reading === undefined) return;
    for (const [at, fact] of facts.entries()) {
      const offset = offsets[at];
      if (offset === undefined) continue;
      const indexed = { key: fact.key, offset, fact, bytes: sizeOfFact(fact) };
      if (this.#reading === undefined) this.#add(indexed);
      else this.#late.push(indexed);
    }
  }

  /** Whether there may be enough in it to trim. */
  get large(): boolean {
    const due = performance.now() - this.#passedAt >= TRIM_MS;
    return due && (this.#records > LARGE.records || this.#bytes > this.#limits.factBytes * LARGE.share);
  }

  /**
   * Lets go of what stood before the models' checkpoint when it was last told: a load that is under way may have
   * asked for its checkpoint since. One that takes longer reads the tail again.
   * @param checkpoint where the models stand now.
   */
  trim(checkpoint: number): void {
    const now = performance.now();
    if (now - this.#passedAt < TRIM_MS) return;
    const to = Math.min(this.#passed, checkpoint);
    this.#passed = checkpoint;
    this.#passedAt = now;
    if (this.#from === undefined || to <= this.#from) return;
    this.#from = to;
    for (const [key, offsets] of this.#offsets) {
      const kept = offsets.filter((offset) => offset >= to);
      this.#records -= offsets.length - kept.length;
      if (kept.length === 0) this.#offsets.delete(key);
      else if (kept.length < offsets.length) this.#offsets.set(key, kept);
    }
    this.#dropFacts(({ offset }) => offset < to);
  }

  /** Reads the tail where the index does not reach back to `from`. @returns false where it is too long. */
  async #covers(from: ReadPosition): Promise<boolean> {
    while (this.#from === undefined || from.offset < this.#from) {
      if (from.offset < this.#tooLongBefore) return false;
      this.#reading ??= this.#read(from);
      await this.#reading;
    }
    return true;
  }

  async #read(from: ReadPosition): Promise<void> {
    this.#forget();
    try {
      for await (const { key, offset, fact } of this.#log.read(this.#topic, from)) {
        // What cannot be read is read again whenever it is asked for: its schema may be known by then.
        this.#add({ key, offset, fact, bytes: fact === undefined ? 0 : sizeOfFact({ ...fact, key, at: 0 }) });
        if (this.#records > this.#limits.records) break;
      }
      for (const late of this.#late) this.#add(late);
      this.#from = from.offset;
    } finally {
      // Here, in the same turn: what is appended from now on goes to the index itself.
      this.#late = [];
      this.#reading = undefined;
      if (this.#records > this.#limits.records) this.#giveUp(from.offset);
    }
  }

  /** Until the models have got on by half of what fits, it is not tried again. */
  #giveUp(from: number): void {
    this.#forget();
    this.#tooLongBefore = from + this.#limits.records / 2;
  }

  #add(indexed: Indexed): void {
    const { key, offset, fact, bytes } = indexed;
    // Both the read and the append may have told of it.
    if (offset <= this.#last) return;
    this.#last = offset;
    const offsets = this.#offsets.get(key);
    if (offsets === undefined) this.#offsets.set(key, [offset]);
    else offsets.push(offset);
    this.#records += 1;
    if (fact !== undefined) {
      this.#facts.set(offset, indexed);
      this.#bytes += bytes;
      if (this.#bytes > this.#limits.factBytes) this.#dropFacts(() => this.#bytes > this.#limits.factBytes);
    }
    if (this.#from !== undefined && this.#records > this.#limits.records) this.#giveUp(this.#from);
  }

  /** Drops the oldest facts for as long as `more` says so. */
  #dropFacts(more: (oldest: Indexed) => boolean): void {
    for (const [offset, indexed] of this.#facts) {
      if (!more(indexed)) return;
      this.#facts.delete(offset);
      this.#bytes -= indexed.bytes;
    }
  }

  #forget(): void {
    this.#from = undefined;
    this.#last = -1;
    this.#offsets = new Map();
    this.#records = 0;
    this.#facts = new Map();
    this.#bytes = 0;
  }

  #placesOf(key: string, spread: boolean, from: number): readonly Place[] {
    const keys = spread ? [...this.#offsets.keys()].filter((name) => name.startsWith(key)) : [key];
    return keys
      .flatMap((name) => (this.#offsets.get(name) ?? []).map((offset) => ({ key: name, offset })))
      .filter(({ offset }) => offset >= from)
      .sort((one, other) => one.offset - other.offset);
  }

  async #fetch(
    { first, last }: { readonly first: number; readonly last: number },
    wanted: ReadonlySet<number>,
    found: Map<number, AnyFact>,
  ): Promise<void> {
    // What is in the index is valid, whatever claim stands before it; what else is met here need not be.
    for await (const { offset, fact } of this.#log.read(this.#topic, { offset: first, epoch: 0 }, last + 1)) {
      if (wanted.has(offset)) found.set(offset, readable(fact));
    }
  }

  /** As `#scan`; of the places known it forgets those where nothing stands any more. */
  async #scanFor(
    mine: (key: string) => boolean,
    from: ReadPosition,
    places: readonly Place[],
  ): Promise<readonly TailFact[]> {
    const facts = await this.#scan(mine, from);
    const there = new Set(facts.map(({ offset }) => offset));
    const gone = new Set(places.map(({ offset }) => offset).filter((offset) => !there.has(offset)));
    for (const key of new Set(places.map((place) => place.key))) {
      const offsets = this.#offsets.get(key) ?? [];
      const kept = offsets.filter((offset) => !gone.has(offset));
      this.#records -= offsets.length - kept.length;
      this.#offsets.set(key, kept);
    }
    return facts;
  }

  async #scan(mine: (key: string) => boolean, from: ReadPosition): Promise<readonly TailFact[]> {
    const facts: TailFact[] = [];
    for await (const { key, offset, fact } of this.#log.read(this.#topic, from)) {
      if (mine(key)) facts.push({ key, offset, fact: readable(fact) });
    }
    return facts;
  }
}

function readable(fact: AnyFact | undefined): AnyFact {
  if (fact !== undefined) return fact;
  throw new MilenaError('SET_ASIDE', 'A record of this cannot be read; see milena status.');
}

/** Offsets in order as ranges to read, both ends included. */
function ranges(offsets: readonly number[]): readonly { readonly first: number; readonly last: number }[] {
  const made: { first: number; last: number }[] = [];
  for (const offset of offsets) {
    const range = made.at(-1);
    if (range !== undefined && offset - range.last <= GAP) range.last = offset;
    else made.push({ first: offset, last: offset });
  }
  return made;
}

import { MilenaError } from '../errors/milena-error.ts';
import type { AnyFact } from '../log/records.ts';
import type { TopicName } from '../log/topics.ts';
import { asServerName } from '../matrix/identifiers.ts';
import { sodiumSigner, sodiumVerifier } from '../matrix/sodium-signing.ts';
import { aggregateKinds } from './kinds/kinds.ts';
import type { Loader } from './loader.ts';
import type { OwnedFact, ReadFact, SlotLog } from './slot-log.ts';
import { SlotOwner } from './slot-owner.ts';

interface Placed {
  readonly topic: TopicName;
  readonly offset: number;
}

/** A log in memory for tests of the owner: it survives owners, and can be made to fail. */
export class MemoryLog {
  readonly records: (ReadFact & { readonly topic: TopicName; readonly fact: AnyFact })[] = [];
  appends: number[] = [];
  /** Every read that was begun. */
  readonly reads: { readonly topic: TopicName; readonly from: number; readonly to: number }[] = [];
  /** What the next append does instead of answering: nothing is written, or it is and the answer is lost. */
  next: 'ok' | 'refuse' | 'lose_answer' = 'ok';
  private epoch = 0;
  private offset = 1;

  slot(slot: number): SlotLog {
    let mine = 0;
    return {
      slot,
      maxAppendBytes: 1_000_000,
      claim: async () => {
        // As on every log, the offset of the claim's own record.
        mine = this.offset;
        this.offset += 1;
        this.epoch = mine;
        return mine;
      },
      append: async (topic, facts) => {
        await new Promise((resolve) => setImmediate(resolve));
        if (mine !== this.epoch) throw new MilenaError('FENCED');
        const how = this.next;
        this.next = 'ok';
        if (how === 'refuse') throw new MilenaError('INDEFINITE');
        const offsets = facts.map((fact) => this.put(topic, fact, mine));
        this.appends.push(facts.length);
        if (how === 'lose_answer') throw new MilenaError('INDEFINITE');
        return offsets;
      },
      read: (topic, from, to) => this.read(topic, from.offset, to),
      missingSchemas: async () => [],
      end: async () => this.offset,
      close: async () => undefined,
    };
  }

  private put(topic: TopicName, fact: OwnedFact, epoch: number): number {
    const { offset } = this;
    this.offset += 1;
    const { key, at, command, ...rest } = fact;
    this.records.push({ topic, key, offset, epoch, at, command, fact: rest });
    return offset;
  }

  private async *read(topic: TopicName, from: number, to = this.offset): AsyncIterable<ReadFact> {
    this.reads.push({ topic, from, to });
    const asked = (one: Placed): boolean => one.topic === topic && one.offset >= from && one.offset < to;
    for (const record of this.records.filter(asked)) yield record;
  }
}

/** A loader whose models have seen nothing: all comes from the tail. */
export const emptyLoader: Loader = {
  checkpoint: async () => ({ offset: 0, epoch: 0 }),
  room: async () => undefined,
  events: async () => new Map(),
  user: async () => undefined,
  alias: async () => undefined,
  listing: async () => undefined,
  registrationToken: async () => undefined,
  receipts: async () => [],
  pushRules: async () => ({ next: 0, rules: null }),
  openSagas: async () => [],
  commands: async () => new Map(),
};

/** The name and seed that tests sign with. */
export const TEST_SERVER = asServerName('test.example');

/** Real keys, from a fixed seed. */
export async function testKeys() {
  const signer = await sodiumSigner(TEST_SERVER, '1', Buffer.alloc(32, 7));
  return { signer, verifier: await sodiumVerifier() };
}

/** An open owner of slot 0 over a log. */
export async function openOwner(
  log: MemoryLog,
  loader: Loader = emptyLoader,
  remember?: number,
): Promise<SlotOwner> {
  const kinds = aggregateKinds(await testKeys());
  const owner = new SlotOwner({
    log: log.slot(0),
    loader,
    kinds,
    now: () => 1_000,
    keep: 100,
    ...(remember === undefined ? {} : { remember }),
    broken: () => undefined,
  });
  await owner.open();
  return owner;
}

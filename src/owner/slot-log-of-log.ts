import { MilenaError } from '../errors/milena-error.ts';
import { readFacts } from '../log/fact-reader.ts';
import { FactWriter, type FactWriterParts } from '../log/fact-writer.ts';
import type { ReadPosition } from '../log/port.ts';
import { missingSchemas, type SchemaLookup } from '../log/schema-records.ts';
import type { TopicName } from '../log/topics.ts';
import type { KeyedFact } from './aggregate-kind.ts';
import type { OwnedFact, ReadFact, SlotLog } from './slot-log.ts';

/** One slot of an event log, with sealing and encoding. */
export class SlotLogOfLog implements SlotLog {
  readonly slot: number;
  private readonly parts: FactWriterParts & { readonly schemas: SchemaLookup };
  private writer: FactWriter | undefined;

  constructor(slot: number, parts: FactWriterParts & { readonly schemas: SchemaLookup }) {
    this.slot = slot;
    this.parts = parts;
  }

  get maxAppendBytes(): number {
    return this.parts.log.maxAppendBytes;
  }

  async claim(): Promise<number> {
    await this.close();
    const writer = await this.parts.log.claim(this.slot);
    this.writer = new FactWriter(writer, this.parts);
    return writer.epoch;
  }

  async append(topic: TopicName, facts: readonly OwnedFact[]): Promise<readonly number[]> {
    if (this.writer === undefined) throw new MilenaError('FENCED', 'The slot is not claimed.');
    return (await this.writer.append(topic, facts)).map((fact) => fact.offset);
  }

  async *read(topic: TopicName, from: ReadPosition, to?: number): AsyncIterable<ReadFact> {
    const options = { from, to: to ?? (await this.end(topic)) };
    for await (const batch of readFacts(this.parts, topic, this.slot, options)) {
      for (const { record, fact, error } of batch.facts) {
        if (fact === null && error === undefined) continue; // A tombstone: the key has no value any more.
        const { key, offset, epoch, at, command } = record;
        yield { key, offset, epoch, at, command, fact: fact ?? undefined };
      }
    }
  }

  async missingSchemas(at: number): Promise<readonly KeyedFact[]> {
    return missingSchemas(this.parts.log, this.slot, at);
  }

  end(topic: TopicName): Promise<number> {
    return this.parts.log.end(topic, this.slot);
  }

  async close(): Promise<void> {
    const writer = this.writer;
    this.writer = undefined;
    await writer?.writer.close();
  }
}

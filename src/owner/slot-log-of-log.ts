import { MilenaError } from '../errors/milena-error.ts';
import { readFacts } from '../log/fact-reader.ts';
import { FactWriter, type FactWriterParts } from '../log/fact-writer.ts';
import type { TopicName } from '../log/topics.ts';
import type { OwnedFact, ReadFact, SlotLog } from './slot-log.ts';

/** One slot of an event log, with sealing and encoding. */
export class SlotLogOfLog implements SlotLog {
  readonly slot: number;
  private readonly parts: FactWriterParts;
  private writer: FactWriter | undefined;

  constructor(slot: number, parts: FactWriterParts) {
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

  async *read(topic: TopicName, from: number): AsyncIterable<ReadFact> {
    const to = await this.end(topic);
    const options = { from: { offset: from, epoch: 0 }, to };
    for await (const batch of readFacts(this.parts, topic, this.slot, options)) {
      for (const { record, fact } of batch.facts) {
        // What cannot be read decides nothing; the projectors set it aside and name it.
        if (fact === null) continue;
        yield { key: record.key, offset: record.offset, at: record.at, command: record.command, fact };
      }
    }
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

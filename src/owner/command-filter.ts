import type { TopicName } from '../log/topics.ts';
import { asEventId, type EventId } from '../matrix/identifiers.ts';
import type { CommandResult } from './commands.ts';
import type { ReadFact } from './slot-log.ts';

/** How many commands a slot remembers before it drops those that the models know: about 250 bytes each. */
const KEPT = 6_000;

/**
 * The duplicate filter of a slot (architecture, section 4): what recent commands led to, those under way
 * included. It is rebuilt from the log's tail; older repeatable commands are found in the model.
 */
export class CommandFilter {
  private readonly kept: number;
  private readonly results = new Map<string, CommandResult | Promise<CommandResult>>();

  /** @param kept commands that it remembers before it drops those that the models know. */
  constructor(kept = KEPT) {
    this.kept = kept;
  }

  /** The result of a command, settled or under way. */
  get(id: string): CommandResult | Promise<CommandResult> | undefined {
    return this.results.get(id);
  }

  /** Remembers a command while it is decided and appended; a refused or failed one is forgotten. */
  async remember(id: string, result: Promise<CommandResult>): Promise<CommandResult> {
    this.results.set(id, result);
    try {
      const settled = await result;
      this.results.set(id, settled);
      return settled;
    } catch (error) {
      this.results.delete(id);
      throw error;
    }
  }

  /** Takes a fact that was read back from the log. */
  learn(topic: TopicName, partition: number, read: ReadFact): void {
    if (read.command === undefined || read.command.length === 0) return;
    const id = Buffer.from(read.command).toString('hex');
    const before = this.results.get(id);
    const known = before instanceof Promise ? undefined : before;
    this.results.set(id, {
      ...known,
      written: { topic, partition, offset: read.offset },
      ...eventOf(read),
      ...devicesOf(read),
    });
  }

  /** The IDs of one scope's commands that are remembered. */
  *ofScope(scope: string): Iterable<string> {
    for (const id of this.results.keys()) if (id.startsWith(scope)) yield id;
  }

  /** Whether so many commands are remembered that those in the models should go. */
  get full(): boolean {
    return this.results.size > this.kept;
  }

  /**
   * Drops settled commands whose records stand before the models' checkpoints: the models know them.
   * @returns how many were dropped.
   */
  forget(checkpoint: (topic: string) => number): number {
    const before = this.results.size;
    for (const [id, result] of this.results) {
      if (result instanceof Promise) continue;
      if (result.written === undefined || result.written.offset < checkpoint(result.written.topic)) {
        this.results.delete(id);
      }
      if (this.results.size <= this.kept / 2) break;
    }
    return before - this.results.size;
  }
}

function eventOf({ fact }: ReadFact): { readonly event_id?: EventId } {
  return fact?.type === 'room_event' ? { event_id: asEventId(fact.value.event_id) } : {};
}

function devicesOf({ fact }: ReadFact): { readonly devices?: readonly string[] } {
  return fact?.type === 'device_removed' ? { devices: fact.value.devices } : {};
}

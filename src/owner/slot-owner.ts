import { MilenaError } from '../errors/milena-error.ts';
import type { ReadPosition } from '../log/port.ts';
import { ownedTopics, type TopicName } from '../log/topics.ts';
import type { RoomId } from '../matrix/identifiers.ts';
import type { AggregateKind, Decision, TailFact } from './aggregate-kind.ts';
import { CommandFilter } from './command-filter.ts';
import { isRepeatable, scopeOf } from './command-id.ts';
import type { Command, CommandResult } from './commands.ts';
import { GroupCommit } from './group-commit.ts';
import type { Kinds } from './kinds/kinds.ts';
import { KnownNames } from './known-names.ts';
import type { Loader } from './loader.ts';
import { type OwnedFact, ownedFacts, type ReadFact, type SlotLog, sizeOfFact } from './slot-log.ts';
import type { Subject } from './subject.ts';
import { TailIndex } from './tail-index.ts';
import { writtenUnderClaim } from './written-under.ts';

/** How far back from the end the duplicate filter is rebuilt, in offsets. */
const FILTER_TAIL = 2_000;

/** How long a full filter waits for models that lag before it asks them again, milliseconds. */
const TRIM_MS = 1_000;

/** The topics that aggregates live on. */
const AGGREGATE_TOPICS = ownedTopics.filter((topic) => topic !== 'content_keys');

/** An aggregate in memory. */
interface Entry {
  state: unknown;
  readonly kind: AggregateKind<unknown>;
  readonly key: string;
  /** The commands that wait while one of them reads; undefined when none does. */
  turn: Promise<unknown> | undefined;
  /** Decisions not yet on the log: the entry must stay. */
  pending: number;
  /** The repeatable commands that there were, by scope; loaded on a scope's first command. */
  readonly scopes: Map<string, KnownNames>;
}

/** What a slot's owner works with. */
export interface SlotOwnerDeps {
  readonly log: SlotLog;
  readonly loader: Loader;
  readonly kinds: Kinds;
  readonly now: () => number;
  /** Aggregates kept in memory. */
  readonly keep: number;
  /** Commands remembered before those that the models know are dropped; the filter's own default when left out. */
  readonly remember?: number;
  /** Called when an append has failed: the slot must be claimed anew before it serves again. */
  readonly broken: (error: unknown) => void;
}

/** How a decision is made on an aggregate's state. */
export type Decide = (kind: AggregateKind<unknown>, state: unknown) => Decision;

/**
 * The owner of one slot under one claim. It holds busy aggregates in memory and decides on top of what is not
 * acknowledged yet; nothing leaves before the log has it. After any failed append it is done: a new one is
 * opened, which claims anew and reads what there is.
 */
export class SlotOwner {
  /** The epoch of the claim; 0 before `open`. */
  epoch = 0;
  private readonly deps: SlotOwnerDeps;
  private readonly lanes = new Map<TopicName, GroupCommit<OwnedFact>>();
  private readonly filter: CommandFilter;
  private readonly tails = new Map<TopicName, TailIndex>();
  private trimming = false;
  private trimAfter = 0;
  private readonly entries = new Map<string, Entry>();
  private failure: unknown;

  constructor(deps: SlotOwnerDeps) {
    this.deps = deps;
    this.filter = new CommandFilter(deps.remember);
    for (const topic of AGGREGATE_TOPICS) {
      this.tails.set(topic, new TailIndex(deps.log, topic));
      const append = (to: TopicName, facts: readonly OwnedFact[]) => this.append(to, facts);
      const { maxAppendBytes } = deps.log;
      this.lanes.set(topic, new GroupCommit(topic, append, maxAppendBytes, (error) => this.fail(error)));
    }
  }

  /** Claims the slot and reads the tail into the duplicate filter; then it may serve. */
  async open(): Promise<void> {
    this.epoch = await this.deps.log.claim();
    for (const topic of AGGREGATE_TOPICS) {
      await this.learnCommands(topic);
    }
    const schemas = await this.deps.log.missingSchemas(this.deps.now());
    if (schemas.length > 0) {
      const at = this.deps.now();
      // No command asked for them.
      await this.deps.log.append(
        'server',
        schemas.map((fact) => ({ ...fact, at })),
      );
    }
  }

  /** Decides a command and resolves with its result when the log has it; a repeated one gets the first result. */
  execute(subject: Subject, command: Command): Promise<CommandResult> {
    return this.run(subject, command, command.id, (kind, state) => kind.decide(state, command));
  }

  /** As `execute`, with a decision of the caller's: the steps of sagas. */
  async run(subject: Subject, command: Command, id: string, decide: Decide): Promise<CommandResult> {
    if (this.failure !== undefined) throw this.failure;
    const known = this.filter.get(id);
    if (known !== undefined) return known;
    return this.filter.remember(id, this.decide(subject, command, id, decide));
  }

  /** The state of an aggregate as it is now, un-acknowledged decisions included. */
  async state(subject: Subject): Promise<unknown> {
    const entry = this.entry(subject);
    await this.ready(entry);
    return entry.state;
  }

  /** Ends it: everything that waits fails with `error`. */
  fail(error: unknown): void {
    if (this.failure !== undefined) return;
    this.failure = error;
    for (const lane of this.lanes.values()) lane.fail(error);
    this.entries.clear();
    this.deps.broken(error);
  }

  /** What the models do not have yet, and some way back from the end: a node may still repeat those. */
  private async learnCommands(topic: TopicName): Promise<void> {
    const { log, loader } = this.deps;
    const checkpoint = await loader.checkpoint(topic, log.slot);
    const back = (await log.end(topic)) - FILTER_TAIL;
    const from = back < checkpoint.offset ? { offset: Math.max(0, back), epoch: 0 } : checkpoint;
    const reads: ReadFact[] = [];
    for await (const read of log.read(topic, from)) reads.push(read);
    for (const read of writtenUnderClaim(topic, reads, [checkpoint.epoch, this.epoch]))
      this.filter.learn(topic, log.slot, read);
  }

  private async decide(
    subject: Subject,
    command: Command,
    id: string,
    decide: Decide,
  ): Promise<CommandResult> {
    const entry = this.entry(subject);
    entry.pending += 1;
    try {
      // A turn is only awaited where something must be read: a busy aggregate decides in this very turn.
      while (entry.turn !== undefined || entry.state === undefined) await this.ready(entry);
      const recorded = await this.recorded(entry, command, id);
      if (recorded !== undefined) return recorded;
      const preparing = entry.kind.prepare(entry.state, command, this.source(entry));
      if (preparing !== undefined) await this.takeTurn(entry, preparing);
      while (entry.turn !== undefined) await this.ready(entry);
      return await this.commit(entry, id, decide(entry.kind, entry.state));
    } finally {
      entry.pending -= 1;
    }
  }

  private async append(topic: TopicName, facts: readonly OwnedFact[]): Promise<readonly number[]> {
    const offsets = await this.deps.log.append(topic, facts);
    const tail = this.tailOf(topic);
    tail.appended(facts, offsets);
    if (tail.large && !this.trimming && performance.now() >= this.trimAfter) void this.trim();
    return offsets;
  }

  private async commit(entry: Entry, id: string, decision: Decision): Promise<CommandResult> {
    if (this.failure !== undefined) throw this.failure;
    if (decision.facts.length === 0) return decision.result;
    const stamped = ownedFacts(decision.facts, Buffer.from(id, 'hex'), this.deps.now());
    const bytes = stamped.reduce((sum, fact) => sum + sizeOfFact(fact), 0);
    if (bytes > this.deps.log.maxAppendBytes) throw new MilenaError('APPEND_TOO_LARGE');
    for (const fact of decision.facts) entry.state = entry.kind.evolve(entry.state, fact);
    const { topic } = entry.kind;
    const lane = this.lanes.get(topic);
    if (lane === undefined) throw new MilenaError('INTERNAL', `no lane for ${topic}`);
    const offset = await lane.commit(stamped, bytes);
    const result: CommandResult = {
      ...decision.result,
      written: { topic, partition: this.deps.log.slot, offset },
    };
    if (isRepeatable(id)) entry.scopes.get(scopeOf(id))?.add(id);
    if (this.filter.full && !this.trimming && performance.now() >= this.trimAfter) void this.trim();
    return result;
  }

  private entry(subject: Subject): Entry {
    const name = `${subject.topic} ${subject.key}`;
    const present = this.entries.get(name);
    if (present !== undefined) {
      // A map keeps the order of insertion: whoever was used goes behind the others.
      this.entries.delete(name);
      this.entries.set(name, present);
      return present;
    }
    this.evict();
    const entry: Entry = {
      state: undefined,
      kind: this.deps.kinds.of(subject.topic),
      key: subject.key,
      turn: undefined,
      pending: 0,
      scopes: new Map(),
    };
    entry.turn = this.load(entry).finally(() => {
      entry.turn = undefined;
    });
    entry.turn.catch(() => this.entries.delete(name));
    this.entries.set(name, entry);
    return entry;
  }

  /** Drops the entries above the limit that were not used for longest, but none with decisions that are not on the log yet. */
  private evict(): void {
    let over = this.entries.size - this.deps.keep;
    for (const [name, entry] of this.entries) {
      if (over < 0) return;
      if (entry.pending > 0 || entry.turn !== undefined) continue;
      this.entries.delete(name);
      over -= 1;
    }
  }

  private async ready(entry: Entry): Promise<void> {
    await entry.turn;
    if (this.failure !== undefined) throw this.failure;
    if (entry.state === undefined && entry.turn === undefined) {
      throw new MilenaError('UNAVAILABLE', 'The aggregate could not be loaded.');
    }
  }

  private takeTurn(entry: Entry, work: Promise<void>): Promise<void> {
    const turn = work.finally(() => {
      if (entry.turn === turn) entry.turn = undefined;
    });
    entry.turn = turn;
    return turn;
  }

  /**
   * The model as it is, then the facts that stand behind it on the log. The checkpoint is read first: the model
   * may only get further meanwhile, and then the tail begins within what it has.
   */
  private async load(entry: Entry): Promise<void> {
    const { kind, key } = entry;
    const checkpoint = await this.deps.loader.checkpoint(kind.topic, this.deps.log.slot);
    const { state, next } = await kind.load(key, this.deps.loader);
    let loaded = state;
    if (next !== Number.MAX_SAFE_INTEGER) {
      this.tailOf(kind.topic).trim(checkpoint.offset);
      for (const { fact, offset } of await this.tail(entry, checkpoint)) {
        if (offset >= next) loaded = kind.evolve(loaded, fact);
      }
    }
    entry.state = loaded;
  }

  private source(entry: Entry) {
    const { loader, log } = this.deps;
    return {
      loader,
      checkpoint: () => loader.checkpoint(entry.kind.topic, log.slot),
      tail: (from: ReadPosition) => this.tail(entry, from),
    };
  }

  private tail({ kind, key }: Entry, from: ReadPosition): Promise<readonly TailFact[]> {
    return this.tailOf(kind.topic).of(key, kind.spread(key), from);
  }

  private tailOf(topic: TopicName): TailIndex {
    const tail = this.tails.get(topic);
    if (tail === undefined) throw new MilenaError('INTERNAL', `no tail of ${topic}`);
    return tail;
  }

  /** The recorded result of a repeatable command that the filter has forgotten. */
  private async recorded(entry: Entry, command: Command, id: string): Promise<CommandResult | undefined> {
    if (!isRepeatable(id) || command.kind !== 'send_event') return undefined;
    const scope = scopeOf(id);
    const names = entry.scopes.get(scope) ?? (await this.namesOf(entry, command.room_id, scope, id));
    if (!names.mayHave(id)) return undefined;
    const event_id = (await this.deps.loader.commands(command.room_id, scope)).get(id);
    return event_id === undefined ? undefined : { event_id };
  }

  /** Every command of a scope in a room but `own`: what the model has, and what it does not have yet. */
  private async namesOf(entry: Entry, roomId: RoomId, scope: string, own: string): Promise<KnownNames> {
    // Before and after: what the filter drops meanwhile is in the model, but perhaps not in this answer.
    const remembered = [...this.filter.ofScope(scope)];
    const commands = await this.deps.loader.commands(roomId, scope);
    remembered.push(...this.filter.ofScope(scope));
    const names =
      entry.scopes.get(scope) ??
      new KnownNames([...commands.keys(), ...remembered.filter((known) => known !== own)]);
    entry.scopes.set(scope, names);
    return names;
  }

  private async trim(): Promise<void> {
    this.trimming = true;
    try {
      const { loader, log } = this.deps;
      const checkpoints = new Map<string, number>();
      for (const topic of AGGREGATE_TOPICS) {
        checkpoints.set(topic, (await loader.checkpoint(topic, log.slot)).offset);
      }
      for (const [topic, tail] of this.tails) tail.trim(checkpoints.get(topic) ?? 0);
      if (!this.filter.full) return;
      const dropped = this.filter.forget((topic) => checkpoints.get(topic) ?? 0);
      if (dropped === 0) this.trimAfter = performance.now() + TRIM_MS;
    } catch {
      // The models are out of reach: the filter stays large until they are back.
      this.trimAfter = performance.now() + TRIM_MS;
    } finally {
      this.trimming = false;
    }
  }
}

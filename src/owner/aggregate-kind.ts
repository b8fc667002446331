import type { ReadPosition } from '../log/port.ts';
import type { AnyFact } from '../log/records.ts';
import type { TopicName } from '../log/topics.ts';
import type { Command, CommandResult } from './commands.ts';
import type { Loader } from './loader.ts';

/** A fact with its key on the log. */
export type KeyedFact = AnyFact & { readonly key: string };

/** A fact of the tail with the offset where it stands. */
export interface TailFact {
  readonly key: string;
  readonly offset: number;
  readonly fact: AnyFact;
}

/** What a decision leads to: facts to append (perhaps none) and the answer once they are on the log. */
export interface Decision {
  readonly facts: readonly KeyedFact[];
  readonly result: CommandResult;
}

/** Where an aggregate finds what it needs. */
export interface Source {
  readonly loader: Loader;
  /**
   * Where the model stands now. To be asked before the model is: what it takes in meanwhile stands in the tail from
   * here, too.
   */
  checkpoint(): Promise<ReadPosition>;
  /** The facts of the aggregate that stand on the log from a checkpoint on. */
  tail(from: ReadPosition): Promise<readonly TailFact[]>;
}

/** A state as a model has it. */
export interface Loaded<S> {
  readonly state: S;
  /** The first offset that is not in it; facts from there on are applied to it. */
  readonly next: number;
}

/**
 * A kind of aggregate: how it is loaded, what it decides, how it evolves. The state is a value; `decide` has no
 * side effects but what `learn` keeps.
 */
export interface AggregateKind<S> {
  readonly topic: TopicName;
  /** The state as the model has it now. */
  load(key: string, loader: Loader): Promise<Loaded<S>>;
  /** Whether the aggregate's records have keys of their own that begin with its key; otherwise they have just it. */
  spread(key: string): boolean;
  /** Fetches what the decision needs and the state lacks. Undefined, and no wait, when it lacks nothing. */
  prepare(state: S, command: Command, source: Source): Promise<void> | undefined;
  /** @throws MilenaError when the command is refused. */
  decide(state: S, command: Command): Decision;
  /** The state after a fact. */
  evolve(state: S, fact: AnyFact): S;
}

import type { EventLog, NewRecord, Offset } from '../../src/log/port.ts';
import type { TopicName } from '../../src/log/topics.ts';

/**
 * What an adapter gives to the contract suite (`event-log-contract.ts`). A harness is one real server; from it
 * the suite takes as many empty logs as it has cases that must not see each other.
 */
export interface Harness extends AsyncDisposable {
  /** Makes a new, empty log on the server (another database, another topic prefix) with `slots` slots. */
  fresh(): Promise<LogUnderTest>;
  /** Slots of every log that `fresh` makes; at least 4. */
  readonly slots: number;
  /** How long a case leaves a suspended owner asleep, so that brokers have forgotten it. */
  readonly asleepMs: number;
  /** Bound on the time from kill -9 of an owner to `gained` on another node. */
  readonly takeoverMs: number;
  /** Bound on the time from an acknowledged append to a tailing reader on the same and on another node. */
  readonly tailMs: number;
}

/** One log. All that is opened is closed by `Symbol.asyncDispose`, in whatever state it is. */
export interface LogUnderTest extends AsyncDisposable {
  /** Opens the log as one more node would, of that server: own connections, nothing shared in memory. */
  open(options?: { readonly serverName?: string }): Promise<EventLog>;
  /** How another process opens the same log. */
  readonly recipe: LogRecipe;
  /** Opens the log through a proxy that can lose what passes. */
  proxied(): Promise<ProxiedLog>;
  /**
   * Begins an append that has taken its place in the partition and does not become visible until `commit`.
   * Undefined where the log's server gives nobody a place before the record is visible.
   */
  readonly stall?: (
    topic: TopicName,
    partition: number,
    records: readonly NewRecord[],
  ) => Promise<StalledAppend>;
  /**
   * Has the server write out and drop what it is ever going to drop by itself, then lists every file in which
   * it holds bytes of the log: data, write-ahead log, indexes.
   */
  storedFiles(): Promise<readonly string[]>;
}

/** An append held open by the harness, on a connection of its own. */
export interface StalledAppend {
  /** Lets it commit, and gives the offsets. */
  commit(): Promise<readonly Offset[]>;
}

/** A module that opens a log in another process. */
export interface LogRecipe {
  /** URL of a module that exports `openLog(settings): Promise<EventLog>` (type `OpenLog`). */
  readonly module: string;
  /** What `openLog` gets, after a round trip through JSON. */
  readonly settings: unknown;
}

/** The export that a `LogRecipe`'s module must have. */
export type OpenLog = (settings: unknown) => Promise<EventLog>;

/** A log whose traffic passes through `test/support/cutting-proxy.ts`. */
export interface ProxiedLog {
  readonly log: EventLog;
  /**
   * From now on the first request in which `marker` occurs reaches the server, its reply does not come back,
   * and the connection is cut. Resolves when that has happened.
   */
  loseReplyTo(marker: string): Promise<void>;
  /** The same, but the request itself does not reach the server. */
  loseRequest(marker: string): Promise<void>;
}

/** Starts the server; or says why this machine can't, and the suite shows as skipped with that reason. */
export type MakeHarness = () => Promise<Harness | { readonly skip: string }>;

/** A clock that is kept right moves by less in one step, milliseconds. */
const STEP_MS = 1_000;
/** How often the wall clock is held against the one that never goes back, milliseconds. */
const EVERY_MS = 1_000;

/** Where a watch looks, and what it tells. */
export interface ClockWatchDeps {
  /** Milliseconds since the epoch: what the machine says. */
  readonly wall: () => number;
  /** Milliseconds that never go back. */
  readonly monotonic: () => number;
  /** The time of the newest record on the log, milliseconds since the epoch; 0 when there is none. */
  readonly newestRecord: number;
  /** A line for the operator, with its facts. */
  readonly warn: (facts: { readonly behindMs: number }, text: string) => void;
}

/**
 * Tells the operator when the machine's clock has gone back: below what it said before, or below the newest record on
 * the log. That is no reason to stop or to be unready. No decision hangs on the time of day: leases, limits and timers
 * go by the monotonic clock, the log's order by offsets. What is written meanwhile keeps the newest record's time in
 * the log (`at` never goes back); events show the clock's own (`origin_server_ts`).
 */
export class ClockWatch implements Disposable {
  readonly #deps: ClockWatchDeps;
  #highest: number;
  #difference: number;
  #timer: NodeJS.Timeout | undefined;

  constructor(deps: ClockWatchDeps) {
    this.#deps = deps;
    this.#highest = deps.newestRecord;
    this.#difference = deps.wall() - deps.monotonic();
    const { behindMs } = this;
    if (behindMs < STEP_MS) return;
    deps.warn({ behindMs }, `the clock is behind the newest record on the log ${MEANWHILE}`);
  }

  /** Looks every second, from now on. */
  start(): this {
    this.#timer = setInterval(() => this.check(), EVERY_MS).unref();
    return this;
  }

  /** By how much the clock is behind what it or the log once said, milliseconds; 0 when it is not. */
  get behindMs(): number {
    return Math.max(0, this.#highest - this.#deps.wall());
  }

  /** Looks once. */
  check(): void {
    const wall = this.#deps.wall();
    const difference = wall - this.#deps.monotonic();
    const back = Math.round(this.#difference - difference);
    this.#difference = difference;
    // What it would say now if it had not been set back.
    this.#highest = Math.max(this.#highest, wall, back >= STEP_MS ? wall + back : 0);
    if (back < STEP_MS) return;
    this.#deps.warn({ behindMs: this.behindMs }, `the clock has gone back ${MEANWHILE}`);
  }

  [Symbol.dispose](): void {
    clearInterval(this.#timer);
  }
}

const MEANWHILE =
  'by so many milliseconds (behindMs); until it has caught up, records keep the newest time. Nothing is lost: set ' +
  'the clock right, and have it kept right (NTP)';

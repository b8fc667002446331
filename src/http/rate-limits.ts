import { LRUCache } from 'lru-cache';
import type { Rate, RateException } from '../config/config.ts';
import { MilenaError } from '../errors/milena-error.ts';
import type { HttpSettings } from './deps.ts';

/** What is limited. */
export type Limit =
  | 'registration'
  | 'loginAddress'
  | 'loginAccount'
  | 'send'
  /** Joins, knocks, invitations, leaves, kicks, bans, forgetting. */
  | 'membership'
  /** Receipts, read markers, typing. */
  | 'notice'
  /** Questions that cost more than most: a room's aliases, the event nearest to a time. */
  | 'lookup'
  | 'createRoom'
  | 'profile'
  | 'request'
  | 'device'
  | 'address';

/** Rates by what they limit. */
export type Rates = Readonly<Record<Limit, Rate>>;

/** One bucket to take from. */
export interface Take {
  readonly limit: Limit;
  readonly key: string;
  /** How many times the usual rate (default 1). */
  readonly factor?: number;
}

/** How far a bucket is from full, in milliseconds of refilling. */
interface Bucket {
  owedMs: number;
  /** When that was so. */
  at: number;
  /** What was used here and other nodes have not been told. */
  untoldMs: number;
  /** What of it waits until it is worth telling. */
  readonly worthMs: number;
}

/** Buckets kept. */
const BUCKETS = 100_000;
/** The part of a burst that a node may use before it tells the others. */
const UNTOLD_PART = 1 / 4;

/**
 * Token buckets: `count` at once, refilled evenly over `perMs`. Taking is a matter of this process's memory; what was
 * used is told to the other nodes a little later (`rate-exchange.ts`). So `n` nodes together let through at most
 * 1.25 `n` times `count` at once, and not more than the rate in the long run.
 */
export class RateLimits {
  readonly #rates: Rates | undefined;
  readonly #exceptions: ReadonlyMap<string, number>;
  readonly #now: () => number;
  readonly #buckets = new LRUCache<string, Bucket>({ max: BUCKETS });
  /** Buckets of which so much was used that it is worth telling. */
  readonly #tellable = new Set<string>();

  /**
   * @param rates undefined: nothing is limited.
   * @param now milliseconds that never go back.
   */
  constructor(
    rates: Rates | undefined,
    now: () => number = () => performance.now(),
    exceptions: readonly RateException[] = [],
  ) {
    this.#rates = rates;
    this.#now = now;
    this.#exceptions = new Map(exceptions.map(({ userId, factor }) => [userId, factor]));
  }

  /** How many times the usual rate a user has; 0 stands for no limit. */
  factorOf(userId: string): number {
    return this.#exceptions.get(userId) ?? 1;
  }

  /** Takes one. @throws MilenaError LIMIT_EXCEEDED with the milliseconds to wait. */
  take(limit: Limit, key: string): void {
    this.takeAll([{ limit, key }]);
  }

  /** Takes one of each, or none. @throws MilenaError LIMIT_EXCEEDED with the longest of the waits. */
  takeAll(takes: readonly Take[]): void {
    if (this.#rates === undefined) return;
    const now = this.#now();
    let retryAfterMs = 0;
    const used: [name: string, bucket: Bucket, ms: number][] = [];
    for (const { limit, key, factor = 1 } of takes) {
      const { count, perMs } = this.#rates[limit];
      const one = perMs / (count * factor);
      const name = `${limit} ${key}`;
      const bucket = this.#bucket(name, perMs, one, now);
      // A thousandth of one is a matter of rounding.
      retryAfterMs = Math.max(retryAfterMs, Math.ceil(bucket.owedMs + one * 0.999 - perMs));
      used.push([name, bucket, one]);
    }
    if (retryAfterMs > 0) throw new MilenaError('LIMIT_EXCEEDED', undefined, { retryAfterMs });
    for (const [name, bucket, ms] of used) this.#use(name, bucket, ms);
  }

  /** Gives one back: where only failures count, one is taken before the try, so that tries at once count too. */
  giveBack(limit: Limit, key: string): void {
    const name = `${limit} ${key}`;
    const bucket = this.#buckets.get(name);
    if (bucket === undefined || this.#rates === undefined) return;
    const { count, perMs } = this.#rates[limit];
    this.#use(name, bucket, -perMs / count);
  }

  /** What was used here and is to be told to others now. It counts as told. */
  untold(): readonly { readonly name: string; readonly usedMs: number }[] {
    const told: { name: string; usedMs: number }[] = [];
    for (const name of this.#tellable) {
      const bucket = this.#buckets.peek(name);
      // Gone, or given back since.
      if (bucket === undefined || !isWorthTelling(bucket)) continue;
      told.push({ name, usedMs: bucket.untoldMs });
      bucket.untoldMs = 0;
    }
    this.#tellable.clear();
    return told;
  }

  /** It could not be told. */
  retell(used: readonly { readonly name: string; readonly usedMs: number }[]): void {
    for (const { name, usedMs } of used) {
      const bucket = this.#buckets.peek(name);
      if (bucket === undefined) continue;
      this.#noteUsed(name, bucket, usedMs);
    }
  }

  /** What is owed by all nodes, of what they have told. */
  learn(owed: readonly { readonly name: string; readonly owedMs: number }[]): void {
    const now = this.#now();
    for (const { name, owedMs } of owed) {
      const bucket = this.#buckets.peek(name);
      if (bucket === undefined) continue;
      bucket.owedMs = owedMs + bucket.untoldMs;
      bucket.at = now;
    }
  }

  #bucket(name: string, perMs: number, one: number, now: number): Bucket {
    const present = this.#buckets.get(name);
    if (present !== undefined) {
      present.owedMs = Math.max(0, present.owedMs - (now - present.at));
      present.at = now;
      return present;
    }
    const made = { owedMs: 0, at: now, untoldMs: 0, worthMs: Math.max(one / 2, perMs * UNTOLD_PART) };
    this.#buckets.set(name, made);
    return made;
  }

  #use(name: string, bucket: Bucket, ms: number): void {
    bucket.owedMs += ms;
    this.#noteUsed(name, bucket, ms);
  }

  #noteUsed(name: string, bucket: Bucket, ms: number): void {
    bucket.untoldMs += ms;
    if (isWorthTelling(bucket)) this.#tellable.add(name);
  }
}

function isWorthTelling({ untoldMs, worthMs }: Bucket): boolean {
  return Math.abs(untoldMs) >= worthMs;
}

/** The rates of a configuration; undefined when limits are off. */
export function ratesOf(settings: HttpSettings): Rates | undefined {
  if (!settings.rateLimits) return undefined;
  return {
    registration: settings.rateRegistration,
    loginAddress: settings.rateLoginAddress,
    loginAccount: settings.rateLoginAccount,
    send: settings.rateSend,
    membership: settings.rateMembership,
    notice: settings.rateNotice,
    lookup: settings.rateLookup,
    createRoom: settings.rateCreateRoom,
    profile: settings.rateProfile,
    request: settings.rateRequest,
    device: settings.rateDevice,
    address: settings.rateAddress,
  };
}

/** The key of an address: IPv6 by its /64, which is what one customer has. */
export function addressKey(address: string): string {
  if (!address.includes(':')) return address;
  if (address.startsWith('::ffff:') && address.includes('.')) return address.slice(7);
  const [head = '', tail] = address.split('::', 2);
  const left = head === '' ? [] : head.split(':');
  const right = tail === undefined || tail === '' ? [] : tail.split(':');
  const middle: string[] =
    tail === undefined ? [] : new Array(Math.max(0, 8 - left.length - right.length)).fill('0');
  return [...left, ...middle, ...right].slice(0, 4).join(':');
}

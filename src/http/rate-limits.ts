import { LRUCache } from 'lru-cache';
import type { Rate } from '../config/config.ts';
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
  | 'lookup';

/** Rates by what they limit. */
export type Rates = Readonly<Record<Limit, Rate>>;

interface Bucket {
  tokens: number;
  at: number;
}

/**
 * Token buckets: `count` at once, refilled evenly over `perMs`. Sessions-type state (architecture, section 1):
 * in memory, per node, lost at a restart.
 */
export class RateLimits {
  readonly #rates: Rates | undefined;
  readonly #now: () => number;
  readonly #buckets = new LRUCache<string, Bucket>({ max: 100_000 });

  /**
   * @param rates undefined: nothing is limited.
   * @param now milliseconds that never go back.
   */
  constructor(rates: Rates | undefined, now: () => number = () => performance.now()) {
    this.#rates = rates;
    this.#now = now;
  }

  /** Takes one. @throws MilenaError LIMIT_EXCEEDED with the milliseconds to wait. */
  take(limit: Limit, key: string): void {
    const bucket = this.#checked(limit, key);
    if (bucket !== undefined) bucket.tokens -= 1;
  }

  /** Gives one back: where only failures count, one is taken before the try, so that tries at once count too. */
  giveBack(limit: Limit, key: string): void {
    const bucket = this.#buckets.get(`${limit} ${key}`);
    if (bucket !== undefined) bucket.tokens += 1;
  }

  #checked(limit: Limit, key: string): Bucket | undefined {
    if (this.#rates === undefined) return undefined;
    const { count, perMs } = this.#rates[limit];
    const now = this.#now();
    const name = `${limit} ${key}`;
    const bucket = this.#buckets.get(name) ?? { tokens: count, at: now };
    bucket.tokens = Math.min(count, bucket.tokens + ((now - bucket.at) * count) / perMs);
    bucket.at = now;
    this.#buckets.set(name, bucket);
    if (bucket.tokens >= 1) return bucket;
    const retryAfterMs = Math.ceil(((1 - bucket.tokens) * perMs) / count);
    throw new MilenaError('LIMIT_EXCEEDED', undefined, { retryAfterMs });
  }
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

import type pg from 'pg';

/** What a node has used of a bucket since it last told, in milliseconds of refilling; given back: below zero. */
export interface UsedRate {
  readonly name: string;
  readonly usedMs: number;
}

/** What all nodes together owe to a bucket: how long it takes until it is full again. */
export interface OwedRate {
  readonly name: string;
  readonly owedMs: number;
}

/** Where nodes tell each other what they have used of rate limits. */
export interface RateLedger {
  /** Adds what was used and gives what is owed then, in one step. Names are different. */
  settle(used: readonly UsedRate[]): Promise<readonly OwedRate[]>;
}

/** Postgres' clock, for all nodes the same. */
const NOW = `(extract(epoch FROM statement_timestamp()) * 1000)::float8`;

// Sorted, so that two that settle the same names do not wait for each other in a circle.
const SETTLE = `INSERT INTO sessions.rates AS r
  SELECT name, ${NOW} + used FROM unnest($1::text[], $2::float8[]) u(name, used) ORDER BY name
  ON CONFLICT (name) DO UPDATE SET paid_at = greatest(r.paid_at, ${NOW}) + (EXCLUDED.paid_at - ${NOW})
  RETURNING name, greatest(0, paid_at - ${NOW}) AS owed`;

const SWEEP = `DELETE FROM sessions.rates WHERE name IN (SELECT name FROM sessions.rates
  WHERE paid_at < ${NOW} ORDER BY paid_at LIMIT 1000 FOR UPDATE SKIP LOCKED)`;

/** How often full buckets are deleted, in settlements. */
const SWEEP_EVERY = 100;

/** The ledger in Postgres, beside the other sessions. */
export class PostgresRateLedger implements RateLedger {
  readonly #pool: pg.Pool;
  #settled = 0;

  /** @param pool of the schema `sessions`. */
  constructor(pool: pg.Pool) {
    this.#pool = pool;
  }

  async settle(used: readonly UsedRate[]): Promise<readonly OwedRate[]> {
    const values = [used.map(({ name }) => storable(name)), used.map(({ usedMs }) => usedMs)];
    const { rows } = await this.#pool.query<{ name: string; owed: number }>({
      name: 'rates-settle',
      text: SETTLE,
      values,
    });
    this.#settled += 1;
    if (this.#settled % SWEEP_EVERY === 0) await this.#pool.query(SWEEP);
    const owed = new Map(rows.map((row) => [row.name, row.owed]));
    return used.map(({ name }) => ({ name, owedMs: owed.get(storable(name)) ?? 0 }));
  }
}

/** Postgres has no NUL in texts. */
function storable(name: string): string {
  return name.replaceAll('\0', '');
}

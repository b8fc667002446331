import { LRUCache } from 'lru-cache';
import { Compile } from 'typebox/compile';
import { type ReadyFilter, readyFilter } from '../../../../projections/sync/sync-filter.ts';
import { MilenaError } from '../../../errors/milena-error.ts';
import type { UserId } from '../../../matrix/identifiers.ts';
import { parseJson } from '../../../matrix/strict-json.ts';
import type { ClientContext } from '../../context.ts';
import { filterSchema } from '../filter-schema.ts';

const compiled = Compile(filterSchema);

/** Filters kept ready: clients ask with the same one again and again. */
const KEPT = 2_000;

/** The filters of syncs, made ready once: given in the query, or stored and named by their ID. */
export class SyncFilters {
  readonly #context: Pick<ClientContext, 'reads' | 'freshness'>;
  readonly #ready = new LRUCache<string, ReadyFilter>({ max: KEPT });
  readonly #none = readyFilter({});

  constructor(context: Pick<ClientContext, 'reads' | 'freshness'>) {
    this.#context = context;
  }

  /** @throws MilenaError INVALID_PARAM for what is no filter, and for an ID that the user has not stored. */
  async get(userId: UserId, given: string | undefined): Promise<ReadyFilter> {
    if (given === undefined || given === '') return this.#none;
    const inline = given.startsWith('{');
    const name = inline ? given : `${userId} ${given}`;
    const known = this.#ready.get(name);
    if (known !== undefined) return known;
    const ready = readyFilter(parsed(inline ? given : await this.#stored(userId, given)));
    this.#ready.set(name, ready);
    return ready;
  }

  async #stored(userId: UserId, filterId: string): Promise<string> {
    const { freshness, reads } = this.#context;
    await freshness.user(userId);
    const find = () => reads.accounts.filter(userId, filterId);
    const text = await freshness.orLater('user_values', userId, find);
    if (text === undefined) throw new MilenaError('INVALID_PARAM', 'filter: there is no filter of this ID');
    return text;
  }
}

function parsed(text: string): Parameters<typeof readyFilter>[0] {
  let value: unknown;
  try {
    value = parseJson(text, 'any');
  } catch (cause) {
    throw new MilenaError('INVALID_PARAM', 'filter: is not JSON', { cause });
  }
  if (compiled.Check(value)) return value;
  throw new MilenaError('INVALID_PARAM', 'filter: is not a filter');
}

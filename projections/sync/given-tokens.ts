import { MilenaError } from '../../src/errors/milena-error.ts';
import type { LiveTail } from './live-tail.ts';
import { covers } from './position.ts';
import type { SyncRequest } from './sync-request.ts';
import { decodeToken, isForeignToken, SYNC_TOPICS, type SyncPosition, type SyncTopic } from './token.ts';

/** How long a request waits for the tail to have what this node, or the token, has seen: milliseconds. */
const TAIL_MS = 2_000;

/** What tokens are held against. */
export interface TokenDeps {
  /** The log's. */
  readonly generation: string;
  /**
   * Where the log ends, by partition. Asked about tokens that are ahead of what was read here: those of a log that
   * has since lost its end (a restored backup) are cut. Without it they are believed.
   */
  readonly ends?: (topic: SyncTopic) => Promise<readonly number[]>;
}

/** The tokens that clients bring: read, waited for, and cut where they are of a log that is no more. */
export class GivenTokens {
  private readonly tail: LiveTail;
  private readonly deps: TokenDeps;

  constructor(tail: LiveTail, deps: TokenDeps) {
    this.tail = tail;
    this.deps = deps;
  }

  /** @throws MilenaError INVALID_PARAM for a token that is none of this server's. */
  check(token: string | undefined): void {
    this.read(token);
  }

  /**
   * The position of a token, once the tail has what this node has acknowledged, and what the token's node had read.
   * Undefined where the client begins anew: without a token, and with one that is cut.
   * @throws MilenaError INVALID_PARAM for a token that is none of this server's.
   */
  async position(
    token: string | undefined,
    written: SyncRequest['written'],
  ): Promise<SyncPosition | undefined> {
    const given = this.read(token);
    await this.catchUp(written, given);
    return (await this.isBeyondTheLog(given)) ? undefined : given;
  }

  /** Waits until the tail has what this node has acknowledged, and what is before a position. */
  async catchUp(written: SyncRequest['written'], since?: SyncPosition): Promise<void> {
    const { window } = this.tail;
    const waits: Promise<boolean>[] = [];
    for (const topic of SYNC_TOPICS) {
      const ends = window.end(topic);
      for (let partition = 0; partition < window.slots; partition += 1) {
        const own = (written?.get(topic)?.[partition] ?? -1) + 1;
        const end = Math.max(own, since?.[topic][partition] ?? 0);
        if ((ends[partition] ?? 0) < end) waits.push(window.reached(topic, partition, end, TAIL_MS));
      }
    }
    if (waits.length > 0) await Promise.all(waits);
  }

  /** A token of another log (a copy, a restored backup) is cut: its holder begins anew. */
  private read(token: string | undefined): SyncPosition | undefined {
    if (token === undefined) return undefined;
    const position = decodeToken(token, this.deps.generation, this.tail.window.slots);
    if (position === undefined && !isForeignToken(token, this.deps.generation)) {
      throw new MilenaError('INVALID_PARAM', 'The token is none of this server’s.');
    }
    return position;
  }

  private async isBeyondTheLog(since: SyncPosition | undefined): Promise<boolean> {
    const { ends } = this.deps;
    if (since === undefined || ends === undefined || covers(this.tail.position(), since)) return false;
    for (const topic of SYNC_TOPICS) {
      const end = await ends(topic);
      if (since[topic].some((offset, partition) => offset > (end[partition] ?? 0))) return true;
    }
    return false;
  }
}

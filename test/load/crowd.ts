import { CommandForwarder } from '../../src/http/internal/forwarder.ts';
import type { UserId } from '../../src/matrix/identifiers.ts';
import { freshCommandId } from '../../src/owner/command-id.ts';
import type { Command } from '../../src/owner/commands.ts';
import { INTERNAL_SECRET } from '../support/server.ts';
import type { Target } from './target.ts';

/** Commands under way at once: enough that appends are shared by many. */
const AT_ONCE = 128;

/** What one event into a room is, but for what every command has. */
export type CrowdEvent = Omit<Extract<Command, { kind: 'send_event' }>, 'kind' | 'id' | 'at'>;

/**
 * Fills rooms without the client API: commands go straight to the owner, whose aggregates decide them as they
 * decide anybody's, onto the log. Read models are made of the log as ever. About eight times as quick as over HTTP,
 * and needs no accounts: members of a crowd never log in.
 */
export class Crowd implements Disposable {
  readonly #owner: string;
  readonly #forwarder = new CommandForwarder(INTERNAL_SECRET, 60_000);

  constructor(target: Target) {
    this.#owner = target.owner;
  }

  /** Has all of these decided, those of one room in any order. */
  async all(events: Iterable<CrowdEvent>): Promise<void> {
    const queue = events[Symbol.iterator]();
    const work = async (): Promise<void> => {
      for (let next = queue.next(); next.done !== true; next = queue.next()) {
        const stamp = { kind: 'send_event', id: freshCommandId(), at: Date.now() } as const;
        await this.#forwarder.forward(this.#owner, { ...stamp, ...next.value });
      }
    };
    await Promise.all(Array.from({ length: AT_ONCE }, work));
  }

  [Symbol.dispose](): void {
    this.#forwarder.close();
  }
}

/** A user who has no account. */
export function stranger(n: number): UserId {
  return `@crowd-${n}:localhost` as UserId; // The name of every server under load.
}

/** This user's join of a public room. */
export function joining(room_id: CrowdEvent['room_id'], user: UserId): CrowdEvent {
  const content = JSON.stringify({ membership: 'join', displayname: user.slice(1, -10) });
  return { room_id, sender: user, type: 'm.room.member', state_key: user, content };
}

/** A message of 100 characters. */
export function saying(room_id: CrowdEvent['room_id'], sender: UserId): CrowdEvent {
  const content = JSON.stringify({ msgtype: 'm.text', body: 'x'.repeat(100) });
  return { room_id, sender, type: 'm.room.message', content };
}

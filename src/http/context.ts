import type { FastifyInstance } from 'fastify';
import type { Command, CommandResult } from '../owner/commands.ts';
import type { Authenticator } from './auth.ts';
import type { HttpDeps } from './deps.ts';
import type { Freshness } from './freshness.ts';
import type { LastSeen } from './last-seen.ts';
import type { RateLimits } from './rate-limits.ts';

/** A fastify app, or a part of one. */
export type App = FastifyInstance;

/** What routes work with: the dependencies and what the app makes of them. */
export interface ClientContext extends HttpDeps {
  readonly auth: Authenticator;
  readonly limits: RateLimits;
  readonly freshness: Freshness;
  readonly lastSeen: LastSeen;
  /** Sends a command to its owner and notes where it was written, so that later reads here see it. */
  readonly execute: (command: Command) => Promise<CommandResult>;
  /** Aborts when the app begins to close: long polls answer at once. */
  readonly draining: AbortSignal;
}

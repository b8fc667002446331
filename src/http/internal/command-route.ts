import type { Command } from '../../owner/commands.ts';
import type { App } from '../context.ts';
import { asMilenaError } from '../error-reply.ts';
import type { InternalDeps } from './app.ts';
import { toWire } from './wire-error.ts';

/** Where nodes send commands to their owner. */
export const COMMAND_PATH = '/_milena/internal/v1/command';

/**
 * Runs a command at this node. Errors go back as errors of the catalogue; 421 says that this node does not own
 * the slot, and the router asks the log who does.
 */
export function commandRoute(app: App, { execute, logger }: Pick<InternalDeps, 'execute' | 'logger'>): void {
  app.post(COMMAND_PATH, async (request, reply) => {
    try {
      // The peer is a node of ours: it has the secret, and commands were checked where they were made.
      return await execute(request.body as Command);
    } catch (cause) {
      const error = asMilenaError(cause);
      if (error.code === 'INTERNAL') logger.error({ reqId: request.id, err: cause }, 'a command failed');
      return reply.code(error.status).send(toWire(error));
    }
  });
}

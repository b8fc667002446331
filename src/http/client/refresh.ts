import { Type } from 'typebox';
import { MilenaError } from '../../errors/milena-error.ts';
import { freshCommandId } from '../../owner/command-id.ts';
import { tokenHash, tokenSlot } from '../access-token.ts';
import type { App, ClientContext } from '../context.ts';
import { addressKey } from '../rate-limits.ts';
import { route } from '../route.ts';
import { newTokens, type TokenAnswer } from './new-session.ts';

/** How long an unknown token waits for the model to catch up, milliseconds. */
const WAIT_MS = 2_000;

/** `POST refresh` (spec: client-server API, "Refreshing access tokens"). */
export function refreshRoutes(app: App, context: ClientContext): void {
  route(app, {
    method: 'POST',
    path: '/refresh',
    prefixes: ['/_matrix/client/v3'],
    auth: 'none',
    body: Type.Object({ refresh_token: Type.String() }),
    response: Type.Object({
      access_token: Type.String(),
      refresh_token: Type.Optional(Type.String()),
      expires_in_ms: Type.Optional(Type.Integer()),
    }),
    handle: async ({ body, address }) => {
      context.limits.take('loginAddress', addressKey(address));
      return refresh(context, body.refresh_token);
    },
  });
}

/** @throws MilenaError UNKNOWN_TOKEN when the token is none of ours, or none any more; USER_LOCKED */
async function refresh(context: ClientContext, shown: string): Promise<TokenAnswer> {
  const slot = tokenSlot(shown, context.slots);
  if (slot === undefined) throw unknownToken();
  const hash = tokenHash(shown);
  const find = () => context.reads.accounts.refreshing(hash);
  let userId = await find();
  if (userId === undefined) {
    await context.gate.caughtUp('users', slot, WAIT_MS);
    userId = await find();
  }
  if (userId === undefined) throw unknownToken();
  const { stored, answer } = newTokens(context, userId);
  const stamp = { id: freshCommandId(), at: context.now() };
  await context.execute({ kind: 'refresh_tokens', ...stamp, user_id: userId, shown_hash: hash, ...stored });
  return answer;
}

function unknownToken(): MilenaError {
  return new MilenaError('UNKNOWN_TOKEN', 'The refresh token is not known, or was used already.', {
    expose: { soft_logout: false },
  });
}

import { Type } from 'typebox';
import { tokenHash } from '../access-token.ts';
import type { App, ClientContext } from '../context.ts';
import { requireSelf } from '../require-self.ts';
import { route, SINCE_R0 } from '../route.ts';
import { objectSchema, userIdSchema } from '../schemas.ts';

/** How long a token is good for, seconds. */
const SECONDS = 3_600;
const TOKEN_BYTES = 32;

/** `POST openid/request_token` (spec: client-server API, "OpenID"). Only the token's hash is kept. */
export function openIdRoutes(app: App, context: ClientContext): void {
  route(app, {
    method: 'POST',
    path: '/user/:userId/openid/request_token',
    prefixes: SINCE_R0,
    auth: 'user',
    params: Type.Object({ userId: userIdSchema }),
    body: objectSchema,
    response: Type.Object({
      access_token: Type.String(),
      token_type: Type.Literal('Bearer'),
      matrix_server_name: Type.String(),
      expires_in: Type.Integer(),
    }),
    handle: async ({ params: { userId }, session }) => {
      requireSelf(session, userId);
      const token = `mlo_${Buffer.from(context.random(TOKEN_BYTES)).toString('base64url')}`;
      const place = { kind: 'openid', owner: '', name: tokenHash(token) } as const;
      await context.sessions.put([{ ...place, value: userId, ttlMs: SECONDS * 1_000 }]);
      return {
        access_token: token,
        token_type: 'Bearer' as const,
        matrix_server_name: context.serverName,
        expires_in: SECONDS,
      };
    },
  });
}

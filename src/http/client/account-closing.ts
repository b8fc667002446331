import { Type } from 'typebox';
import { MilenaError } from '../../errors/milena-error.ts';
import type { UserId } from '../../matrix/identifiers.ts';
import { freshCommandId } from '../../owner/command-id.ts';
import type { App, ClientContext } from '../context.ts';
import { checkPassword } from '../new-account.ts';
import type { Session } from '../reads/account-reads.ts';
import { route, SINCE_R0 } from '../route.ts';
import { emptySchema } from '../schemas.ts';
import { interactive } from '../uia/interactive.ts';
import { authSchema, PASSWORD_FLOWS, type Proven } from '../uia/stage.ts';

/**
 * `POST account/password` and `POST account/deactivate` (spec: client-server API, "Account management"). Both can
 * be asked for without an access token: the password shows whose account it is.
 */
export function accountClosingRoutes(app: App, context: ClientContext): void {
  route(app, {
    method: 'POST',
    path: '/account/password',
    prefixes: SINCE_R0,
    auth: 'optional',
    // Not said to be required: a request that goes on with a session may have nothing but `auth`.
    body: Type.Object({
      new_password: Type.Optional(Type.String()),
      logout_devices: Type.Optional(Type.Boolean()),
      auth: Type.Optional(authSchema),
    }),
    response: emptySchema,
    handle: ({ session, body: { auth, new_password, logout_devices }, address }) => {
      if (new_password === undefined && auth?.session === undefined) {
        throw new MilenaError('MISSING_PARAM', 'new_password: is required');
      }
      if (new_password !== undefined) checkPassword(new_password);
      const request = {
        operation: 'POST /account/password',
        user: session?.user_id,
        address,
        flows: PASSWORD_FLOWS,
        auth,
        parameters: { new_password, logout_devices },
      };
      return interactive(context, request, async (wanted, proven) => {
        if (wanted.new_password === undefined) {
          throw new MilenaError('MISSING_PARAM', 'new_password: is required');
        }
        await setPassword(context, session, proven, wanted.new_password, wanted.logout_devices ?? true);
        return {};
      });
    },
  });
  deactivateRoute(app, context);
}

function deactivateRoute(app: App, context: ClientContext): void {
  route(app, {
    method: 'POST',
    path: '/account/deactivate',
    prefixes: SINCE_R0,
    auth: 'optional',
    body: Type.Object({
      id_server: Type.Optional(Type.String()),
      erase: Type.Optional(Type.Boolean()),
      auth: Type.Optional(authSchema),
    }),
    emptyBody: true,
    response: Type.Object({ id_server_unbind_result: Type.String() }),
    handle: ({ session, body: { auth, id_server, erase }, address }) => {
      const request = {
        operation: 'POST /account/deactivate',
        user: session?.user_id,
        address,
        flows: PASSWORD_FLOWS,
        auth,
        parameters: { id_server, erase },
      };
      return interactive(context, request, async (wanted, proven) => {
        const user_id = userOf(session, proven);
        const stamp = { id: freshCommandId(), at: context.now() };
        const end = { user_id, erase: wanted.erase ?? false, actor: user_id };
        await context.execute({ kind: 'deactivate_user', ...stamp, ...end });
        context.auth.invalidate(user_id, 'all');
        // Nobody has third-party identifiers here, so there is none that could not be unbound.
        return { id_server_unbind_result: 'success' };
      });
    },
  });
}

async function setPassword(
  context: ClientContext,
  session: Session | undefined,
  proven: Proven,
  password: string,
  logoutDevices: boolean,
): Promise<void> {
  const user_id = userOf(session, proven);
  const { devices = [] } = await context.execute({
    kind: 'set_password',
    id: freshCommandId(),
    at: context.now(),
    user_id,
    password_hash: await context.passwords.hash(password),
    logout_devices: logoutDevices,
    ...(session === undefined ? {} : { except: session.device_id }),
  });
  if (devices.length > 0) context.auth.invalidate(user_id, devices);
}

/** Who asks, or whose password was given. */
function userOf(session: Session | undefined, { user }: Proven): UserId {
  const userId = session?.user_id ?? user;
  if (userId === undefined) throw new MilenaError('FORBIDDEN', 'Nobody has shown who this is.');
  return userId;
}

import { type Static, Type } from 'typebox';
import { MilenaError } from '../../errors/milena-error.ts';
import { type DeviceId, parseDeviceId, type UserId } from '../../matrix/identifiers.ts';
import { freshCommandId } from '../../owner/command-id.ts';
import type { App, ClientContext } from '../context.ts';
import type { JsonText } from '../json-text.ts';
import type { Seen } from '../last-seen.ts';
import type { Session, StoredDevice } from '../reads/account-reads.ts';
import { route, SINCE_R0 } from '../route.ts';
import { emptySchema } from '../schemas.ts';
import { interactive } from '../uia/interactive.ts';
import { type AuthData, authSchema, PASSWORD_FLOWS } from '../uia/stage.ts';

/** The longest name of a device, in UTF-16 units: it stands on the log for good. */
const MAX_NAME = 255;

const deviceSchema = Type.Object({
  device_id: Type.String(),
  display_name: Type.Optional(Type.String()),
  last_seen_ip: Type.Optional(Type.String()),
  last_seen_ts: Type.Optional(Type.Integer()),
});

const deviceParams = Type.Object({ deviceId: Type.String() });

/** Devices: listed, named, deleted (spec: client-server API, "Device Management"). */
export function deviceRoutes(app: App, context: ClientContext): void {
  route(app, {
    method: 'GET',
    path: '/devices',
    prefixes: SINCE_R0,
    auth: 'user',
    response: Type.Object({ devices: Type.Array(deviceSchema) }),
    handle: async ({ session }) => ({ devices: await devicesOf(context, session.user_id) }),
  });
  route(app, {
    method: 'GET',
    path: '/devices/:deviceId',
    prefixes: SINCE_R0,
    auth: 'user',
    params: deviceParams,
    response: deviceSchema,
    handle: async ({ session, params }) => {
      const devices = await devicesOf(context, session.user_id);
      const found = devices.find(({ device_id }) => device_id === params.deviceId);
      if (found === undefined) throw new MilenaError('NOT_FOUND', 'You have no such device.');
      return found;
    },
  });
  route(app, {
    method: 'PUT',
    path: '/devices/:deviceId',
    prefixes: SINCE_R0,
    auth: 'user',
    params: deviceParams,
    body: Type.Object({ display_name: Type.Optional(Type.String()) }),
    response: emptySchema,
    handle: ({ session, params, body }) => rename(context, session, params.deviceId, body.display_name),
  });
  deletionRoutes(app, context);
}

function deletionRoutes(app: App, context: ClientContext): void {
  route(app, {
    method: 'DELETE',
    path: '/devices/:deviceId',
    prefixes: SINCE_R0,
    auth: 'user',
    params: deviceParams,
    body: Type.Object({ auth: Type.Optional(authSchema) }),
    emptyBody: true,
    response: emptySchema,
    handle: ({ session, params, body, address }) => {
      const operation = `DELETE /devices/${params.deviceId}`;
      const asked = { operation, session, address, auth: body.auth, parameters: {} };
      return whenProven(context, asked, () => [params.deviceId]);
    },
  });
  route(app, {
    method: 'POST',
    path: '/delete_devices',
    prefixes: SINCE_R0,
    auth: 'user',
    // Not said to be required: a request that goes on with a session may have nothing but `auth`.
    body: Type.Object({
      devices: Type.Optional(Type.Array(Type.String())),
      auth: Type.Optional(authSchema),
    }),
    response: emptySchema,
    handle: ({ session, body: { devices, auth }, address }) => {
      if (devices === undefined && auth?.session === undefined) {
        throw new MilenaError('MISSING_PARAM', 'devices: is required');
      }
      const asked = {
        operation: 'POST /delete_devices',
        session,
        address,
        auth,
        parameters: { devices },
      };
      return whenProven(context, asked, (wanted) => wanted.devices ?? []);
    },
  });
}

interface Deletion<P> {
  readonly operation: string;
  readonly session: Session;
  readonly address: string;
  readonly auth: AuthData | undefined;
  readonly parameters: P;
}

/** Deletes devices once the password was given. Those that are not there are no error (spec: 200). */
function whenProven<P extends { readonly devices?: readonly string[] | undefined }>(
  context: ClientContext,
  { session, parameters, ...asked }: Deletion<P>,
  devicesIn: (parameters: P) => readonly string[],
): Promise<Static<typeof emptySchema> | JsonText> {
  const { user_id } = session;
  const request = {
    ...asked,
    user: user_id,
    flows: PASSWORD_FLOWS,
    parameters: { ...parameters },
  };
  return interactive(context, request, async (wanted) => {
    const devices = devicesIn(wanted).flatMap((id): DeviceId[] => {
      const parsed = parseDeviceId(id);
      return parsed === undefined ? [] : [parsed];
    });
    const stamp = { id: freshCommandId(), at: context.now() };
    await context.execute({ kind: 'remove_devices', ...stamp, user_id, devices, reason: 'deleted' });
    context.auth.invalidate(user_id, devices);
    return {};
  });
}

async function rename(context: ClientContext, session: Session, id: string, name: string | undefined) {
  const deviceId = parseDeviceId(id);
  if (name !== undefined && name.length > MAX_NAME) {
    throw new MilenaError('INVALID_PARAM', `display_name: at most ${MAX_NAME} characters`);
  }
  const { user_id } = session;
  if (name === undefined || deviceId === undefined) {
    const own = await devicesOf(context, user_id);
    if (own.some(({ device_id }) => device_id === id)) return {};
    throw new MilenaError('NOT_FOUND', 'You have no such device.');
  }
  const stamp = { id: freshCommandId(), at: context.now() };
  const renamed = { user_id, device_id: deviceId, display_name: name };
  await context.execute({ kind: 'rename_device', ...stamp, ...renamed });
  return {};
}

async function devicesOf(context: ClientContext, userId: UserId): Promise<Static<typeof deviceSchema>[]> {
  await context.freshness.user(userId);
  const [devices, seen] = await Promise.all([
    context.reads.accounts.devices(userId),
    context.lastSeen.of(userId),
  ]);
  return devices.map((device) => shown(device, seen.get(device.device_id)));
}

function shown({ device_id, display_name }: StoredDevice, seen: Seen | undefined) {
  return {
    device_id,
    ...(display_name === null ? {} : { display_name }),
    ...(seen === undefined ? {} : { last_seen_ip: seen.ip, last_seen_ts: seen.ts }),
  };
}

import { Type } from 'typebox';
import { isMilenaError, MilenaError } from '../../errors/milena-error.ts';
import { type RoomAlias, serverOf, type UserId } from '../../matrix/identifiers.ts';
import { freshCommandId } from '../../owner/command-id.ts';
import type { App, ClientContext } from '../context.ts';
import type { Session } from '../reads/account-reads.ts';
import type { AliasEntry } from '../reads/directory-reads.ts';
import { requireInside, requireJoined } from '../room-access.ts';
import { mayChangeState } from '../room-levels.ts';
import { route, SINCE_R0 } from '../route.ts';
import { emptySchema, roomAliasSchema, roomIdSchema } from '../schemas.ts';

const aliasParams = Type.Object({ roomAlias: roomAliasSchema });

/** Room aliases (spec: client-server API, "Room aliases"). */
export function aliasRoutes(app: App, context: ClientContext): void {
  readAlias(app, context);
  changeAlias(app, context);
  aliasesOfRoom(app, context);
}

function readAlias(app: App, context: ClientContext): void {
  route(app, {
    method: 'GET',
    path: '/directory/room/:roomAlias',
    prefixes: SINCE_R0,
    auth: 'none',
    params: aliasParams,
    response: Type.Object({ room_id: Type.String(), servers: Type.Array(Type.String()) }),
    handle: async ({ params: { roomAlias } }) => {
      const { room_id } = await entryOf(context, roomAlias);
      return { room_id, servers: [context.serverName] };
    },
  });
}

function changeAlias(app: App, context: ClientContext): void {
  route(app, {
    method: 'PUT',
    path: '/directory/room/:roomAlias',
    prefixes: SINCE_R0,
    auth: 'user',
    params: aliasParams,
    body: Type.Object({ room_id: roomIdSchema }),
    response: emptySchema,
    handle: async ({ params: { roomAlias }, body: { room_id }, session }) => {
      if (serverOf(roomAlias) !== context.serverName) {
        throw new MilenaError('INVALID_PARAM', 'The alias belongs to another server.');
      }
      await requireJoined(context, room_id, session.user_id);
      return setAlias(context, roomAlias, room_id, session.user_id);
    },
  });
  route(app, {
    method: 'DELETE',
    path: '/directory/room/:roomAlias',
    prefixes: SINCE_R0,
    auth: 'user',
    params: aliasParams,
    response: emptySchema,
    handle: async ({ params: { roomAlias }, session }) => {
      const entry = await entryOf(context, roomAlias);
      await requireRemover(context, entry, session);
      const stamp = { id: freshCommandId(), at: context.now() };
      await context.execute({ kind: 'remove_alias', ...stamp, alias: roomAlias, actor: session.user_id });
      return {};
    },
  });
}

function aliasesOfRoom(app: App, context: ClientContext): void {
  route(app, {
    method: 'GET',
    path: '/rooms/:roomId/aliases',
    prefixes: SINCE_R0,
    auth: 'user',
    params: Type.Object({ roomId: roomIdSchema }),
    response: Type.Object({ aliases: Type.Array(Type.String()) }),
    handle: async ({ params: { roomId }, session }) => {
      await requireInside(context, roomId, session.user_id);
      await context.freshness.all();
      return { aliases: [...(await context.reads.directory.aliases(roomId))] };
    },
  });
}

async function entryOf({ freshness, reads }: ClientContext, alias: RoomAlias): Promise<AliasEntry> {
  await freshness.resource(alias);
  const entry = await freshness.orLater('server', alias, () => reads.directory.alias(alias));
  if (entry === undefined) throw new MilenaError('NOT_FOUND', 'There is no such alias here.');
  return entry;
}

async function setAlias(
  context: ClientContext,
  alias: RoomAlias,
  room_id: AliasEntry['room_id'],
  creator: UserId,
): Promise<Record<string, never>> {
  try {
    const stamp = { id: freshCommandId(), at: context.now() };
    await context.execute({ kind: 'set_alias', ...stamp, alias, room_id, creator });
    return {};
  } catch (error) {
    // The spec has another error here than in `createRoom`.
    if (!isMilenaError(error, 'ROOM_IN_USE')) throw error;
    throw new MilenaError('ALIAS_EXISTS', undefined, { cause: error });
  }
}

/** Who made an alias may remove it, and so may who may change the room's canonical alias. */
async function requireRemover(context: ClientContext, entry: AliasEntry, session: Session): Promise<void> {
  if (entry.creator === session.user_id || session.admin) return;
  if (await mayChangeState(context, entry.room_id, session.user_id, 'm.room.canonical_alias')) return;
  throw new MilenaError('FORBIDDEN', 'You may not remove this alias.');
}

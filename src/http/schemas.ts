import { Type } from 'typebox';
import {
  type EventId,
  parseEventId,
  parseRoomAlias,
  parseRoomId,
  parseUserId,
  type RoomAlias,
  type RoomId,
  type UserId,
} from '../matrix/identifiers.ts';
import type { JsonObject } from '../matrix/json.ts';

/** Schemas that many endpoints share. Identifiers are parsed by `src/matrix` and come out branded. */

/** `@local:server`, historical ones too. */
export const userIdSchema = Type.Unsafe<UserId>(
  Type.Refine(
    Type.String(),
    (text) => parseUserId(text) !== undefined,
    () => 'must be a user ID',
  ),
);

/** `!opaque:server` or `!hash`. */
export const roomIdSchema = Type.Unsafe<RoomId>(
  Type.Refine(
    Type.String(),
    (text) => parseRoomId(text) !== undefined,
    () => 'must be a room ID',
  ),
);

/** `#local:server`. */
export const roomAliasSchema = Type.Unsafe<RoomAlias>(
  Type.Refine(
    Type.String(),
    (text) => parseRoomAlias(text) !== undefined,
    () => 'must be a room alias',
  ),
);

/** `$…`. */
export const eventIdSchema = Type.Unsafe<EventId>(
  Type.Refine(
    Type.String(),
    (text) => parseEventId(text) !== undefined,
    () => 'must be an event ID',
  ),
);

/** Any JSON object, taken and given as it is. */
export const objectSchema = Type.Unsafe<JsonObject>(Type.Object({}, { additionalProperties: true }));

/** `{}`. */
export const emptySchema = Type.Object({});

/** The standard error response; some errors have further properties. */
export const errorSchema = Type.Object(
  { errcode: Type.String(), error: Type.String(), retry_after_ms: Type.Optional(Type.Integer()) },
  { additionalProperties: true },
);

/** An event as clients get it (spec: client-server API, "ClientEvent"). */
export const clientEventSchema = Type.Object(
  {
    event_id: Type.String(),
    room_id: Type.String(),
    type: Type.String(),
    sender: Type.String(),
    origin_server_ts: Type.Integer(),
    content: objectSchema,
    state_key: Type.Optional(Type.String()),
    redacts: Type.Optional(Type.String()),
    unsigned: Type.Optional(objectSchema),
  },
  { additionalProperties: false },
);

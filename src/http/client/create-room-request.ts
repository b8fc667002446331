import { type Static, Type } from 'typebox';
import { objectSchema, userIdSchema } from '../schemas.ts';

/** The body of `POST createRoom`. */
export const createRoomBody = Type.Object({
  visibility: Type.Optional(Type.Union([Type.Literal('public'), Type.Literal('private')])),
  room_alias_name: Type.Optional(Type.String()),
  name: Type.Optional(Type.String()),
  topic: Type.Optional(Type.String()),
  invite: Type.Optional(Type.Array(userIdSchema)),
  invite_3pid: Type.Optional(Type.Array(objectSchema)),
  room_version: Type.Optional(Type.String()),
  creation_content: Type.Optional(objectSchema),
  initial_state: Type.Optional(
    Type.Array(
      Type.Object({ type: Type.String(), state_key: Type.Optional(Type.String()), content: objectSchema }),
    ),
  ),
  preset: Type.Optional(
    Type.Union([
      Type.Literal('private_chat'),
      Type.Literal('public_chat'),
      Type.Literal('trusted_private_chat'),
    ]),
  ),
  is_direct: Type.Optional(Type.Boolean()),
  power_level_content_override: Type.Optional(objectSchema),
});

/** What a client asks for. */
export type CreateRoomRequest = Static<typeof createRoomBody>;

import { type Static, Type } from 'typebox';

/** Filters (spec: client-server API, "Filtering"). Unknown keys are let through, as the spec's grow. */

const strings = Type.Optional(Type.Array(Type.String()));

const eventFilterFields = {
  limit: Type.Optional(Type.Integer({ minimum: 0 })),
  types: strings,
  not_types: strings,
  senders: strings,
  not_senders: strings,
};

/** EventFilter. */
export const eventFilterSchema = Type.Object(eventFilterFields);

/** RoomEventFilter: of `messages`, `context` and the rooms of a sync. */
export const roomEventFilterSchema = Type.Object({
  ...eventFilterFields,
  rooms: strings,
  not_rooms: strings,
  contains_url: Type.Optional(Type.Boolean()),
  lazy_load_members: Type.Optional(Type.Boolean()),
  include_redundant_members: Type.Optional(Type.Boolean()),
  unread_thread_notifications: Type.Optional(Type.Boolean()),
});

/** A filter as it is stored and as `/sync` takes it. */
export const filterSchema = Type.Object({
  event_fields: strings,
  event_format: Type.Optional(Type.Union([Type.Literal('client'), Type.Literal('federation')])),
  presence: Type.Optional(eventFilterSchema),
  account_data: Type.Optional(eventFilterSchema),
  room: Type.Optional(
    Type.Object({
      rooms: strings,
      not_rooms: strings,
      include_leave: Type.Optional(Type.Boolean()),
      timeline: Type.Optional(roomEventFilterSchema),
      state: Type.Optional(roomEventFilterSchema),
      ephemeral: Type.Optional(roomEventFilterSchema),
      account_data: Type.Optional(roomEventFilterSchema),
    }),
  ),
});

/** A RoomEventFilter. */
export type RoomEventFilter = Static<typeof roomEventFilterSchema>;

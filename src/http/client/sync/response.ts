import { Type } from 'typebox';
import { presenceEventSchema } from '../../presence-content.ts';
import { objectSchema } from '../../schemas.ts';

/** An event without its room's ID. */
const event = Type.Object(
  {
    type: Type.String(),
    sender: Type.String(),
    event_id: Type.String(),
    origin_server_ts: Type.Integer(),
    content: objectSchema,
    state_key: Type.Optional(Type.String()),
    unsigned: Type.Optional(objectSchema),
  },
  { additionalProperties: true },
);
/** Account data, typing, receipts: a type and a content. */
const bare = Type.Object({ type: Type.String(), content: objectSchema });
const stripped = Type.Object({
  type: Type.String(),
  state_key: Type.String(),
  sender: Type.String(),
  content: objectSchema,
});
const events = Type.Object({ events: Type.Array(event) });
const bares = Type.Object({ events: Type.Array(bare) });
const timeline = Type.Object({
  events: Type.Array(event),
  limited: Type.Boolean(),
  prev_batch: Type.Optional(Type.String()),
});

const counts = Type.Object({ notification_count: Type.Integer(), highlight_count: Type.Integer() });
const joined = Type.Object({
  summary: Type.Optional(
    Type.Object({
      'm.heroes': Type.Optional(Type.Array(Type.String())),
      'm.joined_member_count': Type.Integer(),
      'm.invited_member_count': Type.Integer(),
    }),
  ),
  state: Type.Optional(events),
  state_after: Type.Optional(events),
  timeline,
  ephemeral: bares,
  account_data: bares,
  unread_notifications: Type.Optional(counts),
  unread_thread_notifications: Type.Optional(Type.Record(Type.String(), counts)),
});
const left = Type.Object({
  state: Type.Optional(events),
  state_after: Type.Optional(events),
  timeline,
  account_data: bares,
});
const strippedEvents = Type.Object({ events: Type.Array(stripped) });

/** The answer of `GET sync` (spec: client-server API, "Syncing"). */
export const syncResponse = Type.Object({
  next_batch: Type.String(),
  account_data: bares,
  presence: Type.Object({
    events: Type.Array(
      Type.Object({ type: Type.Literal('m.presence'), sender: Type.String(), content: presenceEventSchema }),
    ),
  }),
  to_device: bares,
  device_lists: Type.Optional(
    Type.Object({ changed: Type.Array(Type.String()), left: Type.Array(Type.String()) }),
  ),
  device_one_time_keys_count: Type.Record(Type.String(), Type.Integer()),
  device_unused_fallback_key_types: Type.Array(Type.String()),
  rooms: Type.Object({
    join: Type.Record(Type.String(), joined),
    invite: Type.Record(Type.String(), Type.Object({ invite_state: strippedEvents })),
    knock: Type.Record(Type.String(), Type.Object({ knock_state: strippedEvents })),
    leave: Type.Record(Type.String(), left),
  }),
});

CREATE TABLE rooms (
  -- The offset of the room's first event times the slots, plus the partition: the same in every build, and in
  -- `timeline`.
  room bigint PRIMARY KEY,
  -- The last place given to a live event, and the offset of the last record.
  place bigint NOT NULL,
  log_offset bigint NOT NULL,
  joined integer NOT NULL,
  invited integer NOT NULL,
  room_id text NOT NULL,
  version text NOT NULL,
  creator text NOT NULL,
  -- The root of the current state.
  root bytea NOT NULL,
  -- JSON: forward extremities as [event ID, depth], in versions 1 and 2 with the reference hash behind them.
  extremities text NOT NULL
  -- One row is updated with every event: the free space keeps the update on its page and out of the indexes.
) WITH (fillfactor = 50);
CREATE UNIQUE INDEX rooms_room_id ON rooms (room_id);

-- The history of the current state: a row for every change of an entry, and until when it held.
CREATE TABLE entries (
  room bigint NOT NULL,
  -- The event with which it began to hold.
  place bigint NOT NULL,
  log_offset bigint NOT NULL,
  -- The event with which it ceased to; null for what holds now.
  until_place bigint,
  until_offset bigint,
  type text NOT NULL,
  state_key text NOT NULL,
  -- Null: from here on there is no such entry.
  event_id text,
  -- `membership` of members, `history_visibility` of that type; null for all others.
  value text,
  -- The `value` of the entry that it replaced.
  previous text
);
CREATE UNIQUE INDEX entries_current ON entries (room, type, state_key) WHERE until_place IS NULL;
CREATE INDEX entries_key ON entries (room, type, state_key, place);
CREATE INDEX entries_place ON entries (room, place);
CREATE INDEX entries_offset ON entries (room, log_offset);
CREATE INDEX entries_member ON entries (state_key, log_offset) WHERE type = 'm.room.member';
CREATE INDEX entries_members ON entries (room, value, place)
  WHERE type = 'm.room.member' AND until_place IS NULL;
CREATE INDEX entries_membership ON entries (state_key, value)
  WHERE type = 'm.room.member' AND until_place IS NULL;

-- State events that did not enter the state when they were recorded (outliers, forks), but may by resolution.
CREATE TABLE other_events (
  room bigint NOT NULL,
  event_id text NOT NULL,
  value text,
  PRIMARY KEY (room, event_id)
);

-- Who wants to know of a room no more; it ceases to hold with a membership at a later place.
CREATE TABLE forgotten (
  room bigint NOT NULL,
  user_id text NOT NULL,
  -- The room's last place when it was said.
  place bigint NOT NULL,
  PRIMARY KEY (room, user_id)
);

-- Works of several steps that are begun and not ended.
CREATE TABLE sagas (
  saga text PRIMARY KEY,
  partition integer NOT NULL,
  log_offset bigint NOT NULL,
  room_id text NOT NULL,
  alias text,
  -- The command as JSON; null once erased.
  command text
);

-- Rooms by a number: 8 bytes in every row instead of 45.
CREATE TABLE rooms (
  -- The offset of the room's first event times the slots, plus the partition: the same in every build.
  room bigint PRIMARY KEY,
  room_id text NOT NULL,
  version text NOT NULL
);
CREATE UNIQUE INDEX rooms_room_id ON rooms (room_id);

-- Every event that is known. Fixed columns first: no padding.
CREATE TABLE events (
  room bigint NOT NULL,
  place bigint NOT NULL,
  log_offset bigint NOT NULL,
  -- `origin_server_ts`.
  ts bigint NOT NULL,
  -- Notifying events of the room's main timeline up to this one; null where it did not come live.
  ordinal integer,
  -- Notifying events of the event's thread up to this one; null in the main timeline.
  thread_ordinal integer,
  -- 0 live, 1 backfilled, 2 outlier, 3 soft-failed, 4 rejected.
  kind smallint NOT NULL,
  -- Relations between the event and the one that says which thread it is; null in the main timeline.
  hops smallint,
  has_url boolean NOT NULL,
  -- Whether it is one of those that the ordinals count.
  notifies boolean NOT NULL,
  event_id text NOT NULL,
  type text NOT NULL,
  sender text NOT NULL,
  state_key text,
  -- JSON, as it came; what redaction leaves once it was redacted or erased. Text: it is joined into answers.
  content text NOT NULL,
  redacts text,
  redacted_by text,
  -- The rest of the PDU, for state events: deciding needs them whole.
  skeleton text,
  device_id text,
  txn_id text,
  -- The command's ID where a client may repeat it: 8 bytes of scope, 8 of name.
  scope bytea,
  command bytea,
  -- The root of the thread that it is in; null for the main timeline.
  thread text
);
CREATE UNIQUE INDEX events_event_id ON events (event_id);
CREATE INDEX events_place ON events (room, place) WHERE kind <= 1;
-- Costs nothing where there are no threads.
CREATE INDEX events_thread ON events (room, thread, place) WHERE thread IS NOT NULL;
-- What the ordinals count and redactions took back: as large as there are redactions.
CREATE INDEX events_redacted ON events (room, thread, place) WHERE notifies AND redacted_by IS NOT NULL;

-- What events say of others: a row for each child whose relation has not been redacted away.
CREATE TABLE relations (
  room bigint NOT NULL,
  -- The child's.
  place bigint NOT NULL,
  ts bigint NOT NULL,
  -- Whether it may replace its parent, sender and type aside.
  replaces boolean NOT NULL,
  parent text NOT NULL,
  rel_type text NOT NULL,
  event_id text NOT NULL,
  sender text NOT NULL,
  type text NOT NULL,
  -- Of annotations.
  key text,
  PRIMARY KEY (room, parent, rel_type, place)
);

-- The newest notifying event of every thread.
CREATE TABLE threads (
  room bigint NOT NULL,
  thread text NOT NULL,
  place bigint NOT NULL,
  PRIMARY KEY (room, thread)
);
CREATE INDEX threads_place ON threads (room, place);

-- Who is mentioned where; an empty user ID stands for the whole room, which not everybody may mention, and `*` for
-- everyone, whoever says so (the room's tombstone).
CREATE TABLE mentions (
  user_id text NOT NULL,
  room bigint NOT NULL,
  place bigint NOT NULL,
  -- Whether the event counts as a notification without the mention.
  notifies boolean NOT NULL,
  sender text NOT NULL,
  -- Null in the main timeline.
  thread text,
  PRIMARY KEY (room, user_id, place)
);

-- The newest live event of every sender in every thread: what stands before it there, the sender has read.
CREATE TABLE senders (
  room bigint NOT NULL,
  sender text NOT NULL,
  place bigint NOT NULL,
  -- Empty for the main timeline.
  thread text NOT NULL,
  PRIMARY KEY (room, sender, thread)
) WITH (fillfactor = 50);

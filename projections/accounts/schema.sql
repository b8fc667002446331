-- Everything about users that is not about one room's events.
CREATE TABLE users (
  user_id text PRIMARY KEY,
  kind text NOT NULL,
  admin boolean NOT NULL,
  deactivated boolean NOT NULL,
  -- The user wanted to be erased: who joins a room later does not see the events that this user has sent.
  erased boolean NOT NULL,
  -- When it was deactivated, milliseconds since the epoch; null: it was not.
  deactivated_at bigint,
  -- What follows from a deactivation is done: rooms are left.
  closed boolean NOT NULL,
  -- Set by an administrator, until it is ended.
  locked boolean NOT NULL,
  suspended boolean NOT NULL,
  -- PHC string; null without a password.
  password_hash text,
  -- Milliseconds since the epoch.
  created_at bigint NOT NULL,
  log_offset bigint NOT NULL
);

CREATE TABLE devices (
  user_id text NOT NULL,
  device_id text NOT NULL,
  display_name text,
  method text NOT NULL,
  added_at bigint NOT NULL,
  PRIMARY KEY (user_id, device_id)
);

CREATE TABLE tokens (
  -- SHA-256 of the access token.
  token_hash bytea PRIMARY KEY,
  user_id text NOT NULL,
  device_id text NOT NULL,
  -- 0, or 1 for one that came by a refresh and has not been used yet.
  position integer NOT NULL,
  -- SHA-256 of the refresh token.
  refresh_hash bytea,
  -- Milliseconds since the epoch; null: never.
  expires_at bigint
);
CREATE INDEX tokens_device ON tokens (user_id, device_id);
CREATE INDEX tokens_refresh ON tokens (refresh_hash) WHERE refresh_hash IS NOT NULL;

CREATE TABLE profiles (
  user_id text NOT NULL,
  field text NOT NULL,
  -- JSON of the value.
  value text NOT NULL,
  PRIMARY KEY (user_id, field)
);

-- The last change of each field that rooms show.
CREATE TABLE shown_changes (
  user_id text NOT NULL,
  field text NOT NULL,
  log_offset bigint NOT NULL,
  partition integer NOT NULL,
  PRIMARY KEY (user_id, field)
);
CREATE INDEX shown_changes_place ON shown_changes (partition, log_offset);

-- Up to which change a user's rooms were told.
CREATE TABLE profiles_told (
  user_id text PRIMARY KEY,
  through bigint NOT NULL
);

-- What replaces itself (topic user_values).
CREATE TABLE account_data (
  user_id text NOT NULL,
  -- Empty for global data.
  room_id text NOT NULL,
  type text NOT NULL,
  content text NOT NULL,
  log_offset bigint NOT NULL,
  PRIMARY KEY (user_id, room_id, type)
);
CREATE INDEX account_data_offset ON account_data (user_id, log_offset);

CREATE TABLE filters (
  user_id text NOT NULL,
  filter_id text NOT NULL,
  filter text NOT NULL,
  PRIMARY KEY (user_id, filter_id)
);

CREATE TABLE push_rules (
  user_id text PRIMARY KEY,
  -- JSON: what the user has changed (`schemas/push_rules_set.avsc`).
  rules text NOT NULL,
  log_offset bigint NOT NULL
);

CREATE TABLE receipts (
  room_id text NOT NULL,
  user_id text NOT NULL,
  receipt_type text NOT NULL,
  -- Empty for an unthreaded receipt.
  thread_id text NOT NULL,
  event_id text NOT NULL,
  place bigint NOT NULL,
  furthest_event_id text NOT NULL,
  furthest_place bigint NOT NULL,
  ts bigint NOT NULL,
  log_offset bigint NOT NULL,
  partition integer NOT NULL,
  PRIMARY KEY (room_id, user_id, receipt_type, thread_id)
);
CREATE INDEX receipts_user ON receipts (user_id, room_id);

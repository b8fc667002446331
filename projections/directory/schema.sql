-- Aliases, those included that a saga only holds.
CREATE TABLE aliases (
  alias text PRIMARY KEY,
  room_id text NOT NULL,
  -- Who made it; null while a saga holds it.
  creator text,
  saga text,
  log_offset bigint NOT NULL
);
CREATE INDEX aliases_room ON aliases (room_id);

-- Rooms whose visibility was set.
CREATE TABLE listings (
  room_id text PRIMARY KEY,
  public boolean NOT NULL
);

-- The schemas of records, as they stand on the log.
CREATE TABLE schemas (
  fingerprint text PRIMARY KEY,
  name text NOT NULL,
  schema text NOT NULL
);

-- Tokens with which accounts can be made.
CREATE TABLE registration_tokens (
  -- SHA-256 of the token.
  token_hash bytea PRIMARY KEY,
  uses integer NOT NULL,
  -- Null: any number.
  uses_allowed integer,
  -- Milliseconds since the epoch; null: never.
  expires_at bigint
);

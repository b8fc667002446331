-- The log: a table for each topic, a row for each record. Topics are numbered as in `topics.ts`.
CREATE TABLE log.meta (
  only_row   boolean PRIMARY KEY DEFAULT true CHECK (only_row),
  generation text NOT NULL,
  slots      integer NOT NULL CHECK (slots > 0)
);

-- Where each partition ends, and who may write it. An append holds the row's lock until it is committed, so
-- records become visible in the order of their offsets. Rows stay on one page each (fillfactor), for they are
-- updated with every append.
CREATE TABLE log.partitions (
  topic       smallint NOT NULL,
  partition   smallint NOT NULL,
  next_offset bigint NOT NULL DEFAULT 1,
  epoch       bigint NOT NULL DEFAULT 0,
  last_at     bigint NOT NULL DEFAULT 0,
  -- `last_at` before the last append: what that append's statement gives back.
  prev_at     bigint NOT NULL DEFAULT 0,
  PRIMARY KEY (topic, partition)
) WITH (fillfactor = 20, autovacuum_vacuum_threshold = 1000);

-- Nothing is NULL but a tombstone's value: a row without NULLs needs no bitmap, 8 bytes less. The order of
-- columns leaves no padding. `part` is 0, 1 for a chunk, 2 for a closing record; `origin` 0 and `command`
-- empty when there is none. Keys are bytes, because text can't hold U+0000 and clients can.
CREATE TABLE log.rooms (
  "offset"  bigint NOT NULL,
  epoch     bigint NOT NULL,
  at        bigint NOT NULL,
  origin    bigint NOT NULL,
  partition smallint NOT NULL,
  part      smallint NOT NULL,
  type      text NOT NULL,
  key       bytea NOT NULL,
  command   bytea NOT NULL,
  value     bytea,
  PRIMARY KEY (partition, "offset")
);
-- Values are small and mostly cipher text and hashes: trying to compress them costs more than it saves.
ALTER TABLE log.rooms ALTER COLUMN value SET STORAGE EXTERNAL;

CREATE TABLE log.users (LIKE log.rooms INCLUDING ALL);
CREATE TABLE log.user_values (LIKE log.rooms INCLUDING ALL);
CREATE TABLE log.server (LIKE log.rooms INCLUDING ALL);
CREATE TABLE log.content_keys (LIKE log.rooms INCLUDING ALL);
CREATE TABLE log.to_device (LIKE log.rooms INCLUDING ALL);
CREATE TABLE log.ephemeral (LIKE log.rooms INCLUDING ALL);
CREATE TABLE log.inbox (LIKE log.rooms INCLUDING ALL);

-- Nodes that own slots. A node lives while `beat` rises; nobody's wall clock is asked.
CREATE TABLE log.nodes (
  id      text PRIMARY KEY,
  address text NOT NULL,
  beat    bigint NOT NULL DEFAULT 0
) WITH (fillfactor = 50);

-- Who may claim a slot. When a node's row goes, its slots are free.
CREATE TABLE log.leases (
  slot  integer PRIMARY KEY,
  node  text REFERENCES log.nodes (id) ON DELETE SET NULL,
  epoch bigint
);

-- What the framework itself remembers: which schema of a model is active, how far each has got, what is set aside.
CREATE SCHEMA projection;

CREATE TABLE projection.models (
  name text PRIMARY KEY,
  -- The version of the code that made the active schema.
  version integer NOT NULL,
  -- The generation of the log that it was made from.
  generation text NOT NULL,
  active_schema text NOT NULL,
  -- Kept for a roll-back until the next rebuild, and the version of the code that made it.
  previous_schema text,
  previous_version integer,
  -- Being built; dropped at the next start if nobody builds it any more.
  building_schema text,
  -- The number of the newest schema: they are never used twice.
  newest integer NOT NULL,
  paused boolean NOT NULL DEFAULT false
);

-- One row is updated with every batch: the free space keeps the update on its page and out of the index.
CREATE TABLE projection.checkpoints (
  schema text NOT NULL,
  topic text NOT NULL,
  partition integer NOT NULL,
  -- The first offset that is not in the rows, and the epoch to go on reading with.
  next_offset bigint NOT NULL,
  epoch bigint NOT NULL,
  -- Records read so far, those set aside included, and the sum of their digests (see digest.ts).
  records bigint NOT NULL,
  digest bytea NOT NULL,
  -- The time of the last of them, milliseconds since the epoch.
  last_at bigint NOT NULL,
  -- The schema is not active any more: no projector may move it.
  closed boolean NOT NULL DEFAULT false,
  PRIMARY KEY (schema, topic, partition)
) WITH (fillfactor = 20);

-- Records set aside: the poison itself (with a reason), and later ones of its key that wait (without).
CREATE TABLE projection.poison (
  schema text NOT NULL,
  topic text NOT NULL,
  partition integer NOT NULL,
  record_offset bigint NOT NULL,
  record_epoch bigint NOT NULL,
  key text NOT NULL,
  reason text,
  set_aside_at timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (schema, topic, partition, record_offset)
);
CREATE INDEX poison_key ON projection.poison (schema, topic, partition, key, record_offset);

-- Called inside an UPDATE when a checkpoint is not where its projector left it: the whole transaction fails.
CREATE FUNCTION projection.stale() RETURNS bigint LANGUAGE plpgsql AS $$
BEGIN
  RAISE EXCEPTION 'the checkpoint is not where this projector left it' USING ERRCODE = 'ML001';
END $$;

-- Ends a trial: whatever was done before it in the transaction is undone.
CREATE FUNCTION projection.undo() RETURNS void LANGUAGE plpgsql AS $$
BEGIN
  RAISE EXCEPTION 'the trial is over' USING ERRCODE = 'ML002';
END $$;

-- Records that an operator has given up: every build of the model leaves them out.
CREATE TABLE projection.discarded (
  model text NOT NULL,
  topic text NOT NULL,
  partition integer NOT NULL,
  record_offset bigint NOT NULL,
  discarded_at timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (model, topic, partition, record_offset)
);

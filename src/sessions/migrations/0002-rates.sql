-- Rate buckets that all nodes share: what was used, as milliseconds of waiting. A row whose time is over is an empty
-- bucket, and may go.
CREATE UNLOGGED TABLE sessions.rates (
  -- What is limited, and whose: 'send @ann:example.org'.
  name text PRIMARY KEY,
  -- Milliseconds since the epoch, by Postgres' clock: when all that was used will have been refilled.
  paid_at double precision NOT NULL
);
CREATE INDEX rates_paid ON sessions.rates (paid_at);

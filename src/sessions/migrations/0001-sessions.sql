-- Sessions: what is neither on the log nor in a read model (docs/architecture.md, section 1). Losing a row is legal.
-- Unlogged: a write costs no WAL, and after a crash of Postgres the table is empty. That is safe, where commits that
-- come late are not: a token for one use that had been taken would be there again.
CREATE UNLOGGED TABLE sessions.entries (
  -- What it is: 'uia', 'login_token', 'last_seen' and so on.
  kind text NOT NULL,
  -- Whose: mostly a user ID; empty where nobody's.
  owner text NOT NULL,
  name text NOT NULL,
  value text NOT NULL,
  -- Milliseconds since the epoch: from then on it is as if it were not there.
  expires_at bigint NOT NULL,
  PRIMARY KEY (kind, owner, name)
);
CREATE INDEX entries_expiry ON sessions.entries (expires_at);

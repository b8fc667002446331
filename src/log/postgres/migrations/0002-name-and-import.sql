-- Whose history this is, for good: the first opening that names a server gives it. A log of before has none yet.
ALTER TABLE log.meta ADD COLUMN server_name text;
-- True from before the first record of an import until all of it is there: meanwhile the log is opened by nobody.
ALTER TABLE log.meta ADD COLUMN importing boolean NOT NULL DEFAULT false;

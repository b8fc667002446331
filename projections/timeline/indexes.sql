-- Which event was nearest to a time: clocks of nodes and senders differ, so places do not tell.
CREATE INDEX IF NOT EXISTS events_time ON events (room, ts, place) WHERE kind <= 1;
-- One entry per device and room, with a list of its rows: a few bytes per event.
CREATE INDEX IF NOT EXISTS events_scope ON events (scope, room) WHERE scope IS NOT NULL;

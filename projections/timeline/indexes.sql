-- One entry per device and room, with a list of its rows: a few bytes per event.
CREATE INDEX IF NOT EXISTS events_scope ON events (scope, room) WHERE scope IS NOT NULL;

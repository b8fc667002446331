-- Every change of a membership, in the room's order. Profiles that change (join after join) are none.
CREATE TABLE memberships (
  user_id text NOT NULL,
  room_id text NOT NULL,
  place bigint NOT NULL,
  log_offset bigint NOT NULL,
  -- The partition of `rooms` in which it stands.
  partition integer NOT NULL,
  -- How many are in the room and how many are invited, from here on.
  joined integer NOT NULL,
  invited integer NOT NULL,
  membership text NOT NULL,
  sender text NOT NULL,
  event_id text NOT NULL,
  -- The offset at which the user forgot the room, on the membership with which that was; null otherwise.
  forgotten bigint,
  PRIMARY KEY (user_id, room_id, place)
);
CREATE INDEX memberships_room ON memberships (room_id, place);

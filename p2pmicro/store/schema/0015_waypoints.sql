-- Ids on the way from head to head, at each sixteenth entry of a run: without them the id of a message in a list is walked
-- to over 31 payloads on the average, and with them over seven, for three bytes an entry.

CREATE TABLE waypoints (
    key INTEGER PRIMARY KEY,
    id BLOB NOT NULL
) STRICT;

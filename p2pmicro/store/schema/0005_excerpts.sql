-- Entries that are held alone, each with what proves it, because an entry held here refers to them; and the deletes that
-- name what was held so.

CREATE TABLE excerpts (
    key INTEGER PRIMARY KEY,                   -- feed number << 32 | seq, as in entries; the feed's account may have no role
    seen_ms INTEGER NOT NULL,
    id BLOB NOT NULL,
    payload BLOB NOT NULL,
    proof BLOB NOT NULL,                       -- CBOR: [before id, tail, head signature]
    steps INTEGER NOT NULL,                    -- from an entry of a run to this one, along answers; 0: a delete
    charged INTEGER NOT NULL                   -- the number of the feed whose quota it counts to: one that refers to it
) STRICT;
CREATE INDEX excerpts_by_charged ON excerpts (charged);

-- What can be read of entries, however they are held.
CREATE VIEW held (key, seen_ms, payload, alone) AS
    SELECT key, seen_ms, payload, 0 FROM entries WHERE payload IS NOT NULL
    UNION ALL SELECT key, seen_ms, payload, 1 FROM excerpts;

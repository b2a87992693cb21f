-- Entries that are held alone, each with what proves it, because an entry held here refers to them.

CREATE TABLE excerpts (
    key INTEGER PRIMARY KEY,                   -- feed number << 32 | seq, as in entries; the feed's account may have no role
    seen_ms INTEGER NOT NULL,
    id BLOB NOT NULL,
    payload BLOB,                              -- NULL: erased by a delete of its account
    proof BLOB NOT NULL                        -- CBOR: [before id, tail, head signature]
) STRICT;

-- What can be read of entries, however they are held.
CREATE VIEW held (key, seen_ms, payload, alone) AS
    SELECT key, seen_ms, payload, 0 FROM entries WHERE payload IS NOT NULL
    UNION ALL SELECT key, seen_ms, payload, 1 FROM excerpts WHERE payload IS NOT NULL;

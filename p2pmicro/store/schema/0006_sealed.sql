-- Sealed entries, and what was inside of those that this account can open: each is tried once.

CREATE TABLE sealed (
    key INTEGER PRIMARY KEY,
    state INTEGER NOT NULL,                    -- 0 to be tried, 1 not for this account (so far), 2 opened
    salt BLOB NOT NULL,                        -- 16 bytes: a reply key that comes later is tried by it
    plain BLOB                                 -- CBOR [kind, content] of what was opened
) STRICT;
CREATE INDEX sealed_todo ON sealed (state) WHERE state = 0;

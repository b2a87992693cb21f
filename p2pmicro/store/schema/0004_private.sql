-- What follows one's account and nobody else sees: mutes, blocks, bookmarks, circles, petnames, lists, read marks.
-- It is written to the log as sealed entries, some time later: until then this is the only place that has it.

CREATE TABLE private (
    name TEXT NOT NULL,                        -- what it is: store/private.py
    item BLOB NOT NULL,                        -- what it is of: an account, a ref, a word
    rev INTEGER NOT NULL,
    feed BLOB NOT NULL,                        -- where it was stated; empty while it waits to be sealed
    seq INTEGER NOT NULL,                      -- 0 while it waits
    value BLOB,                                -- CBOR; NULL: taken back
    PRIMARY KEY (name, item)
) STRICT, WITHOUT ROWID;
CREATE INDEX private_due ON private (seq) WHERE seq = 0;

-- Sealed entries, and what was inside of those that this account can open: each is tried once.

CREATE TABLE sealed (
    key INTEGER PRIMARY KEY,
    state INTEGER NOT NULL,                    -- 0 to be tried, 1 not for this account (so far), 2 opened
    salt BLOB NOT NULL,                        -- 16 bytes: a reply key that comes later is tried by it
    plain BLOB,                                -- CBOR [kind, content] of what was opened
    secret BLOB                                -- to be tried again: the key whose tag it bears, which may be an old one
) STRICT;
CREATE INDEX sealed_todo ON sealed (state) WHERE state = 0;

-- X25519 keys that sealed entries brought: of answers to a thread, and of circles.
CREATE TABLE secrets (
    secret BLOB NOT NULL,                      -- 32 bytes
    key INTEGER NOT NULL,                      -- the entry that brought it: whoever reads it can repeat it in another
    time_ms INTEGER NOT NULL,                  -- its place in time: the newest are tried
    circle BLOB,                               -- of a circle: 16 bytes; NULL: of the answers to the entry
    gen INTEGER,                               -- of a circle: its generation
    looked INTEGER NOT NULL DEFAULT 0,         -- whether closed entries were searched for its tag
    PRIMARY KEY (secret, key)
) STRICT, WITHOUT ROWID;
CREATE INDEX secrets_todo ON secrets (looked) WHERE looked = 0;
CREATE INDEX secrets_by_time ON secrets (time_ms, key);
CREATE INDEX secrets_by_key ON secrets (key);

-- To whom this install gave a large circle's key: it is used while these are the circle's members, and no longer.
CREATE TABLE given (
    circle BLOB NOT NULL,                      -- 16 bytes
    account BLOB NOT NULL,                     -- 32 bytes
    feed BLOB NOT NULL,                        -- in which feed: what a copied home gave since is not known here
    secret BLOB NOT NULL,                      -- 32 bytes
    PRIMARY KEY (circle, account)
) STRICT, WITHOUT ROWID;

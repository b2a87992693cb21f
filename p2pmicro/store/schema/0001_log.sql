-- The log: what can't be computed again. Keys are `feed number << 32 | seq` everywhere.

CREATE TABLE meta (name TEXT PRIMARY KEY, value ANY) STRICT, WITHOUT ROWID;
INSERT INTO meta VALUES
    ('epoch', randomblob(8)),                  -- 8 bytes: changes with a restore or a new store
    ('change', 0),                             -- the last change number given out
    ('bytes', 0),                              -- the sum of feeds.bytes, kept by a trigger
    ('scrubbed', 0);                           -- slices of the file whose unused bytes were overwritten

CREATE TABLE accounts (
    number INTEGER PRIMARY KEY,
    account BLOB NOT NULL UNIQUE,              -- 32 bytes
    role INTEGER NOT NULL DEFAULT 0            -- 0 none, 1 guest, 2 hop, 3 followed, 4 own: store/feeds.py, Role
) STRICT;
CREATE INDEX accounts_apart ON accounts (role) WHERE role IN (1, 4);  -- whose quotas are counted apart

CREATE TABLE feeds (
    number INTEGER PRIMARY KEY,
    feed BLOB NOT NULL UNIQUE,                 -- 32 bytes
    account INTEGER NOT NULL REFERENCES accounts,
    device BLOB NOT NULL,                      -- payload(1), proven
    device_head BLOB NOT NULL,                 -- 64 bytes, the head at 1
    change INTEGER NOT NULL,                   -- the number of its last change
    bytes INTEGER NOT NULL DEFAULT 0,          -- what is charged to quotas: store/quota.py
    -- The newest run held: what it follows and where it ends; NULL while nothing but the device proof is held.
    before_seq INTEGER, before_id BLOB, last_seq INTEGER, last_id BLOB,
    -- One older run, while the gap between them is being filled.
    older_before_seq INTEGER, older_before_id BLOB, older_last_seq INTEGER, older_last_id BLOB,
    fork BLOB,                                 -- the proof with the smallest d, as the wire writes it
    fork_seq INTEGER,                          -- that d
    revoke_seq INTEGER, revoke_id BLOB, revoke_signature BLOB
) STRICT;
CREATE UNIQUE INDEX feeds_by_change ON feeds (change);
CREATE INDEX feeds_by_account ON feeds (account);
CREATE TRIGGER feeds_bytes AFTER UPDATE OF bytes ON feeds WHEN new.bytes <> old.bytes BEGIN
    UPDATE meta SET value = value + new.bytes - old.bytes WHERE name = 'bytes';
END;

CREATE TABLE entries (                         -- one for each seq of a run
    key INTEGER PRIMARY KEY,
    seen_ms INTEGER NOT NULL,                  -- when it was first stored here: part of its place in time
    payload BLOB                               -- NULL: see holes
) STRICT;

CREATE TABLE holes (                           -- payloads not held, by what proves the chain without them
    key INTEGER PRIMARY KEY,
    length INTEGER NOT NULL,
    hash BLOB NOT NULL,
    why INTEGER NOT NULL                       -- 1 deleted, 2 pruned, 3 missing
) STRICT;

CREATE TABLE heads (                           -- at 1, page ends, and the last of each run
    key INTEGER PRIMARY KEY,
    id BLOB NOT NULL,
    signature BLOB NOT NULL
) STRICT;

CREATE TABLE tombstones (                      -- shown deletes, and what they name, held or not
    feed BLOB NOT NULL,
    seq INTEGER NOT NULL,
    deleter INTEGER NOT NULL,                  -- the key of the delete: valid for feeds of the same account
    id BLOB NOT NULL,
    PRIMARY KEY (feed, seq, deleter)
) STRICT, WITHOUT ROWID;

CREATE TABLE revokes (                         -- checked ones that name a feed which is not known yet
    feed BLOB NOT NULL,
    account BLOB NOT NULL,                     -- who signed: valid if the feed turns out to be its own
    seq INTEGER NOT NULL,
    id BLOB NOT NULL,
    signature BLOB NOT NULL,
    PRIMARY KEY (feed, account)
) STRICT, WITHOUT ROWID;

CREATE TABLE erasures (                        -- texts that may still lie in the index or the write-ahead log
    number INTEGER PRIMARY KEY,
    key INTEGER NOT NULL
) STRICT;

-- The log: what can't be computed again. Keys are `feed number << 32 | seq` everywhere.

CREATE TABLE meta (name TEXT PRIMARY KEY, value ANY) STRICT, WITHOUT ROWID;  -- epoch, change, reserved, unicode

CREATE TABLE accounts (
    number INTEGER PRIMARY KEY,
    account BLOB NOT NULL UNIQUE,              -- 32 bytes
    role INTEGER NOT NULL DEFAULT 0            -- 0 none, 1 guest, 2 hop, 3 followed, 4 own: store/roles
) STRICT;

CREATE TABLE feeds (
    number INTEGER PRIMARY KEY,
    feed BLOB NOT NULL UNIQUE,                 -- 32 bytes
    account INTEGER NOT NULL REFERENCES accounts,
    device BLOB NOT NULL,                      -- payload(1), proven
    device_head BLOB NOT NULL,                 -- 64 bytes, the head at 1
    change INTEGER NOT NULL,                   -- the number of its last change
    bytes INTEGER NOT NULL DEFAULT 0,          -- payload bytes held, charged to quotas
    -- The newest run held: what it follows and where it ends; NULL while nothing but the device proof is held.
    before_seq INTEGER, before_id BLOB, last_seq INTEGER, last_id BLOB,
    -- One older run, while the gap between them is being filled.
    older_before_seq INTEGER, older_before_id BLOB, older_last_seq INTEGER, older_last_id BLOB,
    fork BLOB,                                 -- the proof with the smallest d, as the wire writes it
    fork_seq INTEGER,                          -- that d
    revoke_seq INTEGER, revoke_id BLOB, revoke_signature BLOB
) STRICT;
CREATE INDEX feeds_by_change ON feeds (change);
CREATE INDEX feeds_by_account ON feeds (account);

CREATE TABLE entries (
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

CREATE TABLE tombstones (                      -- deletes that are valid for whatever comes later
    feed BLOB NOT NULL,
    seq INTEGER NOT NULL,
    id BLOB NOT NULL,
    account INTEGER NOT NULL REFERENCES accounts,  -- who deleted: valid for feeds of the same account
    PRIMARY KEY (feed, seq, id, account)
) STRICT, WITHOUT ROWID;

CREATE TABLE erasures (                        -- texts that may still lie in the index or the write-ahead log
    key INTEGER PRIMARY KEY
) STRICT;

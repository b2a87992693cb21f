-- Other nodes: what they told us and what we told them.

CREATE TABLE peers (
    feed BLOB PRIMARY KEY,                     -- 32 bytes: the peer's own feed id
    account BLOB,                              -- 32 bytes, NULL while it has proven none
    epoch BLOB NOT NULL,                       -- 8 bytes: the peer's, at the last meeting
    cursor INTEGER NOT NULL DEFAULT 0,         -- c: its changes up to here are stored or noted here
    answered BLOB,                             -- v: the last version of our interest that it fully answered
    salt BLOB NOT NULL,                        -- 16 bytes, drawn by us: our interest as this peer sees it
    proven INTEGER NOT NULL DEFAULT 0,         -- whether it has had our device proof in this epoch
    their_salt BLOB,                           -- 16 bytes
    their_version BLOB,                        -- 8 bytes: the version of its interest that we hold
    their_interest BLOB,                       -- its elements, 16 bytes each, sorted
    meetings INTEGER NOT NULL DEFAULT 0,       -- since the last full resume
    met_ms INTEGER NOT NULL DEFAULT 0
) STRICT, WITHOUT ROWID;

CREATE TABLE addresses (
    address TEXT PRIMARY KEY,                  -- HOST:PORT
    feed BLOB,                                 -- who answered there last, NULL if nobody has
    asked INTEGER NOT NULL,                    -- 1: a person named it; 0: seen
    met_ms INTEGER NOT NULL DEFAULT 0
) STRICT, WITHOUT ROWID;

CREATE TABLE interest (                        -- the log of one's own interest: deltas are read off it
    n INTEGER PRIMARY KEY,
    version BLOB NOT NULL UNIQUE,              -- 8 random bytes
    account BLOB NOT NULL,
    wanted INTEGER NOT NULL                    -- 1 added, 0 taken away
) STRICT;

CREATE TABLE offers (                          -- to do: what a peer has of a feed and this node lacks
    feed BLOB NOT NULL,
    peer BLOB NOT NULL,
    account BLOB NOT NULL,
    first_seq INTEGER NOT NULL,                -- the peer's runs: the oldest payload that it holds
    last_seq INTEGER NOT NULL,                 -- and the newest
    PRIMARY KEY (feed, peer)
) STRICT, WITHOUT ROWID;
CREATE INDEX offers_by_peer ON offers (peer);

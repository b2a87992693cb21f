-- Blocks, as they are in force here: the person's wish is private state ("block"), which may come from another device.

CREATE TABLE blocks (
    account BLOB PRIMARY KEY,                  -- 32 bytes: nothing of it is fetched, stored or carried on
    guest INTEGER NOT NULL                     -- 1: it was a guest, and stays in the interest as such
) STRICT, WITHOUT ROWID;

CREATE TABLE blocked_feeds (                   -- proven to be of blocked accounts: what comes of them is refused quietly
    feed BLOB PRIMARY KEY,
    account BLOB NOT NULL
) STRICT, WITHOUT ROWID;

-- Whom a blocked account that one follows had followed: they stay in the interest, or the block would show by what left.
CREATE TABLE kept_follows (
    account BLOB NOT NULL,
    target BLOB NOT NULL,
    PRIMARY KEY (account, target)
) STRICT, WITHOUT ROWID;

-- A view: how many posts of each feed the index has. A search says how much was searched.
CREATE TABLE tallies (
    feed INTEGER PRIMARY KEY,                  -- feeds.number
    posts INTEGER NOT NULL
) STRICT;

-- Views of what people do with messages. A target is the first 16 bytes of the id of what is referred to: an id alone
-- says which feed and seq are meant, and only an author of both could make two that begin alike.

CREATE TABLE replies (
    key INTEGER PRIMARY KEY,
    id BLOB NOT NULL,                          -- 32 bytes: its own, so that a thread is read without walking feeds
    parent BLOB NOT NULL,                      -- the target that it answers
    root BLOB                                  -- the target that began the thread; NULL where that is the parent
) STRICT;
CREATE INDEX replies_by_parent ON replies (parent);
CREATE INDEX replies_by_root ON replies (root) WHERE root IS NOT NULL;

CREATE TABLE refs (
    target BLOB NOT NULL,
    kind INTEGER NOT NULL,                     -- 1 quotes it, 2 takes its place
    key INTEGER NOT NULL,
    PRIMARY KEY (target, kind, key)
) STRICT, WITHOUT ROWID;

-- Likes and reposts: for each account and target the statement that counts, by (rev, feed, seq).
CREATE TABLE reactions (
    target BLOB NOT NULL,
    kind INTEGER NOT NULL,                     -- 1 like, 2 repost
    account INTEGER NOT NULL,                  -- accounts.number
    rev INTEGER NOT NULL,
    key INTEGER NOT NULL,
    wanted INTEGER NOT NULL,                   -- 1 on, 0 taken back
    PRIMARY KEY (target, kind, account)
) STRICT, WITHOUT ROWID;

CREATE TABLE superseded (                      -- the other statements: one of them counts if that one is erased
    target BLOB NOT NULL,
    kind INTEGER NOT NULL,
    account INTEGER NOT NULL,
    rev INTEGER NOT NULL,
    key INTEGER NOT NULL,
    wanted INTEGER NOT NULL,
    PRIMARY KEY (target, kind, account, rev, key)
) STRICT, WITHOUT ROWID;

-- Reposts stand in `home` as well, by their own place.
ALTER TABLE home ADD COLUMN target BLOB;       -- of a repost: what it passes on; NULL: a message
CREATE INDEX home_by_target ON home (target, time_ms, key) WHERE target IS NOT NULL;

CREATE TABLE tags (
    tag TEXT NOT NULL,                         -- as it is matched: protocol/content.md, "Tags"
    time_ms INTEGER NOT NULL,                  -- the message's place
    key INTEGER NOT NULL,
    PRIMARY KEY (tag, time_ms, key)
) STRICT, WITHOUT ROWID;

CREATE TABLE tag_names (                       -- for suggestions
    plain TEXT NOT NULL,                       -- without accents
    tag TEXT NOT NULL,
    messages INTEGER NOT NULL,
    PRIMARY KEY (plain, tag)
) STRICT, WITHOUT ROWID;

CREATE TABLE own_messages (                    -- one's own, for notices of what refers to them
    key INTEGER PRIMARY KEY,
    target BLOB NOT NULL UNIQUE,
    id BLOB NOT NULL                           -- 32 bytes
) STRICT;

CREATE TABLE notices (
    time_ms INTEGER NOT NULL,                  -- the place of the entry that tells
    key INTEGER NOT NULL,
    why INTEGER NOT NULL,                      -- views/notices.py, Why
    seen_ms INTEGER NOT NULL,                  -- when it came here: later than what was read is unread
    PRIMARY KEY (time_ms, key, why)
) STRICT, WITHOUT ROWID;
CREATE INDEX notices_by_seen ON notices (seen_ms);
CREATE INDEX notices_by_key ON notices (key);

ALTER TABLE feeds ADD COLUMN fork_ms INTEGER;  -- when a fork was first known here: for notices

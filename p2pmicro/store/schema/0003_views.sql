-- Views: what `rebuild` computes again from the log with equal rows. Keys are `feed number << 32 | seq`, as in the log.

-- Posts of oneself and of those one follows, in the order that people read them: time_ms = min(claimed, first seen).
CREATE TABLE home (
    time_ms INTEGER NOT NULL,
    key INTEGER NOT NULL,
    PRIMARY KEY (time_ms, key)
) STRICT, WITHOUT ROWID;

-- The same for hops: a search for a common word takes the newest from here and from `home`.
CREATE TABLE nearby (
    time_ms INTEGER NOT NULL,
    key INTEGER NOT NULL,
    PRIMARY KEY (time_ms, key)
) STRICT, WITHOUT ROWID;

-- Feeds that are being brought into a list after a change of role, newest entries first.
CREATE TABLE list_todo (
    feed INTEGER PRIMARY KEY,                  -- feeds.number
    seq INTEGER NOT NULL                       -- to do from here down
) STRICT;

-- Which entries carry state (profile, follow, follows): what is read again when the winner among them is erased.
CREATE TABLE stated (
    account INTEGER NOT NULL,                  -- accounts.number
    key INTEGER NOT NULL,
    PRIMARY KEY (account, key)
) STRICT, WITHOUT ROWID;

CREATE TABLE profiles (
    account INTEGER PRIMARY KEY,               -- accounts.number
    rev INTEGER NOT NULL,
    key INTEGER NOT NULL,                      -- the entry that won by (rev, feed, seq)
    name TEXT NOT NULL,
    bio TEXT,
    link TEXT
) STRICT;

CREATE TABLE follows (
    account INTEGER NOT NULL,                  -- accounts.number of who follows
    target BLOB NOT NULL,                      -- 32 bytes: no number, since a hostile list may name a million accounts
    rev INTEGER NOT NULL,
    key INTEGER NOT NULL,                      -- the entry that won by (rev, feed, seq)
    wanted INTEGER NOT NULL,                   -- 1 follows, 0 no longer
    PRIMARY KEY (account, target)
) STRICT, WITHOUT ROWID;
CREATE INDEX follows_by_target ON follows (target, account) WHERE wanted;

-- Full text by word: contentless, no positions, no sizes: a third of what FTS5 keeps by itself. Marks (Mn, Mc) belong to
-- words, or Thai and Hindi would fall apart at each vowel sign.
CREATE VIRTUAL TABLE search USING fts5 (
    text,
    content = '',
    columnsize = 0,
    detail = none,
    tokenize = "unicode61 remove_diacritics 2 categories 'L* N* Co Mn Mc'"
);
INSERT INTO search (search, rank) VALUES ('automerge', 0);        -- merging is done in small steps: views/search.py
INSERT INTO search (search, rank) VALUES ('crisismerge', 256);    -- and all at once, for a second, only if nobody does
INSERT INTO search (search, rank) VALUES ('hashsize', 16777216);  -- a batch reaches the disk as one sorted segment

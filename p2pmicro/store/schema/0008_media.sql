-- Pictures: files in HOME/media, by the SHA-256 of their bytes, and what is wanted of others.

CREATE TABLE media (
    hash BLOB PRIMARY KEY,                     -- 32 bytes
    state INTEGER NOT NULL,                    -- 0 wanted, 1 here, 2 pruned or not worth its room, 3 not what it was named as
    bytes INTEGER NOT NULL,                    -- of the file; while it is not here, as it was named
    key INTEGER NOT NULL,                      -- an entry that names it: of those, the last in time
    used_ms INTEGER NOT NULL,                  -- that entry's place in time, or when a person last asked: smaller ones go first
    own INTEGER NOT NULL,                      -- 1: one's own, no quota and no pruning
    chosen INTEGER NOT NULL,                   -- 1: a person asked for it
    tries INTEGER NOT NULL DEFAULT 0,          -- how many peers said that they do not have it
    asked BLOB                                 -- the last of them
) STRICT, WITHOUT ROWID;
CREATE INDEX media_wanted ON media (tries, used_ms) WHERE state = 0;
CREATE INDEX media_chosen ON media (hash) WHERE state = 0 AND chosen = 1;
CREATE INDEX media_by_use ON media (used_ms) WHERE state = 1 AND own = 0;

CREATE TABLE media_erasures (                  -- files that are to be unlinked: done after the commit that says so
    hash BLOB PRIMARY KEY
) STRICT, WITHOUT ROWID;

-- The sum of what is here: of one's own, and of others' (what the quota is of).
INSERT INTO meta VALUES ('media', 0), ('media_own', 0);
CREATE TRIGGER media_came AFTER INSERT ON media WHEN new.state = 1 BEGIN
    UPDATE meta SET value = value + new.bytes WHERE name = iif(new.own, 'media_own', 'media');
END;
CREATE TRIGGER media_went AFTER DELETE ON media WHEN old.state = 1 BEGIN
    UPDATE meta SET value = value - old.bytes WHERE name = iif(old.own, 'media_own', 'media');
END;
CREATE TRIGGER media_changed AFTER UPDATE OF state, bytes, own ON media BEGIN
    UPDATE meta SET value = value - old.bytes WHERE old.state = 1 AND name = iif(old.own, 'media_own', 'media');
    UPDATE meta SET value = value + new.bytes WHERE new.state = 1 AND name = iif(new.own, 'media_own', 'media');
END;

-- Views: which readable entry names which picture.
CREATE TABLE pictures (
    key INTEGER NOT NULL,                      -- of a message
    place INTEGER NOT NULL,                    -- 0 to 3
    hash BLOB NOT NULL,
    type TEXT NOT NULL,
    bytes INTEGER NOT NULL,
    secret BLOB,                               -- the key under which it is encrypted; NULL: it is not
    PRIMARY KEY (key, place)
) STRICT, WITHOUT ROWID;
CREATE INDEX pictures_by_hash ON pictures (hash);

CREATE TABLE avatars (
    account INTEGER PRIMARY KEY,               -- accounts.number
    key INTEGER NOT NULL,                      -- the profile that holds
    hash BLOB NOT NULL,
    type TEXT NOT NULL,
    bytes INTEGER NOT NULL
) STRICT;
CREATE INDEX avatars_by_hash ON avatars (hash);

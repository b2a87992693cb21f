-- To do: entries that something held here refers to, and that are not here. Peers are asked for them by their refs.

CREATE TABLE wanted (
    number INTEGER PRIMARY KEY AUTOINCREMENT,  -- rising: each peer has been asked for all up to some number
    feed BLOB NOT NULL,
    seq INTEGER NOT NULL,
    id BLOB NOT NULL,
    time_ms INTEGER NOT NULL,                  -- the place of what refers to it: the newest is asked for first
    steps INTEGER NOT NULL,                    -- from an entry of a run to this one, along answers
    charged INTEGER NOT NULL,                  -- the number of the feed whose quota it will count to
    refused INTEGER NOT NULL DEFAULT 0,        -- 1: it came, and could not be kept: not asked for until the next start
    UNIQUE (feed, seq, id)
) STRICT;
CREATE INDEX wanted_by_charged ON wanted (charged, time_ms);

CREATE TABLE unsettled (                       -- refs to look at again: what refers to them, or they themselves, went
    feed BLOB NOT NULL,
    seq INTEGER NOT NULL,
    id BLOB NOT NULL,
    PRIMARY KEY (feed, seq, id)
) STRICT, WITHOUT ROWID;

-- A peer that had nothing of what is wanted is asked again when its changes have moved: asked up to this number in
-- `wanted`, when it was at this change.
ALTER TABLE peers ADD COLUMN asked INTEGER NOT NULL DEFAULT 0;
ALTER TABLE peers ADD COLUMN asked_change INTEGER NOT NULL DEFAULT 0;

-- Deletes are told by themselves to whoever holds alone what they name.
ALTER TABLE tombstones ADD COLUMN change INTEGER NOT NULL DEFAULT 0;
CREATE INDEX tombstones_by_change ON tombstones (change);

-- What is held alone is part of one's interest by its id, so that its delete is heard of: here, so that no way in or out
-- can forget it. A delete needs none.
ALTER TABLE interest ADD COLUMN alone INTEGER NOT NULL DEFAULT 0;  -- 1: `account` is the id of an entry
CREATE TRIGGER excerpts_come AFTER INSERT ON excerpts WHEN new.steps > 0 BEGIN
    INSERT INTO interest (version, account, wanted, alone) VALUES (randomblob(8), new.id, 1, 1);
END;
CREATE TRIGGER excerpts_go AFTER DELETE ON excerpts WHEN old.steps > 0 BEGIN
    INSERT INTO interest (version, account, wanted, alone) VALUES (randomblob(8), old.id, 0, 1);
END;

CREATE TABLE liked_todo (                      -- feeds of people newly followed: what they like and repost is wanted too
    feed BLOB PRIMARY KEY,
    seq INTEGER NOT NULL                       -- to do from here down
) STRICT, WITHOUT ROWID;

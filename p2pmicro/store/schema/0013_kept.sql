-- A block drops what is held alone of the blocked account, and what only its entries referred to. Their ids stay in the
-- interest: an interest that shrinks by one account's entries would show the block.

CREATE TABLE kept_alone (
    id BLOB PRIMARY KEY,
    seen_ms INTEGER NOT NULL,                  -- as in excerpts, and
    key INTEGER NOT NULL                       -- this too: their order in a whole interest stays as it was
) STRICT, WITHOUT ROWID;

DROP TRIGGER excerpts_come;
DROP TRIGGER excerpts_go;
CREATE TRIGGER excerpts_come AFTER INSERT ON excerpts
    WHEN new.steps > 0 AND new.id NOT IN (SELECT id FROM kept_alone) BEGIN
    INSERT INTO interest (version, account, wanted, alone) VALUES (randomblob(8), new.id, 1, 1);
END;
CREATE TRIGGER excerpts_go AFTER DELETE ON excerpts
    WHEN old.steps > 0 AND old.id NOT IN (SELECT id FROM kept_alone) BEGIN
    INSERT INTO interest (version, account, wanted, alone) VALUES (randomblob(8), old.id, 0, 1);
END;

-- What the node holds of accounts that it wants no longer, or not in full, is not kept up by what they write: their deletes
-- are wanted by themselves.

ALTER TABLE interest RENAME COLUMN alone TO scope;   -- 0 an account, 1 an entry that is held alone, 2 an account's deletes
ALTER TABLE interest RENAME COLUMN account TO name;  -- 32 bytes

-- What a fork or a revoke hides is not asked for, until a revoke shows it.
ALTER TABLE wanted ADD COLUMN hidden INTEGER NOT NULL DEFAULT 0;

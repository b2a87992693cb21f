-- Sealed messages by thread, and what each thread is: which people, or which circle. Views, as in 0003.

CREATE TABLE talks (
    root BLOB NOT NULL,                        -- 16 bytes of the id of what began the thread
    time_ms INTEGER NOT NULL,
    key INTEGER NOT NULL,
    PRIMARY KEY (root, time_ms, key)
) STRICT, WITHOUT ROWID;

CREATE TABLE talk_roots (
    root BLOB PRIMARY KEY,
    conversation BLOB NOT NULL,                -- 16 bytes: threads of the same people, or of one circle, are one conversation
    key INTEGER NOT NULL                       -- the entry that began the thread
) STRICT, WITHOUT ROWID;
CREATE INDEX talk_roots_by_conversation ON talk_roots (conversation);

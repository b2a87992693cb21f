-- Texts that are not messages yet: never in a log, on no other node. AUTOINCREMENT: a number never names another draft.

CREATE TABLE drafts (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    saved_ms INTEGER NOT NULL,
    text TEXT NOT NULL
) STRICT;

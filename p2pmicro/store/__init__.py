"""One SQLite file a home: the log tables are the truth."""

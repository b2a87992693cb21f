"""A running node: its tasks, its public methods, its home."""

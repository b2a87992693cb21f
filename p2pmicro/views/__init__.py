"""Tables that can be thrown away and computed again from entries, and their queries."""

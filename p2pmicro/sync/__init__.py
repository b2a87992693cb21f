"""The pure protocol between two nodes: bytes and `now` in, events and bytes out."""

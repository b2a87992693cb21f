"""Micro-blogging with no server."""

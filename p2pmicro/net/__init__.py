"""Sockets, TLS and discovery on trio."""

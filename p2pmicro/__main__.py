"""`python -m p2pmicro`."""

from .cli.main import entry

entry()

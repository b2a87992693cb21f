"""How commands open the home: with a bar on a terminal while an update has views made anew."""

from argparse import Namespace
from collections.abc import Iterator
from contextlib import contextmanager

from ..node.local import LocalNode
from .output import Progress

AFTER_UPDATE = "after an update: timelines and search are computed anew"


@contextmanager
def open_home(args: Namespace) -> Iterator[LocalNode]:
    """Open the home of a command."""
    with Progress(AFTER_UPDATE) as progress:
        node = LocalNode.open(args.home, progress=progress)
    with node:
        yield node

"""How commands open the home: with a bar on a terminal while an update has views made anew."""

from argparse import Namespace
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import TYPE_CHECKING, TypeVar

from ..node.install import Install
from .output import Progress

if TYPE_CHECKING:
    from ..node.local import LocalNode

Room = TypeVar("Room", bound=Install)

AFTER_UPDATE = "after an update: timelines and search are computed anew"


@contextmanager
def open_room(args: Namespace, room: type[Room]) -> Iterator[Room]:
    """Open the home of a command as far as one room of it: what the command does not need is not loaded."""
    with Progress(AFTER_UPDATE) as progress:
        node = room.open(args.home, progress=progress)
    with node:
        yield node


def open_home(args: Namespace) -> AbstractContextManager["LocalNode"]:
    """Open the home of a command with all that can be done on it."""
    from ..node.local import LocalNode

    return open_room(args, LocalNode)

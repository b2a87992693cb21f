"""Micro-blogging with no server: `async with p2pmicro.open_node(home) as node: ...`."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .node.local import LocalNode as LocalNode
    from .node.newpicture import NewPicture as NewPicture
    from .node.node import NetworkSettings as NetworkSettings
    from .node.node import open_node as open_node
    from .node.offline import Node as Node

_HOMES = {
    "LocalNode": ".node.local",
    "NetworkSettings": ".node.node",
    "NewPicture": ".node.newpicture",
    "Node": ".node.offline",
    "open_node": ".node.node",
}
__all__ = ["LocalNode", "NetworkSettings", "NewPicture", "Node", "open_node"]


def __getattr__(name: str) -> object:
    """Import on first use: a command that posts has no need of trio, which takes 0.2 s."""
    from importlib import import_module

    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_HOMES[name], __name__), name)

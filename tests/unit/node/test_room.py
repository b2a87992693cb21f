"""When a node dials: also if strangers that dialled it hold every place. Source: threats G1."""

from types import SimpleNamespace
from typing import Any, cast

import pytest

from p2pmicro.limits import SESSIONS_MAX
from p2pmicro.net.tls import Connection
from p2pmicro.node.meet import Meet
from p2pmicro.store.feeds import Role


async def _dial(address: str) -> Connection:
    raise AssertionError(address)


@pytest.mark.parametrize(
    ("dialled", "followed", "strangers", "room"),
    [
        (0, 0, 0, True),
        (0, 0, SESSIONS_MAX - 1, True),
        (0, 0, SESSIONS_MAX, True),
        (1, 0, SESSIONS_MAX - 1, True),
        (2, 0, SESSIONS_MAX - 2, False),
        (0, SESSIONS_MAX, 0, False),
        (0, SESSIONS_MAX - 1, 1, True),
        (1, SESSIONS_MAX - 1, 0, False),
    ],
)
def test_node_dials_while_strangers_hold_the_places_of_those_it_dials(
    dialled: int, followed: int, strangers: int, room: bool
) -> None:
    kinds = [(True, Role.NONE)] * dialled + [(False, Role.FOLLOWED)] * followed + [(False, Role.GUEST)] * strangers
    talks = {
        n: SimpleNamespace(session=SimpleNamespace(initiator=ours), role=role) for n, (ours, role) in enumerate(kinds)
    }
    node = cast(Any, SimpleNamespace(replicator=SimpleNamespace(talks=talks)))
    assert Meet(node, _dial, 4000)._has_room() is room

"""How long a peer that lied is out."""

from p2pmicro.ids import FeedId
from p2pmicro.limits import BACKOFF_MAX_S, PENALTIES_MAX, PENALTY_FIRST_S
from p2pmicro.node.penalties import Penalties

PEER = FeedId(bytes(32))


def test_nobody_is_out_at_first() -> None:
    assert not Penalties().is_out(PEER, 0.0)


def test_each_strike_doubles_the_wait_up_to_the_limit() -> None:
    penalties, now, waits = Penalties(), 0.0, []
    for _ in range(8):
        penalties.strike(PEER, now)
        wait_s = PENALTY_FIRST_S
        while penalties.is_out(PEER, now + wait_s):
            wait_s = min(BACKOFF_MAX_S, wait_s * 2)
        waits.append(wait_s)
        now += wait_s
    assert waits == [10.0, 20.0, 40.0, 80.0, 160.0, 300.0, 300.0, 300.0]


def test_others_are_not_out() -> None:
    penalties = Penalties()
    penalties.strike(PEER, 0.0)
    assert not penalties.is_out(FeedId(b"\1" * 32), 0.0)


def test_made_up_peers_do_not_fill_the_memory() -> None:
    penalties = Penalties()
    for number in range(PENALTIES_MAX + 1):
        penalties.strike(FeedId(number.to_bytes(32)), 0.0)
    assert not penalties.is_out(PEER, 1.0)
    assert penalties.is_out(FeedId((1).to_bytes(32)), 1.0)

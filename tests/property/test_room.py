"""What nobody wants any more makes room once the store is nearly full, and not before."""

from p2pmicro.store.db import transaction
from p2pmicro.store.forget import make_room
from p2pmicro.store.quota import stored_bytes
from p2pmicro.store.verify import verify
from tests.made import MadeFeed
from tests.property.pipe import Party, World


def _make_room(party: Party, full_bytes: int) -> bool:
    with transaction(party.connection):
        return make_room(party.connection, party.views, full_bytes)


def test_unfollowed_stay_until_room_is_needed_and_go_smallest_first(world: World) -> None:
    alice = world.add("alice")
    small, large = (MadeFeed(count, name, account=name) for count, name in ((20, "small"), (200, "large")))
    for made in (small, large):
        alice.hold(made, 1, made.last)
        alice.follow(made.account, on=False)
    full = stored_bytes(alice.connection)
    assert not _make_room(alice, full + 1)
    assert _make_room(alice, full)
    assert {state.feed for state in alice.states().values()} == {alice.feed, large.feed}
    assert _make_room(alice, 1)
    assert not _make_room(alice, 1), "one's own is never forgotten"
    assert set(alice.states()) == {alice.feed}
    assert not verify(alice.connection, lambda done, total: None)


def test_followed_are_never_forgotten(world: World) -> None:
    alice = world.add("alice")
    made = MadeFeed(20, "friend", account="friend")
    alice.hold(made, 1, made.last)
    assert not _make_room(alice, 1)
    assert alice.end_of(made.feed) == 20

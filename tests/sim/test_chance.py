"""All chance of a simulated world comes from its seed: a failing one can be played again."""

import secrets

from p2pmicro.feed import seal
from p2pmicro.feed.content import Content
from p2pmicro.ids import AccountId, FeedId
from p2pmicro.keys import device_public
from tests.made import private_key, secret
from tests.sim.world import determined

ADA, FEED = AccountId(private_key("ada").public), FeedId(private_key("feed").public)


def _sealed(seed: int) -> Content:
    with determined(seed):
        content = {"text": "only for some"}
        return seal.sealed(ADA, FEED, "post", content, [device_public(secret("box"))], [], secrets.token_bytes)


def test_sealed_entries_are_the_same_bytes_from_one_seed() -> None:
    assert _sealed(1) == _sealed(1)
    assert _sealed(1) != _sealed(2)

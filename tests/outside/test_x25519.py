"""Encryption keys against Wycheproof: 0 wrong shared secrets, and every key that hides nothing refused."""

import pytest
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey

from p2pmicro.errors import BadKeyError
from p2pmicro.feed.seal import sealed
from p2pmicro.ids import AccountId, FeedId
from p2pmicro.keys import check_box_key
from tests.made import private_key
from tests.outside.vectors import load

ADA, FEED = AccountId(private_key("ada").public), FeedId(private_key("feed").public)


def _is_refused(public: bytes) -> bool:
    try:
        check_box_key(public)
    except BadKeyError:
        return True
    return False


def test_wycheproof_keys_are_refused_or_give_the_right_secret() -> None:
    refused = zero = shared = 0
    for group in load("wycheproof_x25519.json")["testGroups"]:
        for case in group["tests"]:
            public = bytes.fromhex(case["public"])
            weak = {"LowOrderPublic", "NonCanonicalPublic", "ZeroSharedSecret"} & set(case["flags"])
            assert _is_refused(public) == bool(weak), case["tcId"]
            if weak:
                refused += 1
                zero += "ZeroSharedSecret" in weak
            else:
                private = X25519PrivateKey.from_private_bytes(bytes.fromhex(case["private"]))
                assert private.exchange(X25519PublicKey.from_public_bytes(public)).hex() == case["shared"], case["tcId"]
                shared += 1
    assert (shared, zero, refused) == (474, 31, 44)


def test_recipient_whose_key_hides_nothing_is_refused_in_a_sentence() -> None:
    for group in load("wycheproof_x25519.json")["testGroups"]:
        for case in group["tests"]:
            if "ZeroSharedSecret" in case["flags"]:
                with pytest.raises(BadKeyError, match=r"^This encryption key is refused: .*hides nothing\.$"):
                    sealed(ADA, FEED, "post", {"text": "secret"}, [bytes.fromhex(case["public"])], [], bytes)

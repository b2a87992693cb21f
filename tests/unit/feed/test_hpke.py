"""The library's HPKE and the one of the tests read each other: RFC 9180, and no reading of it of our own."""

import pytest
from cryptography.exceptions import InvalidTag

from p2pmicro import keys
from p2pmicro.feed import seal
from tests import hpke
from tests.made import secret

MESSAGES = [b"", b"K" * 16, bytes(range(256))]


@pytest.mark.parametrize("plain", MESSAGES)
@pytest.mark.parametrize("info", [b"", b"p2pmicro slot 1" + bytes(144)])
def test_each_opens_what_the_other_has_made(plain: bytes, info: bytes) -> None:
    private = keys.load_box_private(secret("reader"))
    public = private.public_key()
    ours = hpke.encrypt(plain, public.public_bytes_raw(), info, secret("sender"))
    assert seal._SUITE.decrypt(ours, private, info) == plain
    theirs = seal._SUITE.encrypt(plain, public, info)
    assert len(theirs) == len(ours) == 32 + len(plain) + 16
    assert hpke.decrypt(theirs, secret("reader"), info) == plain


def test_another_key_or_info_opens_nothing() -> None:
    public = keys.device_public(secret("reader"))
    made = hpke.encrypt(b"K" * 16, public, b"info", secret("sender"))
    for who, info in (("another", b"info"), ("reader", b"other")):
        with pytest.raises(InvalidTag):
            hpke.decrypt(made, secret(who), info)

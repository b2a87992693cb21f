"""The library's HPKE and the one of the tests read each other: RFC 9180, and no reading of it of our own."""

import pytest
from cryptography.exceptions import InvalidTag

from p2pmicro import keys
from p2pmicro.feed import seal
from tests import hpke
from tests.made import secret

# RFC 9180 appendix A.2.1 and A.2.1.1, sequence number 0.
SK_R = "8057991eef8f1f1af18f4a9491d16a1ce333f695d4db8e38da75975c4478e0fb"
PK_R = "4310ee97d88cc1f088a5576c77ab0cf5c3ac797f3d95139c6c84b5429c59662a"
SK_E = "f4ec9b33b792c372c1d2c2063507b684ef925b8c75a42dbcbf57d63ccd381600"
ENC = "1afa08d3dec047a643885163f1180476fa7ddb54c6a8029ea33f95796bf2ac4a"
INFO, AAD, PLAIN = b"Ode on a Grecian Urn", b"Count-0", b"Beauty is truth, truth beauty"
SEALED = "1c5250d8034ec2b784ba2cfd69dbdb8af406cfe3ff938e131f0def8c8b60b4db21993c62ce81883d2dd1b51a28"

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


def test_example_of_the_rfc_is_sealed_alike() -> None:
    assert keys.device_public(bytes.fromhex(SK_R)).hex() == PK_R
    assert hpke.encrypt(PLAIN, bytes.fromhex(PK_R), INFO, bytes.fromhex(SK_E), AAD).hex() == ENC + SEALED


def test_suite_that_is_drawn_gives_what_its_draws_give() -> None:
    private = keys.load_box_private(secret("reader"))

    def once(name: str) -> bytes:
        suite = hpke.DrawnSuite(lambda count: secret(name)[:count])
        made = suite.encrypt(b"plain", private.public_key(), b"info")
        assert suite.decrypt(made, private, b"info") == b"plain"
        return made

    assert once("one") == once("one")
    assert once("one") != once("another")

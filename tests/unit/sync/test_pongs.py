"""Pings are answered, and whoever sends many and reads nothing makes nothing grow. Source: threats.md, G12."""

from p2pmicro.keys import PrivateKey
from p2pmicro.sync.coding import encode_message
from p2pmicro.sync.frame import frame
from p2pmicro.sync.message import Interest, Ping, Pong, Resume, make_hello
from p2pmicro.sync.session import Session

_CERTIFICATES = (b"initiator", b"responder")
_PING, _PONG = frame(encode_message(Ping())), frame(encode_message(Pong()))


def _open_session() -> Session:
    """A responder whose peer has said all that comes first."""
    key, other = PrivateKey(bytes(32)), PrivateKey(b"\1" * 32)
    session = Session(False, _CERTIFICATES, 0.0)
    session.send(make_hello(key, False, _CERTIFICATES, bytes(8), frozenset(), None), 0.0)
    hello = make_hello(other, True, _CERTIFICATES, bytes(8), frozenset(), None)
    first = (hello, Resume(None, 0, None, None), Interest(None, bytes(8), bytes(16), [], []))
    session.receive_data(b"".join(frame(encode_message(message)) for message in first), 0.0)
    while session.next_event(0.0) is not None:
        pass
    session.data_to_send()
    return session


def test_pings_that_wait_together_are_answered_once() -> None:
    session = _open_session()
    session.receive_data(_PING * 1000, 1.0)
    assert session.next_event(1.0) is None
    assert session.data_to_send() == _PONG


def test_ping_after_the_answer_left_is_answered_again() -> None:
    session = _open_session()
    for _ in range(3):
        session.receive_data(_PING, 1.0)
        assert session.next_event(1.0) is None
        assert session.data_to_send() == _PONG

"""The pump between a stream and a session, by the mock clock."""

import trio
import trio.testing

from p2pmicro.limits import STALL_TIMEOUT_S
from p2pmicro.net.pump import Pump
from p2pmicro.sync.coding import encode_message
from p2pmicro.sync.frame import frame
from p2pmicro.sync.message import Hello, Message, make_hello
from p2pmicro.sync.session import Session
from p2pmicro.sync.state import State
from tests.made import private_key

CERTIFICATES = (b"initiator", b"responder")


def _hello(initiator: bool) -> Hello:
    name = "initiator" if initiator else "responder"
    return make_hello(private_key(name), initiator, CERTIFICATES, bytes(8), frozenset(), None)


async def test_slow_owner_does_not_blame_the_peer(autojump_clock: trio.testing.MockClock) -> None:
    ours, theirs = trio.testing.memory_stream_pair()
    session = Session(True, CERTIFICATES, trio.current_time())
    pump = Pump(ours, session)
    taken: list[Message] = []

    async def handle(message: Message) -> None:
        await trio.sleep(3 * STALL_TIMEOUT_S)  # a store on a slow disk
        taken.append(message)

    async with trio.open_nursery() as nursery:
        nursery.start_soon(pump.run, handle)
        await theirs.send_all(frame(encode_message(_hello(False))))
        await trio.sleep(3.5 * STALL_TIMEOUT_S)
        assert taken == [_hello(False)]
        assert session.state is State.AWAIT_RESUME
        nursery.cancel_scope.cancel()


async def test_silent_peer_is_let_go(autojump_clock: trio.testing.MockClock) -> None:
    ours, theirs = trio.testing.memory_stream_pair()
    session = Session(True, CERTIFICATES, trio.current_time())

    async def handle(message: Message) -> None:
        pass

    async with trio.open_nursery() as nursery:
        nursery.start_soon(Pump(ours, session).run, handle)
        await theirs.send_all(frame(encode_message(_hello(False))))
        with trio.fail_after(2 * STALL_TIMEOUT_S):
            assert await theirs.receive_some(1) == b""

"""The pipeline when a batch can't be taken."""

import logging
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar, cast

import pytest
import trio
import trio.testing

from p2pmicro.errors import StoreFullError
from p2pmicro.ids import FeedId
from p2pmicro.node.inbound import Inbound
from p2pmicro.node.intake import Intake
from p2pmicro.node.pipeline import Pipeline
from p2pmicro.node.replicate import Replicator
from p2pmicro.node.switchboard import Own, Switchboard
from p2pmicro.node.talk import Talk
from p2pmicro.sync.message import Have
from p2pmicro.sync.session import Session
from tests.made import MadeFeed

T = TypeVar("T")


class Inserts:
    """An intake that fails as told and remembers what it was given."""

    def __init__(self, failures: list[Exception | None]) -> None:
        self.failures = failures
        self.given: list[list[Inbound]] = []

    def insert(self, connection: sqlite3.Connection, batch: list[Inbound]) -> list[Any]:
        failure = self.failures.pop(0) if self.failures else None
        if failure is not None:
            raise failure
        self.given.append(list(batch))
        return []


async def _inline(work: Callable[[], T], limiter: trio.CapacityLimiter) -> T:
    await trio.lowlevel.checkpoint()
    return work()


def _talk(number: int) -> Talk:
    session = Session(False, (b"a", bytes([number])), 0.0)
    talk = Talk(session, "127.0.0.1:1", 0, lambda: None)
    talk.feed = FeedId(bytes([number]) * 32)
    return talk


@pytest.mark.parametrize("failure", [StoreFullError("full"), ZeroDivisionError()], ids=["store", "bug"])
async def test_nothing_more_is_stored_of_a_session_after_a_batch_of_it_was_lost(
    failure: Exception, tmp_path: Path, autojump_clock: object, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.CRITICAL)
    made = MadeFeed(1)
    own = Own(made.key, made.feed, made.account, made.proof, bytes(8))
    connection = sqlite3.connect(":memory:")
    pipeline = Pipeline(_inline, connection)
    replicator = Replicator(own, trio.current_time, pipeline.notify, lambda _: None, lambda: None)
    intake = Inserts([failure])
    pipeline.use(replicator, cast(Intake, intake))
    board: Switchboard = replicator._board
    lost, other = _talk(1), _talk(2)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(pipeline.run)
        board.put(Inbound(lost, Have([])))
        await trio.testing.wait_all_tasks_blocked()
        board.put(Inbound(lost, Have([], upto=7)))  # it would move the cursor past what was lost
        board.put(Inbound(other, Have([], upto=8)))
        await trio.sleep(60)
        nursery.cancel_scope.cancel()
    connection.close()
    assert [[inbound.talk for inbound in batch] for batch in intake.given] == [[other]]
    assert lost.broken


async def test_bug_ends_the_session_that_brings_it_out_and_no_other(
    autojump_clock: object, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.CRITICAL)
    made = MadeFeed(1)
    own = Own(made.key, made.feed, made.account, made.proof, bytes(8))
    connection = sqlite3.connect(":memory:")
    pipeline = Pipeline(_inline, connection)
    replicator = Replicator(own, trio.current_time, pipeline.notify, lambda _: None, lambda: None)
    poison = Have([], upto=666)

    class Breaks(Inserts):
        def insert(self, connection: sqlite3.Connection, batch: list[Inbound]) -> list[Any]:
            if any(inbound.brought == poison for inbound in batch):
                raise ZeroDivisionError
            return super().insert(connection, batch)

    intake = Breaks([])
    pipeline.use(replicator, cast(Intake, intake))
    honest, hostile, other = _talk(1), _talk(2), _talk(3)
    for talk, brought in ((honest, Have([])), (hostile, poison), (other, Have([])), (honest, Have([], upto=1))):
        replicator._board.put(Inbound(talk, brought))
    async with trio.open_nursery() as nursery:
        nursery.start_soon(pipeline.run)
        await trio.sleep(60)
        nursery.cancel_scope.cancel()
    connection.close()
    assert [[inbound.talk for inbound in batch] for batch in intake.given] == [[honest, honest], [other]]
    assert [talk.strikes for talk in (honest, hostile, other)] == [0, 1, 0]

"""What was cut off half-way (a crash, a locked database) is brought to its end later. Source: threats L1, X18."""

from functools import partial
from pathlib import Path

import pytest
import trio

from p2pmicro.errors import StoreLockedError
from p2pmicro.node import install, intake
from p2pmicro.node.home import Home
from p2pmicro.node.inbound import Inbound, Refresh
from p2pmicro.node.intake import Intake
from p2pmicro.node.local import LocalNode
from p2pmicro.store.changes import epoch
from p2pmicro.store.feeds import Role, role_of
from tests.made import NOW_MS, MadeFeed
from tests.sim.schedule import run_world
from tests.sim.world import SimNode, World


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home(tmp_path / "home", tmp_path / "state")


def locked(*_: object) -> None:
    raise StoreLockedError("Another program has held the database for 10 seconds: end it and try again.")


class TestFollow:
    def test_said_again_does_what_was_left_undone(self, home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
        friend = MadeFeed(1).account
        with LocalNode.open(home, create=True) as node:
            with monkeypatch.context() as patch:
                patch.setattr(install, "refresh_interest", locked)
                with pytest.raises(StoreLockedError):
                    node.follow(friend)
            assert role_of(node.connection, friend) is Role.NONE
            assert node.follow(friend) is None
            assert role_of(node.connection, friend) is Role.FOLLOWED

    def test_node_that_starts_does_what_was_left_undone(self, home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
        friend = MadeFeed(1).account
        with LocalNode.open(home, create=True) as node:
            with monkeypatch.context() as patch:
                patch.setattr(install, "refresh_interest", locked)
                with pytest.raises(StoreLockedError):
                    node.follow(friend)
            assert started(node).refresh_is_due()


def started(node: LocalNode) -> Intake:
    return Intake(node.account, node.feed, node.views, node.changes, bytes, lambda: NOW_MS)


def test_refresh_that_could_not_be_stored_is_still_due(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    with LocalNode.open(home, create=True) as node:
        taking = started(node)
        with monkeypatch.context() as patch:
            patch.setattr(intake, "refresh_interest", locked)
            with pytest.raises(StoreLockedError):
                taking.insert(node.connection, [Inbound(None, Refresh())])
        assert taking.refresh_is_due()
        taking.insert(node.connection, [Inbound(None, Refresh())])
        assert not taking.refresh_is_due()


def test_new_feed_has_a_new_epoch_even_if_it_was_begun_in_two_attempts(
    home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    with LocalNode.open(home, create=True) as node:
        before = epoch(node.connection), node.feed
        with monkeypatch.context() as patch:
            patch.setattr(LocalNode, "_use", locked)  # the process ends when the keys are made
            with pytest.raises(StoreLockedError):
                node.renew_feed("It is a copy.")
    with LocalNode.open(home) as node:
        assert node.feed != before[1]
        assert epoch(node.connection) != before[0]
        node.post("under another feed")


@pytest.mark.parametrize("at", ["renew_feed", "device", "height"])
def test_running_node_goes_on_under_its_new_feed_after_a_failure(at: str) -> None:
    run_world(1, partial(_renewed, at=at))


async def _renewed(world: World, at: str) -> None:
    world.work_s = 0.0
    world.nodes.append(SimNode(world, 0, 0.0))
    await world.nodes[0].start()
    node, found = world.nodes[0].node, world.nodes[0].local
    assert node is not None
    assert found is not None
    before = found.feed
    right = getattr(found, at)
    failures = iter([locked])

    def once(*given: object) -> object:
        return next(failures, right)(*given)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(found, at, once)
        node._own_ahead()
        await trio.sleep(10)
    assert found.feed != before
    assert node.replicator.own.feed == found.feed
    await node.post("under another feed")


def test_running_node_goes_on_under_the_feed_that_an_append_has_begun() -> None:
    run_world(1, _forked)


async def _forked(world: World) -> None:
    world.work_s = 0.0
    world.nodes.append(SimNode(world, 0, 0.0))
    await world.nodes[0].start()
    node, found = world.nodes[0].node, world.nodes[0].local
    assert node is not None
    assert found is not None
    before = found.feed
    found.mark._path.unlink()
    ref = await node.post("under another feed")
    assert ref.feed != before
    await trio.sleep(3)
    assert node.replicator.own.feed == node.feed == ref.feed

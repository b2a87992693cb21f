"""The high-water mark and the locks: only raised, whole or damaged, one holder at a time."""

import threading
from pathlib import Path

import pytest

from p2pmicro.errors import ConfigError, FeedBehindError, StoreDamagedError, StoreLockedError
from p2pmicro.feed.chain import genesis
from p2pmicro.ids import EntryId, FeedId
from p2pmicro.limits import CHANGE_BLOCK
from p2pmicro.store import mark as mark_module
from p2pmicro.store.changes import ChangeNumbers, epoch, last_change, new_epoch
from p2pmicro.store.db import transaction
from p2pmicro.store.lock import NodeLock
from p2pmicro.store.mark import Mark, MarkFile
from tests.made import MadeFeed, flipped
from tests.store.home import Home

FEED = MadeFeed(1).feed
ONE, TWO = EntryId(b"1" * 32), EntryId(b"2" * 32)


@pytest.fixture
def mark(tmp_path: Path) -> MarkFile:
    made = MarkFile(tmp_path, FEED)
    made.create()
    return made


def test_new_mark_stands_before_the_first_entry(mark: MarkFile, tmp_path: Path) -> None:
    assert mark.read() == Mark(0, genesis(FEED).id, 0)
    assert {path.stat().st_mode & 0o777 for path in tmp_path.iterdir()} == {0o600}


def test_mark_is_raised_and_never_lowered(mark: MarkFile) -> None:
    mark.raise_to(2, TWO)
    with pytest.raises(FeedBehindError, match="never lowered"):
        mark.raise_to(1, ONE)
    with pytest.raises(FeedBehindError):
        mark.raise_to(2, ONE)
    mark.raise_to(2, TWO)
    mark.create()
    assert mark.read() == Mark(2, TWO, 0)


def test_prepared_mark_counts_for_nothing_until_it_is_raised(mark: MarkFile, tmp_path: Path) -> None:
    with mark.lock():
        mark.prepare(1, ONE)
        assert mark.read() == Mark(0, genesis(FEED).id, 0)
        mark.reserve(7)  # written by the same way
        mark.raise_to(1, ONE)
    assert mark.read() == Mark(1, ONE, 7)
    with mark.lock():
        mark.prepare(2, TWO)
    MarkFile(tmp_path, FEED).reserve(9)  # another may write beside it once the lock is free
    mark.raise_to(2, TWO)
    assert mark.read() == Mark(2, TWO, 9)


def test_reserved_numbers_are_never_lowered(mark: MarkFile) -> None:
    assert mark.reserve(100) == 100
    assert mark.reserve(50) == 100
    mark.raise_to(1, ONE)
    assert mark.read() == Mark(1, ONE, 100)


def test_lost_mark_is_not_made_again_by_the_way(tmp_path: Path) -> None:
    mark = MarkFile(tmp_path, FEED)
    assert mark.read() is None
    with pytest.raises(FeedBehindError, match="no mark"):
        mark.raise_to(1, ONE)
    with pytest.raises(FeedBehindError, match="no mark"):
        mark.reserve(1)
    assert mark.read() is None


def test_any_flipped_bit_is_damage(mark: MarkFile, tmp_path: Path) -> None:
    path = next(tmp_path.glob("*.mark"))
    good = path.read_bytes()
    for bit in range(0, 8 * len(good), 5):
        path.write_bytes(flipped(good, bit))
        with pytest.raises(StoreDamagedError, match="damaged"):
            mark.read()


@pytest.mark.parametrize("size", [0, 1, 95, 127])
def test_cut_mark_is_damage(mark: MarkFile, tmp_path: Path, size: int) -> None:
    path = next(tmp_path.glob("*.mark"))
    path.write_bytes(path.read_bytes()[:size])
    with pytest.raises(StoreDamagedError):
        mark.raise_to(1, ONE)


def test_mark_of_another_feed_is_damage(mark: MarkFile, tmp_path: Path) -> None:
    other = FeedId(bytes(32))
    next(tmp_path.glob("*.mark")).rename(tmp_path / f"{other.hex()}.mark")
    with pytest.raises(StoreDamagedError):
        MarkFile(tmp_path, other).read()


def test_half_written_mark_is_not_seen(mark: MarkFile, tmp_path: Path) -> None:
    mark.raise_to(1, ONE)
    (tmp_path / f"{FEED.hex()}.new").write_bytes(b"half")  # what a crash before the rename leaves
    assert mark.read() == Mark(1, ONE, 0)
    mark.raise_to(2, TWO)
    assert mark.read() == Mark(2, TWO, 0)


def test_missing_state_folder_is_said(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="marks"):
        MarkFile(tmp_path / "nowhere", FEED).create()


def test_mark_lock_is_taken_again_by_its_thread_and_kept_from_others(
    mark: MarkFile, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(mark_module, "_LOCK_TIMEOUT_S", 0.01)
    other = MarkFile(tmp_path, FEED)
    with mark.lock():
        with mark.lock():
            mark.raise_to(1, ONE)
        with pytest.raises(StoreLockedError, match="end it"):
            other.raise_to(2, TWO)
    other.raise_to(2, TWO)


def test_raises_from_many_threads_are_one_after_the_other(mark: MarkFile) -> None:
    def reserve() -> None:
        for number in range(20):
            mark.reserve(number)

    threads = [threading.Thread(target=reserve) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert mark.read() == Mark(0, genesis(FEED).id, 19)


def test_one_node_runs(tmp_path: Path) -> None:
    with NodeLock(tmp_path / "node.lock") as first:
        assert first
        with NodeLock(tmp_path / "node.lock") as second:
            assert not second
    lock = NodeLock(tmp_path / "node.lock")
    assert lock.acquire()
    assert lock.held
    lock.release()
    lock.release()
    assert not lock.held


class TestChangeNumbers:
    def test_numbers_go_up_one_by_one(self, home: Home) -> None:
        with transaction(home.connection):
            assert home.changes.take(home.connection) == 1
            assert home.changes.take(home.connection, 3) == 2
            assert home.changes.take(home.connection) == 5
        assert last_change(home.connection) == 5

    def test_number_that_was_rolled_back_is_given_again(self, home: Home) -> None:
        home.connection.execute("BEGIN IMMEDIATE")
        assert home.changes.take(home.connection) == 1
        home.connection.execute("ROLLBACK")
        with transaction(home.connection):
            assert home.changes.take(home.connection) == 1

    def test_no_number_above_what_is_reserved_is_given(self, home: Home) -> None:
        with transaction(home.connection):
            for _ in range(3):
                last = home.changes.take(home.connection, CHANGE_BLOCK) + CHANGE_BLOCK - 1
                mark = home.mark.read()
                assert mark is not None
                assert mark.reserved >= last

    def test_start_goes_on_above_all_that_may_have_been_seen(self, home: Home) -> None:
        with transaction(home.connection):
            home.changes.take(home.connection, 10)
        # A power cut takes the last commits of a fast connection back.
        with transaction(home.connection):
            home.connection.execute("UPDATE meta SET value = 3 WHERE name = 'change'")
        again = ChangeNumbers(MarkFile(home.state, home.mark.feed))
        with transaction(home.connection):
            again.start(home.connection)
            assert again.take(home.connection) > 10

    def test_one_block_serves_many_numbers(self, home: Home) -> None:
        with transaction(home.connection):
            home.changes.take(home.connection)
            before = home.mark.read()
            ChangeNumbers(MarkFile(home.state, home.mark.feed)).take(home.connection)
            assert home.mark.read() == before

    def test_epoch_is_random_and_can_be_drawn_anew(self, home: Home) -> None:
        first = epoch(home.connection)
        assert len(first) == 8
        with transaction(home.connection):
            new_epoch(home.connection, b"12345678")
        assert epoch(home.connection) == b"12345678" != first

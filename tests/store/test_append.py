"""Appends: acknowledged after the commit and the mark, and never by a home that was copied or restored."""

import shutil
import sqlite3
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from p2pmicro.errors import ContentError, DiskFailedError, FeedBehindError, StoreError, StoreFullError, StoreLockedError
from p2pmicro.feed.chain import Link, check_range, genesis
from p2pmicro.feed.content import post, write
from p2pmicro.feed.device import make_revoke
from p2pmicro.feed.fork import make_fork_proof
from p2pmicro.ids import FeedId, Ref
from p2pmicro.store import mark as mark_module
from p2pmicro.store.append import append, append_with, check_own
from p2pmicro.store.cut import learn_fork, learn_revoke
from p2pmicro.store.db import Connection, open_database, transaction
from p2pmicro.store.ingest import Outcome
from p2pmicro.store.mark import MarkFile
from p2pmicro.store.serve import read_range
from p2pmicro.store.verify import verify
from tests.made import NOW_MS, MadeFeed
from tests.store.home import Home


def _post(text: str) -> bytes:
    return write(NOW_MS, "post", post(text))


def _marked(home: Home) -> int:
    mark = home.mark.read()
    assert mark is not None
    return mark.seq


def test_feed_begins_with_its_device(home: Home) -> None:
    refs = home.create()
    assert refs == [Ref(home.own.feed, 1, home.own.links[1].id)]
    assert home.shown(home.own.feed) == [1]
    assert _marked(home) == 1


def test_appended_entries_are_a_feed_that_others_accept(home: Home) -> None:
    home.create()
    refs = home.append(*(_post(str(number)) for number in range(130)))
    refs += home.append(_post("one more"))
    served = read_range(home.connection, home.own.feed, 1, refs[-1].seq, None)
    assert served is not None
    assert check_range(served).end == Link(132, refs[-1].id)
    assert sorted(served.heads) == [1, 64, 128, 132]
    assert home.shown(home.own.feed) == list(range(1, 133))
    assert _marked(home) == 132
    assert verify(home.connection, lambda done, of: None) == []


def test_more_entries_than_one_statement_takes(home: Home) -> None:
    home.create()
    assert len(home.append(*(_post(str(number)) for number in range(2100)))) == 2100
    assert verify(home.connection, lambda done, of: None) == []


def test_what_to_write_is_made_inside_the_transaction(home: Home) -> None:
    home.create()

    def make(connection: sqlite3.Connection) -> Sequence[bytes]:
        assert connection.in_transaction
        return []

    arguments = (home.connection, home.views, home.changes, home.mark, home.key)
    assert append_with(*arguments, make, NOW_MS) == []
    assert _marked(home) == 1


def test_payload_that_can_not_be_read_is_not_written(home: Home) -> None:
    home.create()
    with pytest.raises(ContentError):
        home.append(_post("one"), b"\x83\x01\x61x\xa0")
    assert _marked(home) == 1
    assert home.shown(home.own.feed) == [1]


def test_full_disk_acknowledges_nothing(home: Home) -> None:
    home.create()
    pages = home.connection.execute("PRAGMA page_count").fetchone()[0]
    home.connection.execute(f"PRAGMA max_page_count={pages}")
    with pytest.raises(StoreFullError):
        home.append(*(_post(str(number) * 20) for number in range(100)))
    assert _marked(home) == 1
    home.connection.execute(f"PRAGMA max_page_count={pages * 100}")
    assert check_own(home.connection, home.mark, home.own.feed).seq == 1


class _FailingDisk(Connection):
    """A connection to a disk that fails to sync."""

    def execute(self, sql: str, parameters: Any = (), /) -> Any:
        if sql == "COMMIT":
            raise DiskFailedError("The disk failed.")
        return super().execute(sql, parameters)


def test_mark_is_not_raised_before_the_commit(home: Home) -> None:
    home.create()
    failing = sqlite3.connect(home.path, isolation_level=None, factory=_FailingDisk)
    with pytest.raises(DiskFailedError):
        append(failing, home.views, home.changes, home.mark, home.key, [_post("lost")], NOW_MS)
    failing.close()
    assert _marked(home) == 1
    assert check_own(home.connection, home.mark, home.own.feed).seq == 1


def test_mark_that_can_not_be_written_stops_the_append_before_its_commit(home: Home) -> None:
    """What was said to have failed must not turn up later."""
    home.create()
    obstacle = home.state / f"{home.own.feed.hex()}.new"
    obstacle.mkdir()
    with pytest.raises(StoreError, match="state"):
        home.append(_post("not written"))
    obstacle.rmdir()
    assert check_own(home.connection, home.mark, home.own.feed).seq == 1


def test_nothing_is_written_while_another_holds_the_mark(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    home.create()
    monkeypatch.setattr(mark_module, "_LOCK_TIMEOUT_S", 0.01)
    with MarkFile(home.state, home.mark.feed).lock(), pytest.raises(StoreLockedError):
        home.append(_post("too early"))
    assert check_own(home.connection, home.mark, home.own.feed).seq == 1


def test_two_connections_take_turns(home: Home, tmp_path: Path) -> None:
    home.create()
    other = Home(tmp_path)
    assert [home.append(_post("a"))[0].seq, other.append(_post("b"))[0].seq, home.append(_post("c"))[0].seq] == [
        2,
        3,
        4,
    ]
    assert verify(home.connection, lambda done, of: None) == []
    other.close()


def test_feed_is_created_again_after_a_crash_before_its_commit(home: Home) -> None:
    home.mark.create()
    assert home.create()[0].seq == 1
    with pytest.raises(FeedBehindError, match="already"):
        home.create()


def test_commit_whose_mark_was_not_raised_is_marked_by_the_next(home: Home, tmp_path: Path) -> None:
    home.create()
    marks = {path: path.read_bytes() for path in home.state.glob("*.mark")}
    refs = home.append(_post("committed"), _post("and this"))
    for path, data in marks.items():
        path.write_bytes(data)  # as if the process had ended between the two
    assert check_own(home.connection, home.mark, home.own.feed) == Link(3, refs[-1].id)
    assert _marked(home) == 3
    for path, data in marks.items():
        path.write_bytes(data)
    assert home.append(_post("next"))[0].seq == 4
    assert _marked(home) == 4


def test_nothing_may_be_sent_of_a_feed_that_has_not_begun(home: Home) -> None:
    assert check_own(home.connection, home.mark, home.own.feed) == genesis(home.own.feed)
    with pytest.raises(FeedBehindError):
        home.append(_post("too early"))


class TestRestored:
    """A store that is older than what its feed has acknowledged."""

    @pytest.fixture
    def restored(self, tmp_path: Path) -> Home:
        home = Home(tmp_path)
        home.create()
        home.append(_post("one"))
        home.connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        shutil.copy(home.path, tmp_path / "copy.db")
        home.append(_post("two"))
        home.close()
        for path in tmp_path.glob("store.db*"):
            path.unlink()
        shutil.move(tmp_path / "copy.db", home.path)
        home.path.chmod(0o600)
        home.connection = open_database(home.path, durable=False)
        return home

    def test_it_does_not_append(self, restored: Home) -> None:
        with pytest.raises(FeedBehindError, match="restored") as caught:
            restored.append(_post("a fork"))
        assert caught.value.code == "store.behind"
        with pytest.raises(FeedBehindError, match="restored"):
            check_own(restored.connection, restored.mark, restored.own.feed)
        found = restored.feed(restored.own.feed).newest
        assert found is not None
        assert found.end.seq == 2
        assert _marked(restored) == 3
        restored.close()

    def test_it_makes_a_new_feed(self, restored: Home, tmp_path: Path) -> None:
        restored.close()
        again = Home(tmp_path, "second feed")
        again.create()
        assert again.append(_post("here I am"))[0].seq == 2
        again.close()


def test_empty_store_under_a_mark_does_not_append(home: Home, tmp_path: Path) -> None:
    home.create()
    empty = open_database(tmp_path / "other.db")
    with pytest.raises(FeedBehindError, match="lacks this feed"):
        check_own(empty, home.mark, home.own.feed)
    empty.close()


def test_home_that_was_copied_to_another_computer_does_not_append(home: Home, tmp_path: Path) -> None:
    home.create()
    (tmp_path / "elsewhere").mkdir()
    home.mark = MarkFile(tmp_path / "elsewhere", home.mark.feed)
    home.changes.mark = home.mark
    with pytest.raises(FeedBehindError, match="copy"):
        home.append(_post("a fork"))
    with pytest.raises(FeedBehindError, match="copy"):
        check_own(home.connection, home.mark, home.own.feed)
    assert home.mark.read() is None


def test_another_entry_at_the_mark_does_not_append(home: Home, tmp_path: Path) -> None:
    home.create()
    twin = Home(tmp_path / "twin")
    twin.create()
    home.append(_post("here"))
    twin.append(_post("there"))
    for seq in (2, 3):  # at the mark, and above it
        with pytest.raises(FeedBehindError, match="not the one"):
            check_own(twin.connection, home.mark, home.own.feed)
        twin.append(_post(f"on {seq}"))
    twin.close()


def test_entries_of_the_feed_in_use_are_never_taken_from_others(home: Home, tmp_path: Path) -> None:
    home.create()
    twin = Home(tmp_path / "twin")
    twin.create()
    twin.append(_post("from the copy"))
    served = read_range(twin.connection, home.own.feed, 1, 2, None)
    assert served is not None
    assert home.take(served) == [(Outcome.OWN, 0)]
    assert home.append(_post("mine"))[0].seq == 2
    assert home.take(served) == [(Outcome.BRANCH, 0)]
    twin.close()


@pytest.mark.parametrize("how", ["forked", "revoked"])
def test_closed_feed_does_not_append(home: Home, how: str) -> None:
    home.create()
    home.append(*(_post(str(number)) for number in range(70)))
    made = MadeFeed(1, "own feed", account="owner")
    with transaction(home.connection):
        if how == "forked":
            one, other = made.branch(2, 3), made.branch(2, 3, start=7)
            proof = make_fork_proof(made.feed, made.links[1], one.side(2, 4), other.side(2, 4))
            assert learn_fork(home.connection, home.views, home.changes, proof)
        else:
            revoke = make_revoke(made.account_key, FeedId(made.feed), made.links[1])
            assert learn_revoke(home.connection, home.views, home.changes, revoke)
    with pytest.raises(FeedBehindError, match="closed"):
        home.append(_post("too late"))

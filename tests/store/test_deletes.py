"""Deletes: what they erase, what they may not, in whatever order things come; and that erased means erased."""

import sqlite3
from pathlib import Path

import pytest

from p2pmicro.feed.chain import as_hole
from p2pmicro.feed.content import delete, post, write
from p2pmicro.feed.fork import make_fork_proof
from p2pmicro.ids import EntryId, Ref
from p2pmicro.store.cut import learn_fork
from p2pmicro.store.db import open_database, read_transaction, transaction
from p2pmicro.store.erase import finish, pending
from p2pmicro.store.ingest import Outcome
from p2pmicro.store.serve import read_excerpt, read_range
from p2pmicro.store.verify import verify
from tests.made import NOW_MS, MadeFeed
from tests.store.home import Home

SECRET = "nobody-should-find-this"


def _delete(made: MadeFeed, target: MadeFeed, seq: int, entry_id: bytes | None = None) -> None:
    found = target.links[seq].id if entry_id is None else EntryId(entry_id)
    made.append(write(NOW_MS, "delete", delete(Ref(target.feed, seq, found))))


def _payload(home: Home, made: MadeFeed, seq: int) -> bytes | None:
    key = home.feed(made.feed).key(seq)
    (payload,) = home.connection.execute("SELECT payload FROM entries WHERE key = ?", (key,)).fetchone()
    return bytes(payload) if payload is not None else None


def _why(home: Home) -> list[int]:
    return [why for (why,) in home.connection.execute("SELECT why FROM holes ORDER BY key")]


@pytest.fixture
def laptop() -> MadeFeed:
    made = MadeFeed(9, "laptop")
    made.append(write(NOW_MS, "post", post(SECRET)))  # 10
    _delete(made, made, 10)  # 11
    return made


def test_delete_erases_what_is_held(home: Home, laptop: MadeFeed) -> None:
    home.know(laptop)
    home.take(laptop.range(1, 10))
    change = home.feed(laptop.feed).change
    home.take(laptop.range(11, 11))
    assert _payload(home, laptop, 10) is None
    assert _why(home) == [1]
    assert 10 not in home.shown(laptop.feed)
    assert home.feed(laptop.feed).change > change
    assert pending(home.connection) == 1
    assert verify(home.connection, lambda done, of: None) == []


def test_entry_that_comes_with_its_delete_is_never_written(home: Home, laptop: MadeFeed) -> None:
    home.know(laptop)
    home.take(laptop.range(1, 11))
    assert _payload(home, laptop, 10) is None
    assert pending(home.connection) == 0
    assert home.shown(laptop.feed) == [*range(1, 10), 11]


def test_entry_that_comes_after_its_delete_is_never_written(home: Home, laptop: MadeFeed) -> None:
    home.know(laptop)
    home.take(laptop.range(11, 11))
    home.take(laptop.range(1, 10, known=True), end=laptop.links[10].id)
    assert _payload(home, laptop, 10) is None
    assert pending(home.connection) == 0


def test_deletes_of_one_batch_act_on_all_of_it(home: Home, laptop: MadeFeed) -> None:
    phone = MadeFeed(3, "phone", start=50)
    _delete(phone, laptop, 5)
    home.know(laptop)
    home.know(phone)
    assert home.take(laptop.range(1, 9), phone.range(1, 4)) == [(Outcome.STORED, 9), (Outcome.STORED, 4)]
    assert _payload(home, laptop, 5) is None
    assert pending(home.connection) == 0


def test_erased_entry_travels_as_a_hole(home: Home, laptop: MadeFeed) -> None:
    home.know(laptop)
    home.take(laptop.range(1, 10))
    home.take(laptop.range(11, 11))
    assert read_range(home.connection, laptop.feed, 1, 11, None) == laptop.range(1, 11, holes=[10])
    assert read_excerpt(home.connection, laptop.feed, 10) is None
    excerpt = read_excerpt(home.connection, laptop.feed, 9)
    assert excerpt == laptop.excerpt(9, 11).__class__(
        laptop.feed,
        laptop.links[8],
        laptop.payloads[8],
        [as_hole(laptop.payloads[9]), as_hole(laptop.payloads[10])],
        laptop.head(11),
    )


def test_erased_entry_is_not_filled_again(home: Home, laptop: MadeFeed) -> None:
    home.know(laptop)
    home.take(laptop.range(1, 11))
    assert home.take(laptop.range(1, 11)) == [(Outcome.DUPLICATE, 0)]
    assert _payload(home, laptop, 10) is None


def test_payload_under_a_tombstone_is_not_served(home: Home, laptop: MadeFeed) -> None:
    """Even if it is in the table, by a fault or an older version's."""
    home.know(laptop)
    home.take(laptop.range(1, 11))
    key = home.feed(laptop.feed).key(10)
    home.connection.execute("UPDATE entries SET payload = ? WHERE key = ?", (laptop.payloads[9], key))
    home.connection.execute("DELETE FROM holes WHERE key = ?", (key,))
    assert read_range(home.connection, laptop.feed, 1, 11, None) == laptop.range(1, 11, holes=[10])
    assert read_excerpt(home.connection, laptop.feed, 10) is None
    assert any("was deleted" in fault for fault in verify(home.connection, lambda done, of: None))


@pytest.mark.parametrize("first", ["target", "delete"])
@pytest.mark.parametrize("void", ["another's", "entry 1", "another id", "a delete"])
def test_void_deletes_erase_nothing(home: Home, void: str, first: str) -> None:
    target = MadeFeed(4, "laptop")
    _delete(target, target, 2)
    deleter = MadeFeed(1, "phone", "bob" if void == "another's" else "alice")
    match void:
        case "another's":
            _delete(deleter, target, 3)
        case "entry 1":
            _delete(deleter, target, 1)
        case "another id":
            _delete(deleter, target, 3, entry_id=bytes(32))
        case "a delete":
            _delete(deleter, target, 5)
    home.know(target)
    home.know(deleter)
    for made in (target, deleter) if first == "target" else (deleter, target):
        home.take(made.range(1, made.last))
    assert home.shown(target.feed) == [1, 3, 4, 5]
    assert pending(home.connection) == 0
    assert verify(home.connection, lambda done, of: None) == []


@pytest.mark.parametrize("first", ["target", "delete"])
def test_missing_entry_1_is_not_taken_for_deleted(home: Home, first: str) -> None:
    target, deleter = MadeFeed(4, "laptop"), MadeFeed(1, "phone")
    _delete(deleter, target, 1)
    home.know(target)
    home.know(deleter)
    ranges = [target.range(1, 4, holes=[1]), deleter.range(1, 2)]
    for given in ranges if first == "target" else ranges[::-1]:
        home.take(given)
    assert _why(home) == [3]


def test_kinds_of_a_newer_version_that_are_never_erased(home: Home) -> None:
    """`keys` is no kind that this version reads; a delete of it is void all the same."""
    made = MadeFeed(1, "laptop")
    made.append(b"\x83\x01\x64keys\xa0")
    made.append(b"\x83\x01\x64poem\xa0")
    _delete(made, made, 2)
    _delete(made, made, 3)
    home.know(made)
    home.take(made.range(1, 3))
    home.take(made.range(4, 5))
    assert _payload(home, made, 2) is not None
    assert _payload(home, made, 3) is None


def test_missing_payload_is_filled_and_counts_from_then(home: Home, laptop: MadeFeed) -> None:
    home.know(laptop)
    home.take(laptop.range(1, 11, holes=[3, 11]), now_ms=NOW_MS - 5)
    assert _why(home) == [3, 3]
    assert home.shown(laptop.feed) == [seq for seq in range(1, 11) if seq != 3]
    assert home.take(laptop.range(2, 11)) == [(Outcome.STORED, 2)]
    assert home.shown(laptop.feed) == [seq for seq in range(1, 12) if seq != 10]  # what was filled is a delete
    assert {row.seen_ms for row in home.seen.rows.values()} == {NOW_MS - 5}
    assert verify(home.connection, lambda done, of: None) == []


def test_pruned_payload_is_not_filled(home: Home, laptop: MadeFeed) -> None:
    home.know(laptop)
    home.take(laptop.range(1, 9, holes=[3]))
    home.connection.execute("UPDATE holes SET why = 2")
    assert home.take(laptop.range(1, 9)) == [(Outcome.DUPLICATE, 0)]


def test_hidden_delete_counts_for_nothing(home: Home, laptop: MadeFeed) -> None:
    home.know(laptop)
    home.take(laptop.range(1, 11))
    other = laptop.branch(11, 1)
    proof = make_fork_proof(laptop.feed, laptop.links[10], laptop.side(11, 11), other.side(11, 11))
    with transaction(home.connection):
        assert learn_fork(home.connection, home.views, home.changes, proof)
    assert home.count("tombstones") == 0
    assert _why(home) == [3]  # missing: it may be asked for
    assert home.take(laptop.range(1, 11)) == [(Outcome.STORED, 1)]
    assert home.shown(laptop.feed) == list(range(1, 11))


class TestErased:
    """What the files of the home still say."""

    def _found(self, home: Home) -> bool:
        return any(SECRET.encode() in path.read_bytes() for path in home.path.parent.glob("store.db*"))

    @pytest.fixture
    def erased(self, home: Home, laptop: MadeFeed) -> Home:
        home.know(laptop)
        home.take(laptop.range(1, 10))
        home.take(laptop.range(11, 11))
        return home

    def test_text_is_gone_when_it_is_said_to_be(self, erased: Home) -> None:
        assert self._found(erased)  # in the write-ahead log
        assert finish(erased.connection, erased.views)
        assert not self._found(erased)
        assert pending(erased.connection) == 0
        assert erased.seen.erased == 1

    def test_it_stays_pending_while_a_reader_holds_the_log(self, erased: Home) -> None:
        reader = open_database(erased.path, read_only=True)
        erased.connection.execute("PRAGMA busy_timeout=1")
        with read_transaction(reader):
            assert pending(reader) == 1
            assert not finish(erased.connection, erased.views)
            assert pending(erased.connection) == 1
        reader.close()
        assert finish(erased.connection, erased.views)
        assert not self._found(erased)

    def test_nothing_pending_is_nothing_to_do(self, home: Home) -> None:
        assert finish(home.connection, home.views)
        assert home.seen.erased == 0

    def test_what_is_erased_meanwhile_stays_pending(self, erased: Home) -> None:
        class Late:
            """A view during whose merge another text is erased."""

            def erase_text(self, connection: sqlite3.Connection) -> None:
                connection.execute("INSERT INTO erasures (key) VALUES (99)")

        assert finish(erased.connection, [*erased.views, Late()])  # type: ignore[list-item]
        assert pending(erased.connection) == 1


def test_deletes_survive_reopening(home: Home, laptop: MadeFeed, tmp_path: Path) -> None:
    home.know(laptop)
    home.take(laptop.range(11, 11))
    home.close()
    again = Home(tmp_path)
    assert again.take(laptop.range(1, 10, known=True), end=laptop.links[10].id) == [(Outcome.STORED, 10)]
    assert _payload(again, laptop, 10) is None
    again.close()

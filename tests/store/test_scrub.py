"""Erased texts do not survive in the unused bytes of pages, and nothing that is used is touched."""

import os
from random import Random

import pytest

from p2pmicro.feed.content import delete, post, write
from p2pmicro.ids import Ref
from p2pmicro.store import scrub as scrub_module
from p2pmicro.store.db import open_database, transaction
from p2pmicro.store.erase import finish, pending
from p2pmicro.store.scrub import scrub
from p2pmicro.store.verify import verify
from tests.made import NOW_MS, MadeFeed
from tests.store.home import Home
from tests.texts import message

FEEDS, COUNT, GONE = 6, 160, 110


def _secret(feed: int, seq: int) -> bytes:
    return b"zebra%dfinch%05dquux" % (feed, seq)


@pytest.fixture
def split(home: Home) -> tuple[Home, list[bytes]]:
    """Feeds that grew side by side, so that pages were split; and what was erased of them."""
    rng = Random(10)  # leaves four texts, by SQLite 3.40
    made = [MadeFeed(1, f"feed {number}") for number in range(FEEDS)]
    for number, feed in enumerate(made):
        home.know(feed)
        for seq in range(2, COUNT + 1):
            text = _secret(number, seq).decode() + " " + message(seq)[: rng.randrange(10, 100)]
            feed.append(write(NOW_MS, "post", post(text)))
    ends = [0] * FEEDS
    while any(end < COUNT for end in ends):
        number = rng.randrange(FEEDS)
        first, ends[number] = ends[number] + 1, min(COUNT, ends[number] + rng.randrange(1, 6))
        if first <= ends[number]:
            home.take(made[number].range(first, ends[number]))
    gone = []
    for number, feed in enumerate(made):
        for seq in rng.sample(range(2, COUNT), GONE):
            gone.append(_secret(number, seq))
            feed.append(write(NOW_MS, "delete", delete(Ref(feed.feed, seq, feed.links[seq].id))))
        home.take(feed.range(COUNT + 1, feed.last))
    assert pending(home.connection) == FEEDS * GONE
    return home, gone


def _found(home: Home, texts: list[bytes]) -> int:
    data = b"".join(path.read_bytes() for path in home.path.parent.glob("store.db*"))
    return sum(text in data for text in texts)


def test_split_pages_keep_no_erased_text(split: tuple[Home, list[bytes]]) -> None:
    home, gone = split
    assert finish(home.connection, home.views)
    assert _found(home, gone) == 0
    assert _found(home, [b"zebra"]) == 1
    assert verify(home.connection, lambda done, of: None) == []


@pytest.mark.parametrize("slice_pages", [1 << 16, 7])
@pytest.mark.parametrize("first", ["own", "other"])
def test_caches_do_not_bring_erased_text_back(
    split: tuple[Home, list[bytes]], monkeypatch: pytest.MonkeyPatch, first: str, slice_pages: int
) -> None:
    monkeypatch.setattr(scrub_module, "SLICE_PAGES", slice_pages)
    home, gone = split
    other = open_database(home.path, durable=False)
    for connection in (other, home.connection):  # every page into both caches
        connection.execute("SELECT sum(length(payload)) FROM entries").fetchone()
    assert finish(home.connection, home.views)
    writer = home.connection if first == "own" else other
    with transaction(writer):
        writer.execute("UPDATE entries SET seen_ms = seen_ms + 1")
    writer.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    assert _found(home, gone) == 0
    other.close()


def test_nothing_is_touched_while_the_log_holds_pages(home: Home) -> None:
    home.know(MadeFeed(1))
    before = home.path.read_bytes()
    with transaction(home.connection):
        assert scrub(home.connection, home.path, 0) == 0
    assert home.path.read_bytes() == before


@pytest.mark.skipif(os.name != "posix", reason="locks of POSIX")
def test_locks_of_the_database_stay(split: tuple[Home, list[bytes]]) -> None:
    """A process whose locks are lost would let another one take the log away under it."""
    home, _ = split
    assert finish(home.connection, home.views)
    inode = f":{home.path.stat().st_ino} "
    with open("/proc/locks") as locks:
        assert any(inode in line and "POSIX" in line for line in locks)

"""How fast a store takes entries in, beside what the parts can do by themselves in the same run.

    python -m tests.bench.bench_ingest [ENTRIES]      # 50,000

Ranges of four pages, eight to a batch, from one feed of real messages, by a durable-less connection as a node's ingest
has it. "raw" rows call a library alone: the limits that the rows below them can't pass.
"""

import sqlite3
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from itertools import islice
from pathlib import Path

import cbor2

from p2pmicro.feed.chain import CheckedRange, Link, Range, check_range, genesis, is_kept_head, sign_head, walk
from p2pmicro.feed.content import post, read_many, write
from p2pmicro.feed.device import check_device_proof
from p2pmicro.store.changes import ChangeNumbers
from p2pmicro.store.db import BULK_CACHE_KIB, open_database, transaction
from p2pmicro.store.feeds import Role, add_feed, set_role
from p2pmicro.store.ingest import Checked, Outcome, ingest
from p2pmicro.store.mark import MarkFile
from p2pmicro.store.serve import read_range
from p2pmicro.store.view import View
from p2pmicro.views import ALL
from tests.made import NOW_MS, MadeFeed
from tests.texts import message

RANGE = 256
BATCH = 8  # ranges


def main() -> None:
    """Measure and print."""
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 50_000
    made, ranges, payloads = _make(count)
    size = sum(map(len, payloads))
    print(f"{count:,} entries, mean payload {size / count:.0f} bytes")
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        _row("raw: two hashes an entry", count, lambda: walk(genesis(made.feed), payloads))
        _row("check ranges: hashes, a signature a page", count, lambda: [check_range(one) for one in ranges])
        _row("raw: cbor2.loads by page", count, lambda: _loads(payloads))
        _row("read payloads: strict, with schema", count, lambda: [read_many(one.items) for one in ranges])  # type: ignore[arg-type]
        _row("raw: insert log rows", count, lambda: _raw_insert(home / "raw.db", payloads, False))
        _row("raw: insert log rows and full text", count, lambda: _raw_insert(home / "text.db", payloads, True))
        work = [_checked(check_range(one)) for one in ranges]
        with _store(home / "log", made) as (connection, changes):
            _row("store: ingest without views", count, lambda: _ingest(connection, (), changes, work))
            log_bytes = _bytes(connection)
            wanted = range(1, count + 1, RANGE)
            _row("store: read ranges", count, lambda: _serve(connection, made, wanted))
        views = ALL
        with _store(home / "views", made) as (connection, changes):
            _row("store: ingest with all views", count, lambda: _ingest(connection, views, changes, work))
            all_bytes = _bytes(connection)
        with _store(home / "loop", made) as (connection, changes):
            batches = (_checked(check_range(one)) for one in ranges)
            _row("whole raw loop, one thread", count, lambda: _ingest(connection, views, changes, batches))
    print(f"{'log, bytes an entry (a byte of payload)':44} {log_bytes / count:10.0f} ({log_bytes / size:.2f})")
    print(f"{'log and views':44} {all_bytes / count:10.0f} ({all_bytes / size:.2f})")


def _row(what: str, count: int, work: Callable[[], object]) -> None:
    start = time.perf_counter()
    work()
    took = time.perf_counter() - start
    print(f"{what:44} {count / took:10,.0f} /s {took / count * 1e6:8.2f} µs", flush=True)


def _make(count: int) -> tuple[MadeFeed, list[Range], list[bytes]]:
    made = MadeFeed(1, "bench")
    payloads = made.payloads + [write(NOW_MS + seq * 1000, "post", post(message(seq))) for seq in range(2, count + 1)]
    ids = walk(genesis(made.feed), payloads)
    ranges, before = [], genesis(made.feed)
    for start in range(0, count, RANGE):
        items = payloads[start : start + RANGE]
        last = start + len(items)
        heads = {
            seq: sign_head(made.key, Link(seq, ids[seq - 1]))
            for seq in range(start + 1, last + 1)
            if is_kept_head(seq) or seq == last
        }
        ranges.append(Range(made.feed, before, items, heads))
        before = Link(last, ids[last - 1])
    return made, ranges, payloads


def _checked(proven: CheckedRange) -> Checked:
    return Checked(proven, read_many(proven.range.items))  # type: ignore[arg-type]


def _loads(payloads: Sequence[bytes]) -> None:
    for start in range(0, len(payloads), 64):
        page = payloads[start : start + 64]
        cbor2.loads(b"\x99" + len(page).to_bytes(2) + b"".join(page))


def _raw_insert(path: Path, payloads: Sequence[bytes], full_text: bool) -> None:
    connection = sqlite3.connect(path, isolation_level=None)
    connection.executescript("PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL; PRAGMA cache_size=-16384;")
    connection.execute("CREATE TABLE entries (key INTEGER PRIMARY KEY, seen_ms INTEGER, payload BLOB)")
    connection.execute(
        "CREATE VIRTUAL TABLE words USING fts5 (text, content='', columnsize=0, detail=none, "
        "tokenize='unicode61 remove_diacritics 2')"
    )
    connection.executescript(
        "INSERT INTO words (words, rank) VALUES ('automerge', 0); "
        "INSERT INTO words (words, rank) VALUES ('hashsize', 16777216);"
    )
    step = RANGE * BATCH
    for start in range(0, len(payloads), step):
        page = payloads[start : start + step]
        rows: list[int | bytes] = []
        texts: list[int | str] = []
        for key, payload in enumerate(page, start + 1):
            rows += (key, NOW_MS, payload)
            texts += (key, message(key))
        connection.execute("BEGIN")
        marks = ", ".join(["(?, ?, ?)"] * len(page))
        connection.execute(f"INSERT INTO entries VALUES {marks}", rows)
        if full_text:
            marks = ", ".join(["(?, ?)"] * len(page))
            connection.execute(f"INSERT INTO words (rowid, text) VALUES {marks}", texts)
        connection.execute("COMMIT")
    connection.close()


@contextmanager
def _store(folder: Path, made: MadeFeed) -> Iterator[tuple[sqlite3.Connection, ChangeNumbers]]:
    folder.mkdir()
    mark = MarkFile(folder, MadeFeed(1, "reader", "reader").feed)
    mark.create()
    changes = ChangeNumbers(mark)
    connection = open_database(folder / "store.db", durable=False, cache_kib=BULK_CACHE_KIB)
    try:
        with transaction(connection):
            set_role(connection, (), made.account, Role.FOLLOWED)
            add_feed(connection, changes, check_device_proof(made.proof))
        yield connection, changes
    finally:
        connection.close()


def _ingest(
    connection: sqlite3.Connection,
    views: Sequence[View],
    changes: ChangeNumbers,
    work: Sequence[Checked] | Iterator[Checked],
) -> None:
    ready = iter(work)
    while batch := list(islice(ready, BATCH)):
        with transaction(connection):
            outcomes = ingest(connection, views, changes, batch, NOW_MS)
        assert all(outcome is Outcome.STORED for outcome, _ in outcomes)


def _serve(connection: sqlite3.Connection, made: MadeFeed, firsts: Sequence[int]) -> None:
    for first in firsts:
        assert read_range(connection, made.feed, first, min(first + RANGE - 1, firsts[-1]), None) is not None


def _bytes(connection: sqlite3.Connection) -> int:
    connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    (pages,) = connection.execute("PRAGMA page_count").fetchone()
    (size,) = connection.execute("PRAGMA page_size").fetchone()
    return int(pages) * int(size)


if __name__ == "__main__":
    main()

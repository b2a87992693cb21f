"""The views behind the real store: ranges in any order, deletes, forks and revokes."""

from collections.abc import Iterator
from pathlib import Path
from random import Random

import pytest

from p2pmicro.feed.content import delete, post, write
from p2pmicro.feed.device import make_revoke
from p2pmicro.feed.fork import make_fork_proof
from p2pmicro.ids import Ref
from p2pmicro.store.cut import learn_fork, learn_revoke
from p2pmicro.store.db import transaction
from p2pmicro.store.erase import finish
from p2pmicro.store.feeds import Role
from p2pmicro.views import ALL, TIMELINE
from p2pmicro.views.find import find_messages
from p2pmicro.views.rebuild import rebuild
from tests.made import NOW_MS, MadeFeed
from tests.store.home import Home

TABLES = (
    "home",
    "nearby",
    "list_todo",
    "stated",
    "profiles",
    "follows",
    "replies",
    "refs",
    "reactions",
    "superseded",
    "tags",
    "tag_names",
)


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Home]:
    opened = Home(tmp_path)
    opened.views = [opened.seen, *ALL]
    yield opened
    opened.close()


def _tables(home: Home) -> dict[str, list[tuple[object, ...]]]:
    connection = home.connection
    connection.execute("CREATE VIRTUAL TABLE IF NOT EXISTS temp.words USING fts5vocab (main, search, instance)")
    tables = {name: connection.execute(f"SELECT * FROM {name} ORDER BY 1, 2").fetchall() for name in TABLES}
    return tables | {"words": connection.execute("SELECT term, doc FROM temp.words ORDER BY 1, 2").fetchall()}


def _check_rebuild(home: Home) -> None:
    grown = _tables(home)
    with transaction(home.connection):
        rebuild(home.connection, home.views, lambda done, total: None)
    assert _tables(home) == grown


def _seqs(home: Home) -> list[int]:
    return sorted(message.ref.seq for message in TIMELINE.home(home.connection, 1000))


def test_pages_in_any_order_leave_what_a_rebuild_makes(home: Home, rng: Random) -> None:
    one = MadeFeed(200, "one")
    two = MadeFeed(130, "two", "bob", start=500)
    home.know(one)
    home.know(two, Role.HOP)
    # Newest first, then the past; some payloads come later.
    home.take(one.range(129, 192), two.range(65, 128, holes=[70, 80]), now_ms=NOW_MS + 9_000)
    home.take(two.range(1, 64), now_ms=NOW_MS + 500_000)
    home.take(one.range(65, 128, holes=range(90, 100)), end=one.links[128].id)
    home.take(one.range(1, 64), one.range(193, 200), now_ms=NOW_MS + 10**9)
    home.take(one.range(65, 128), two.range(65, 128))
    assert _seqs(home) == list(range(2, 201))
    _check_rebuild(home)
    shown = TIMELINE.home(home.connection, 1000)
    assert [message.ref.id for message in shown] == [one.links[message.ref.seq].id for message in shown]
    home.role(two.account, Role.FOLLOWED)
    home.role(one.account, Role.NONE)
    assert len(_seqs(home)) == 127
    _check_rebuild(home)


def test_deleted_text_is_in_no_list_index_or_file(home: Home, tmp_path: Path) -> None:
    made = MadeFeed(20)
    made.append(write(NOW_MS, "post", post("quartzword 秘密文字 stays nowhere")))
    ref = Ref(made.feed, 21, made.links[21].id)
    made.append(write(NOW_MS, "delete", delete(ref)))
    home.know(made)
    home.take(made.range(1, 21))
    assert [message.ref for message in find_messages(home.connection, "quartzword 秘密", 5).messages] == [ref]
    home.take(made.range(22, 22))
    assert find_messages(home.connection, "quartzword", 5).messages == []
    assert TIMELINE.message(home.connection, made.feed, 21) is None
    assert 21 not in _seqs(home)
    _check_rebuild(home)
    assert finish(home.connection, home.views)
    written = b"".join(path.read_bytes() for path in tmp_path.rglob("*") if path.is_file())
    for word in ("uartzword", "秘密", "密文"):
        assert word.encode() not in written


def test_fork_hides_and_a_revoke_shows_again(home: Home) -> None:
    made = MadeFeed(100)
    branch = made.branch(51, 20)
    home.know(made)
    home.take(made.range(1, 100))
    with transaction(home.connection):
        proof = make_fork_proof(made.feed, made.links[50], made.side(51, 64), branch.side(51, 64))
        assert learn_fork(home.connection, home.views, home.changes, proof)
    assert _seqs(home) == list(range(2, 51))
    assert len(TIMELINE.page(home.connection, made.account, 1000)) == 49
    _check_rebuild(home)
    with transaction(home.connection):
        revoke = make_revoke(made.account_key, made.feed, made.links[80])
        assert learn_revoke(home.connection, home.views, home.changes, revoke)
    assert _seqs(home) == list(range(2, 81))
    _check_rebuild(home)


def test_own_messages_are_at_home_at_once(home: Home) -> None:
    home.create()
    (ref,) = home.append(write(NOW_MS, "post", post("hello")))
    (message,) = TIMELINE.home(home.connection, 5)
    assert (message.ref, message.text) == (ref, "hello")
    assert find_messages(home.connection, "hello", 5).messages == [message]

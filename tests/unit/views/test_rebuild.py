"""What is computed again equals what grew."""

from p2pmicro.store.feeds import Role
from p2pmicro.views import ALL, idle_step
from p2pmicro.views.rebuild import rebuild
from p2pmicro.views.timeline import Timeline
from tests.unit.views.shelf import NOW_MS, Shelf, answered, followed, named, quoted, reacted, said, shown, snapshot

EMPTY = ("list_todo",)
"""Tables of what is still to be done."""


def _fill(shelf: Shelf) -> None:
    for place, name in enumerate(("alice", "bob", "carol", "dave")):
        shelf.feed(name, role=Role(place))
        shelf.put(name, 1, named(name, picture=name))
        shelf.put(name, 5, said(f"later than the rest, {name}", NOW_MS + 9), NOW_MS + place)
        shelf.put_many(name, {2: said(f"#ferry {name}"), 3: followed("x"), 4: snapshot(("y", 1, True))}, NOW_MS + 20)
    shelf.put("alice", 6, answered(shelf.ref("alice", 5), shelf.ref("bob", 2)))
    shelf.put("bob", 6, quoted(shelf.ref("alice", 6)))
    shelf.put("dave", 6, shown(["hill", "lake"]))
    for seq, on in ((7, True), (8, False)):
        shelf.put("bob", seq, reacted("like", shelf.ref("alice", 6), seq, on))
    shelf.put("carol", 7, reacted("repost", shelf.ref("alice", 6)))
    shelf.put("dave", 7, reacted("repost", shelf.ref("alice", 6)))
    shelf.feed("me", role=Role.OWN)
    shelf.put("me", 1, said("mine"))
    shelf.put("alice", 9, reacted("like", shelf.ref("me", 1)))
    shelf.erase("bob", 3)
    shelf.end_at("carol", 3)
    shelf.set_role("alice", Role.FOLLOWED)
    shelf.set_role("dave", Role.HOP)


def test_rebuilt_rows_equal_those_that_grew(shelf: Shelf) -> None:
    _fill(shelf)
    grown = shelf.tables()
    rebuild(shelf.connection, ALL, lambda done, total: None)
    assert shelf.tables() == grown
    assert all(grown[name] for name in grown if name not in EMPTY)


def test_rebuild_mends_whatever_was_wrong(shelf: Shelf) -> None:
    _fill(shelf)
    grown = shelf.tables()
    for table in ("home", "profiles", "follows"):
        shelf.connection.execute(f"DELETE FROM {table}")
    shelf.connection.execute("INSERT INTO nearby VALUES (1, 1)")
    shelf.connection.execute("INSERT INTO search (search) VALUES ('delete-all')")
    assert shelf.tables() != grown
    rebuild(shelf.connection, ALL, lambda done, total: None)
    assert shelf.tables() == grown


def test_rebuild_leaves_nothing_to_do(shelf: Shelf) -> None:
    timeline = Timeline(slice_entries=10)
    shelf.views = (timeline,)
    shelf.feed("alice", role=Role.NONE)
    shelf.put_many("alice", {seq: said(f"{seq}") for seq in range(1, 36)})
    shelf.set_role("alice", Role.FOLLOWED)
    rebuild(shelf.connection, shelf.views, lambda done, total: None)
    rebuilt = shelf.tables()
    assert len(rebuilt["home"]) == 35
    assert not timeline.step(shelf.connection)
    assert shelf.tables() == rebuilt


def test_progress_ends_at_all_entries(shelf: Shelf) -> None:
    _fill(shelf)
    told: list[tuple[int, int]] = []
    rebuild(shelf.connection, ALL, lambda done, total: told.append((done, total)))
    assert told == sorted(told)
    assert told[-1] == (28, 28)


def test_idle_steps_come_to_an_end(shelf: Shelf) -> None:
    _fill(shelf)
    steps = 0
    while idle_step(shelf.connection):
        steps += 1
        assert steps < 100

"""Threads: what answers what, at any depth, and what is plainly not here."""

import time

import pytest

from p2pmicro.ids import EntryId, Ref
from p2pmicro.store import private
from p2pmicro.store.feeds import Role
from p2pmicro.views import THREADS, TIMELINE
from p2pmicro.views.tree import State, Thread
from tests.unit.views.shelf import NOW_MS, Shelf, account_id, answered, feed_id, named, quoted, replaced, said

HERE, MISSING, DELETED, HIDDEN = State.HERE, State.MISSING, State.DELETED, State.HIDDEN


@pytest.fixture
def people(shelf: Shelf) -> Shelf:
    """Alice has begun a thread at 2; Bob and Carol are there."""
    for name in ("alice", "bob", "carol"):
        shelf.feed(name)
        shelf.put(name, 1, named(name))
    shelf.put("alice", 2, said("root"))
    return shelf


def _thread(shelf: Shelf, name: str, seq: int) -> Thread:
    message = TIMELINE.message(shelf.connection, feed_id(name), seq)
    assert message is not None
    return THREADS.thread(shelf.connection, message)


def _drawn(thread: Thread) -> list[str]:
    return [
        "  " * slot.depth + (slot.message.text if slot.message is not None else f"({slot.state.value})")
        for slot in thread.slots
    ]


def _chain(shelf: Shelf, texts: int) -> Ref:
    """Bob and Carol answer in turn, each the last."""
    root = last = shelf.ref("alice", 2)
    for number in range(texts):
        name, seq = ("bob", "carol")[number % 2], number // 2 + 2
        shelf.put(name, seq, answered(last, root, f"{number}", NOW_MS + number))
        last = shelf.ref(name, seq)
    return last


class TestReadingOrder:
    def test_answers_follow_what_they_answer_the_earliest_first(self, people: Shelf) -> None:
        root = people.ref("alice", 2)
        people.put("bob", 2, answered(root, text="late", time_ms=NOW_MS - 1))
        people.put("carol", 2, answered(root, text="early", time_ms=NOW_MS - 2))
        people.put("carol", 3, answered(people.ref("bob", 2), root, "to late"))
        people.put("alice", 3, answered(people.ref("carol", 2), root, "to early"))
        drawn = ["root", "  early", "    to early", "  late", "    to late"]
        for name, seq in (("alice", 2), ("alice", 3), ("bob", 2), ("carol", 2), ("carol", 3)):
            assert _drawn(_thread(people, name, seq)) == drawn

    def test_any_depth_is_found_from_both_ends(self, people: Shelf) -> None:
        last = _chain(people, 300)
        whole = ["root", *(f"{'  ' * (number + 1)}{number}" for number in range(300))]
        assert _drawn(_thread(people, "alice", 2)) == whole
        message = TIMELINE.message(people.connection, last.feed, last.seq)
        assert message is not None
        assert _drawn(THREADS.thread(people.connection, message)) == whole

    def test_what_is_no_answer_is_a_thread_of_one(self, people: Shelf) -> None:
        people.put("bob", 2, quoted(people.ref("alice", 2)))
        assert _drawn(_thread(people, "bob", 2)) == ["see"]
        assert _drawn(_thread(people, "alice", 2)) == ["root"]

    def test_roots_that_lie_do_not_cut_off_what_is_answered(self, people: Shelf) -> None:
        root = people.ref("alice", 2)
        people.put("carol", 2, said("stray"))
        stray = people.ref("carol", 2)
        people.put("bob", 2, answered(root, stray, "lies"))
        people.put("carol", 3, answered(people.ref("bob", 2), root, "fair"))
        assert _drawn(_thread(people, "alice", 2)) == ["root", "  lies", "    fair"]
        assert _drawn(_thread(people, "bob", 2)) == ["root", "  lies", "    fair"]

    def test_a_thread_ends_at_its_limit_and_says_so(self, people: Shelf) -> None:
        _chain(people, 9)
        message = TIMELINE.message(people.connection, feed_id("alice"), 2)
        assert message is not None
        part = THREADS.thread(people.connection, message, limit=4)
        assert (len(part.slots), part.more) == (5, True)
        assert not THREADS.thread(people.connection, message, limit=9).more


class TestWhatIsNotHere:
    def test_what_is_answered_and_not_held_is_missing(self, people: Shelf) -> None:
        root = people.ref("alice", 2)
        gone = Ref(feed_id("nobody"), 7, EntryId(bytes(32)))
        people.put("bob", 2, answered(gone, root, "to what?", NOW_MS - 1))
        people.put("carol", 2, answered(root, text="plain", time_ms=NOW_MS))
        thread = _thread(people, "alice", 2)
        assert _drawn(thread) == ["root", "  (not here)", "    to what?", "  plain"]
        assert (thread.count(MISSING), thread.slots[1].ref) == (1, gone)

    def test_root_that_is_not_held_is_missing_at_the_top(self, people: Shelf) -> None:
        root = Ref(feed_id("nobody"), 7, EntryId(bytes(32)))
        parent = Ref(feed_id("nobody"), 8, EntryId(bytes(32)))
        people.put("bob", 2, answered(parent, root, "both gone"))
        assert _drawn(_thread(people, "bob", 2)) == ["(not here)", "  (not here)", "    both gone"]

    def test_deleted_is_said_to_be_deleted(self, people: Shelf) -> None:
        _chain(people, 3)
        people.erase("bob", 2)
        thread = _thread(people, "alice", 2)
        assert _drawn(thread) == ["root", "  (deleted)", "    1", "      2"]
        assert (thread.count(MISSING), thread.count(DELETED)) == (0, 1)
        people.erase("alice", 2)
        assert _drawn(_thread(people, "carol", 2)) == ["(deleted)", "  (deleted)", "    1", "      2"]

    def test_deleted_without_an_answer_is_gone(self, people: Shelf) -> None:
        people.put("bob", 2, answered(people.ref("alice", 2)))
        people.erase("bob", 2)
        assert _drawn(_thread(people, "alice", 2)) == ["root"]

    @pytest.mark.parametrize("wrong", ["id", "seq", "feed"])
    def test_an_answer_is_shown_only_to_what_it_truly_names(self, people: Shelf, wrong: str) -> None:
        people.put("alice", 3, said("other"))
        people.put("carol", 2, said("carol's"))
        root = people.ref("alice", 2)
        named = {
            "id": Ref(root.feed, root.seq, EntryId(bytes(31) + b"x")),
            "seq": Ref(root.feed, 3, root.id),
            "feed": Ref(feed_id("carol"), 2, root.id),
        }[wrong]
        people.put("bob", 2, answered(named, text="forged"))
        assert _drawn(_thread(people, "alice", 2)) == ["root"]
        assert _drawn(_thread(people, "bob", 2))[-2:] == ["(not here)", "  forged"]

    def test_what_a_fork_hides_is_not_here(self, people: Shelf) -> None:
        people.put("alice", 3, said("hidden"))
        people.put("bob", 2, answered(people.ref("alice", 3), text="to hidden"))
        people.end_at("alice", 2)
        assert _drawn(_thread(people, "bob", 2)) == ["(not here)", "  to hidden"]

    def test_muted_ones_leave_a_place_only_where_others_answer_them(self, people: Shelf) -> None:
        last = _chain(people, 3)
        people.put("carol", 3, answered(last, people.ref("alice", 2), "end"))
        people.put("bob", 4, answered(people.ref("carol", 3), people.ref("alice", 2), "unseen"))
        private.put(people.connection, "mute", b"a" + account_id("bob"), {"until": None})
        assert _drawn(_thread(people, "alice", 2)) == ["root", "  (hidden)", "    1", "      (hidden)", "        end"]
        assert _drawn(_thread(people, "bob", 2))[1] == "  0"


class TestAbsent:
    def test_thread_of_a_deleted_message_is_what_is_left_around_it(self, people: Shelf) -> None:
        _chain(people, 3)
        gone = people.ref("bob", 2)
        people.erase("bob", 2)
        thread = THREADS.around(people.connection, gone)
        assert thread is not None
        assert _drawn(thread) == ["root", "  (deleted)", "    1", "      2"]
        assert thread.focus == gone

    def test_thread_of_a_corrected_message_is_that_of_the_new_one(self, people: Shelf) -> None:
        old = people.ref("alice", 2)
        people.put("alice", 3, replaced(old, text="second"))
        people.erase("alice", 2)
        thread = THREADS.around(people.connection, old)
        assert thread is not None
        assert (_drawn(thread), thread.focus) == (["second"], people.ref("alice", 3))

    def test_nothing_is_shown_by_who_is_muted_or_names_another(self, people: Shelf) -> None:
        gone = people.ref("alice", 2)
        people.put("bob", 2, answered(gone))
        people.erase("alice", 2)
        assert THREADS.around(people.connection, Ref(gone.feed, 9, gone.id)) is None
        private.put(people.connection, "mute", b"a" + account_id("bob"), {"until": None})
        assert THREADS.around(people.connection, gone) is None


class TestReplacing:
    def test_answers_to_the_deleted_one_hang_under_the_new(self, people: Shelf) -> None:
        root = people.ref("alice", 2)
        people.put("bob", 2, answered(root, text="tpyo"))
        old = people.ref("bob", 2)
        people.put("carol", 2, answered(old, root, "?"))
        people.put("bob", 3, replaced(old, text="typo", reply={"root": _value(root), "parent": _value(root)}))
        people.erase("bob", 2)
        assert _drawn(_thread(people, "alice", 2)) == ["root", "  typo", "    ?"]

    def test_new_root_has_the_thread_of_each_earlier_wording(self, people: Shelf) -> None:
        first = people.ref("alice", 2)
        people.put("bob", 2, answered(first, text="to the first", time_ms=NOW_MS - 1))
        people.put("alice", 3, replaced(first, text="second"))
        second = people.ref("alice", 3)
        people.erase("alice", 2)
        people.put("carol", 2, answered(second, text="to the second"))
        people.put("alice", 4, replaced(second, first, text="third"))
        people.erase("alice", 3)
        drawn = ["third", "  to the first", "  to the second"]
        for name, seq in (("alice", 4), ("bob", 2), ("carol", 2)):
            assert _drawn(_thread(people, name, seq)) == drawn

    def test_nobody_takes_the_place_of_anothers_or_of_what_is_there(self, people: Shelf) -> None:
        root = people.ref("alice", 2)
        people.put("bob", 2, answered(root, text="answer"))
        people.put("carol", 2, replaced(root, text="usurper"))
        people.put("alice", 3, replaced(root, text="too early"))
        assert _drawn(_thread(people, "bob", 2)) == ["root", "  answer"]
        people.erase("alice", 2)
        assert _drawn(_thread(people, "bob", 2)) == ["too early", "  answer"]

    def test_circles_made_up_by_replacing_end(self, people: Shelf) -> None:
        root = people.ref("alice", 2)
        people.put("bob", 2, answered(root, text="old"))
        old = people.ref("bob", 2)
        people.put("carol", 2, answered(old, root, "to old"))
        parent = {"root": _value(root), "parent": _value(people.ref("carol", 2))}
        people.put("bob", 3, replaced(old, text="under its own answer", reply=parent))
        people.erase("bob", 2)
        drawn = _drawn(_thread(people, "carol", 2))
        assert sorted(text.strip() for text in drawn) == ["root", "to old", "under its own answer"]


def _value(ref: Ref) -> list[object]:
    return [ref.feed, ref.seq, ref.id]


def test_message_has_all_its_fields(people: Shelf) -> None:
    root = people.ref("alice", 2)
    people.put(
        "bob", 2, answered(root, text="@alice see", mentions=[[0, 6, account_id("alice")]], lang="en",
                           media=[[bytes(32), "image/png", 7, "a cat"]], quote=_value(root)),
    )  # fmt: skip
    message = TIMELINE.message(people.connection, feed_id("bob"), 2)
    assert message is not None
    assert (message.parent, message.root, message.quote, message.lang) == (root, root, root, "en")
    assert [(one.start, one.length, one.account) for one in message.mentions] == [(0, 6, account_id("alice"))]
    assert [(one.size_bytes, one.alt, one.key) for one in message.pictures] == [(7, "a cat", None)]


def test_role_of_who_answers_does_not_matter(people: Shelf) -> None:
    people.put("bob", 2, answered(people.ref("alice", 2)))
    for role in Role:
        people.set_role("bob", role)
        assert _drawn(_thread(people, "alice", 2)) == ["root", "  yes"]


def test_thread_of_500_takes_few_milliseconds(people: Shelf) -> None:
    _chain(people, 500)
    begun = time.perf_counter()
    assert len(_thread(people, "alice", 2).slots) == 501
    assert time.perf_counter() - begun < 0.5  # some 15 ms: tests/bench/bench_views.py

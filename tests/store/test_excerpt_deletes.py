"""Deletes of what is held alone: its text is erased for good, and the delete is kept where somebody may need it."""

import pytest

from p2pmicro.feed.chain import check_excerpt
from p2pmicro.ids import Ref
from p2pmicro.store import feeds
from p2pmicro.store.cut import drop_alone
from p2pmicro.store.db import transaction
from p2pmicro.store.erase import finish, pending
from p2pmicro.store.excerpts import Taken, deletes_after
from p2pmicro.store.excerpts import answer as answer_to
from p2pmicro.store.feeds import Role
from tests.made import MadeFeed
from tests.store.alone import Shelf, answer, delete, ref, say

SECRET = "nobody-should-find-this"


def _hold_secret(shelf: Shelf, friend: MadeFeed, stranger: MadeFeed) -> tuple[Ref, Ref]:
    """A stranger's message is held alone, since a friend answers it; both."""
    told = say(stranger, SECRET)
    answered = answer(friend, told)
    shelf.hold(friend)
    assert shelf.bring(stranger, told.seq) == [Taken.STORED]
    return told, answered


def _is_on_disk(shelf: Shelf) -> bool:
    return any(SECRET.encode() in path.read_bytes() for path in shelf.path.parent.glob("store.db*"))


def test_delete_told_by_an_excerpt_erases_for_good(shelf: Shelf, friend: MadeFeed, stranger: MadeFeed) -> None:
    told, _ = _hold_secret(shelf, friend, stranger)
    gone = delete(stranger, told)
    assert shelf.bring(stranger, gone.seq) == [Taken.STORED]
    assert shelf.alone(stranger) == [gone.seq]
    assert pending(shelf.connection) == 1
    assert finish(shelf.connection, shelf.views)
    assert not _is_on_disk(shelf)
    answer(friend, told)
    shelf.hear(friend)
    assert shelf.wanted == [], "nobody asks for what is deleted"
    with transaction(shelf.connection):
        found = answer_to(shelf.connection, told)
    assert found is not None
    assert check_excerpt(found.excerpt) == gone.id, "who asks for it is told of the delete"
    shelf.check()


def test_delete_answers_who_wants_what_it_names(shelf: Shelf, friend: MadeFeed, stranger: MadeFeed) -> None:
    answer(friend, ref(stranger, 5))
    shelf.hold(friend)
    gone = delete(stranger, ref(stranger, 5))
    assert shelf.bring(stranger, gone.seq) == [Taken.STORED]
    assert shelf.wanted == []
    assert shelf.bring(stranger, 5) == [Taken.UNWANTED]
    shelf.check()


def test_delete_by_another_device_needs_proof_of_whose_feed_it_names(
    shelf: Shelf, friend: MadeFeed, stranger: MadeFeed
) -> None:
    phone, foe = MadeFeed(1, "phone", "stranger"), MadeFeed(1, "foe", "foe")
    answer(friend, ref(stranger, 5))
    shelf.hold(friend)
    for made in (foe, phone):
        delete(made, ref(stranger, 5))
    assert shelf.bring(foe, 2) == [Taken.UNWANTED]
    assert shelf.bring(foe, 2, named=stranger) == [Taken.UNWANTED], "it is nobody's own"
    assert shelf.bring(phone, 2) == [Taken.UNWANTED]
    assert shelf.wanted == [ref(stranger, 5)]
    assert shelf.bring(phone, 2, named=stranger) == [Taken.STORED]
    assert shelf.wanted == []
    with transaction(shelf.connection):
        found = answer_to(shelf.connection, ref(stranger, 5))
    assert found is not None
    assert list(found.devices) == [phone.proof, stranger.proof]
    shelf.check()


def test_delete_that_nobody_needs_is_not_kept(shelf: Shelf, friend: MadeFeed, stranger: MadeFeed) -> None:
    shelf.hold(friend)
    gone = delete(stranger, ref(stranger, 5))
    assert shelf.bring(stranger, gone.seq) == [Taken.UNWANTED]
    assert shelf.count("tombstones") == 0


def test_delete_of_who_is_wanted_waits_for_what_it_names(shelf: Shelf, friend: MadeFeed) -> None:
    """Nothing of the feed is known; later its run comes of somebody who has not heard of the delete."""
    gone = delete(friend, ref(friend, 2))
    shelf.role(friend.account, Role.FOLLOWED)
    assert shelf.bring(friend, gone.seq) == [Taken.STORED]
    shelf.take(friend.range(1, 2))
    assert shelf.shown(friend.feed) == [1, gone.seq]
    shelf.check()


def test_delete_of_who_has_too_many_feeds_is_not_kept(
    shelf: Shelf, friend: MadeFeed, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(feeds, "FEEDS_PER_ACCOUNT_MAX", 1)
    shelf.hold(friend)
    phone = MadeFeed(2, "friend's phone", "friend")
    assert shelf.bring(phone, delete(phone, ref(phone, 2)).seq) == [Taken.UNWANTED]


def test_delete_in_a_run_erases_what_is_held_alone(shelf: Shelf, friend: MadeFeed, stranger: MadeFeed) -> None:
    phone = MadeFeed(1, "phone", "stranger")
    delete(phone, ref(stranger, 5))
    answer(friend, ref(stranger, 5))
    shelf.hold(friend)
    shelf.bring(stranger, 5)
    shelf.hold(phone)
    assert shelf.alone(stranger) == []
    assert pending(shelf.connection) == 1
    shelf.check()


def test_delete_that_comes_with_what_was_held_alone_erases_it(
    shelf: Shelf, friend: MadeFeed, stranger: MadeFeed
) -> None:
    told, _ = _hold_secret(shelf, friend, stranger)
    delete(stranger, told)
    shelf.hold(stranger)
    assert shelf.alone(stranger) == []
    assert pending(shelf.connection) == 1
    shelf.check()


@pytest.mark.parametrize("how", ["nothing refers to it", "a fork hides it"])
def test_what_leaves_is_wiped_as_a_delete_may_name_it_when_it_is_not_looked_for(
    shelf: Shelf, friend: MadeFeed, stranger: MadeFeed, how: str
) -> None:
    told, answered = _hold_secret(shelf, friend, stranger)
    if how == "a fork hides it":
        with transaction(shelf.connection):
            drop_alone(shelf.connection, shelf.views, shelf.feed(stranger.feed), told.seq, told.seq)
        assert pending(shelf.connection) == 1
    else:
        delete(friend, answered)
        shelf.hear(friend)
        shelf.settle()
        assert pending(shelf.connection) == 2
    assert shelf.alone(stranger) == []
    assert finish(shelf.connection, shelf.views)
    assert not _is_on_disk(shelf)


def test_deletes_are_told_by_their_changes(shelf: Shelf, friend: MadeFeed) -> None:
    shelf.hold(friend)
    change = shelf.feed(friend.feed).change
    for seq in (2, 1):  # a delete of entry 1 is void, and told like others
        delete(friend, ref(friend, seq))
    shelf.take(friend.range(3, 3))
    shelf.take(friend.range(4, 4))
    told = list(deletes_after(shelf.connection, (change + 1, b"", 0, 0)))
    assert [noted.named for noted in told] == [friend.links[2].id, friend.links[1].id]
    assert [noted.alone for noted in told] == [False, False]
    assert list(deletes_after(shelf.connection, told[0].place)) == told[1:]

"""Messages to some, circles, and private state that follows the account. Source: protocol/content.md, "Sealing"."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from p2pmicro.errors import LocalError
from p2pmicro.feed import content
from p2pmicro.ids import Ref, format_account
from p2pmicro.node import circles, sealing
from p2pmicro.node.local import LocalNode
from p2pmicro.node.newpicture import NewPicture
from p2pmicro.node.unsealing import box_of
from p2pmicro.store import private
from p2pmicro.store.db import transaction
from p2pmicro.store.view import CLOSED, OPENED
from tests.pictures import png
from tests.unit.node.town import Town


@pytest.fixture
def town(tmp_path: Path) -> Iterator[Town]:
    """Ada, Ben, Cleo and Dan, who know one another."""
    with Town(tmp_path, "Ada", "Ben", "Cleo", "Dan") as made:
        made.know("Ada", "Ben", "Cleo", "Dan")
        yield made


def texts(node: LocalNode) -> list[str]:
    """All sealed messages that somebody can read, newest first."""
    found = [message for one in node.inbox() for message in node.conversation(one.id)]
    return [message.text for message in sorted(found, key=lambda message: message.place, reverse=True)]


def state_of(node: LocalNode, ref: Ref) -> int:
    row = node.connection.execute(
        "SELECT state FROM sealed WHERE key = (SELECT number << 32 | ? FROM feeds WHERE feed = ?)", (ref.seq, ref.feed)
    ).fetchone()
    return int(row[0])


def test_message_to_a_person_is_read_by_them_and_its_author_alone(town: Town) -> None:
    ref = town["Ada"].post("for Ben", to=["Ben"])
    town.carry("Ada", "Ben", "Cleo")
    assert texts(town["Ada"]) == texts(town["Ben"]) == ["for Ben"]
    assert texts(town["Cleo"]) == []
    assert (state_of(town["Ben"], ref), state_of(town["Cleo"], ref)) == (OPENED, CLOSED)
    message = town["Ben"].message(ref.feed, ref.seq)
    assert message is not None
    assert message.to == (town["Ben"].account,)
    assert town["Cleo"].message(ref.feed, ref.seq) is None


def test_outside_of_its_readers_nothing_shows_that_it_is_a_message(town: Town) -> None:
    ref = town["Ada"].post("for Ben", to=["Ben"])
    (payload,) = (
        town["Ada"]
        .connection.execute(
            "SELECT payload FROM entries WHERE key & 4294967295 = ? AND key >> 32 = "
            "(SELECT number FROM feeds WHERE feed = ?)",
            (ref.seq, ref.feed),
        )
        .fetchone()
    )
    entry = content.read(payload)
    assert entry.kind == "sealed"
    assert entry.content.keys() == {"salt", "commit", "slots", "body"}
    assert b"for Ben" not in payload
    assert town["Ben"].account not in payload


def test_circle_is_written_to_by_its_name_and_who_leaves_reads_no_more(town: Town) -> None:
    ada = town["Ada"]
    ada.create_circle("hill walkers", ["Ben", "Cleo"])
    ada.post("one", to=["Hill Walkers"])
    assert ada.remove_from_circle("hill walkers", ["Cleo"]) == [town["Cleo"].account]
    assert ada.add_to_circle("hill walkers", ["Dan", "Ben"]) == [town["Dan"].account]
    ada.post("two", to=["hill walkers"])
    town.carry("Ada", "Ben", "Cleo", "Dan")
    assert texts(town["Ben"]) == ["two", "one"]
    assert texts(town["Cleo"]) == ["one"]
    assert texts(town["Dan"]) == ["two"]


def test_large_circle_has_a_key_that_changes_when_somebody_leaves(town: Town, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(circles, "_DIRECT_MAX", 1)
    monkeypatch.setattr(circles, "SEALED_SLOTS", (1, 64))
    ada = town["Ada"]
    ada.create_circle("walkers", ["Ben", "Cleo"])
    ada.post("one", to=["walkers"])
    ada.add_to_circle("walkers", ["Dan"])
    ada.post("two", to=["walkers"])
    ada.remove_from_circle("walkers", ["Cleo"])
    ada.post("three", to=["walkers"])
    town.carry("Ada", "Ben", "Cleo", "Dan")
    assert texts(town["Ben"]) == ["three", "two", "one"]
    assert texts(town["Cleo"]) == ["two", "one"]
    assert texts(town["Dan"])[:2] == ["three", "two"]


def test_key_that_comes_later_opens_what_came_before(town: Town, monkeypatch: pytest.MonkeyPatch) -> None:
    ada, ben = town["Ada"], town["Ben"]
    root = ada.post("a question", to=["Ben", "Cleo"])
    town.carry("Ada", "Ben")
    answer = ben.reply(root, "an answer")
    cleo = town["Cleo"]
    town.carry("Ben", "Dan")
    path = ben.home.path.parent / "ben alone.p2pb"
    ben.export(ben.plan_export(path))
    cleo.import_bundle(path)
    assert state_of(cleo, answer) == CLOSED
    town.carry("Ada", "Cleo", "Dan")
    assert sorted(texts(cleo)) == ["a question", "an answer"]
    assert texts(town["Dan"]) == []


def test_answers_and_likes_go_to_all_who_can_read_what_they_answer(town: Town) -> None:
    ada, ben, cleo = town["Ada"], town["Ben"], town["Cleo"]
    ada.create_circle("walkers", ["Ben", "Cleo"])
    root = ada.post("Sunday?", to=["walkers"])
    town.carry("Ada", "Ben", "Cleo", "Dan")
    first = ben.reply(root, "Yes")
    ben.like(root)
    town.carry("Ben", "Ada", "Cleo", "Dan")
    cleo.reply(first, "Me too")
    town.carry("Cleo", "Ada", "Ben", "Dan")
    for node in (ada, ben, cleo):
        assert texts(node) == ["Me too", "Yes", "Sunday?"]
        said = [slot.message.text for slot in node.thread(root).slots if slot.message is not None]
        assert said == ["Sunday?", "Yes", "Me too"]
        assert [who.account for who in node.reacted(root).likes] == [ben.account]
    assert texts(town["Dan"]) == []


def test_who_was_not_addressed_can_t_answer(town: Town) -> None:
    root = town["Ada"].post("a question", to=["Ben"])
    town.carry("Ada", "Dan")
    with pytest.raises(LocalError):
        town["Dan"].reply(root, "an answer")


def test_nothing_is_sealed_to_who_is_not_known(tmp_path: Path) -> None:
    with Town(tmp_path, "Ada", "Ben") as town:
        with pytest.raises(LocalError, match="Nothing of"):
            town["Ada"].post("hello", to=[format_account(town["Ben"].account)])
        assert town["Ada"].timeline() == []


def test_deleted_sealed_message_leaves_nothing_that_was_opened(town: Town) -> None:
    ada = town["Ada"]
    ref = ada.post("a secret to forget", to=["Ben"])
    town.carry("Ada", "Ben")
    ada.append(lambda _: [("delete", content.delete(ref))])
    town.carry("Ada", "Ben")
    for node in (ada, town["Ben"]):
        assert texts(node) == []
        plains = [plain for (plain,) in node.connection.execute("SELECT plain FROM sealed WHERE plain IS NOT NULL")]
        assert not any(b"a secret to forget" in plain for plain in plains)


def test_rebuild_opens_nothing_and_gives_the_same(town: Town, monkeypatch: pytest.MonkeyPatch) -> None:
    town["Ada"].post("for Ben", to=["Ben"])
    town.carry("Ada", "Ben")
    ben = town["Ben"]
    before = texts(ben)
    monkeypatch.setattr("p2pmicro.node.unsealing.open_sealed", lambda *_: pytest.fail("opened again"))
    ben.rebuild()
    assert texts(ben) == before == ["for Ben"]


def test_picture_of_a_sealed_message_is_fetched_only_when_its_reader_asks(town: Town) -> None:
    ada, ben = town["Ada"], town["Ben"]
    ref = ada.post("look", [NewPicture(png(), "a square")], to=["Ben"])
    path = ada.home.path.parent / "without pictures.p2pb"
    ada.export(ada.plan_export(path, pictures_too=False))
    ben.import_bundle(path)
    assert texts(ben) == ["look"]
    wanted = "SELECT count(*) FROM media WHERE state = 0"
    assert ben.connection.execute(wanted).fetchone()[0] == 0
    ben.picture(ref)
    assert ben.connection.execute(wanted).fetchone()[0] == 1


# --- Private state ---


def test_private_state_goes_with_the_next_message_and_comes_back_by_the_words(tmp_path: Path) -> None:
    with Town(tmp_path, "Ada", "Ben") as town:
        town.know("Ada", "Ben")
        ada = town["Ada"]
        ada.set_petname("Ben", "Benjamin")
        ada.create_circle("walkers", ["Benjamin"])
        ada.mute(ada.mute_of(word="rain"))
        assert private.is_due(ada.connection)
        ada.post("hello")
        assert not private.is_due(ada.connection)
        town.carry("Ada", "Ben")
        again = town.open("Ada again", words=" ".join(ada.words()))
        assert again.circles() == []
        town.carry("Ben", "Ada again")
        assert again.petnames() == ada.petnames()
        assert again.circles() == ada.circles()
        assert again.mutes() == ada.mutes()
        assert private.items(town["Ben"].connection, "mute") == {}


def test_private_state_of_others_counts_for_nothing(town: Town) -> None:
    ada, ben = town["Ada"], town["Ben"]
    item = ["block", bytes(town["Cleo"].account), 1, True]
    box = box_of(ada.connection, ben.account)
    assert box is not None
    ada.append(lambda connection: [ada.sealing.seal(connection, "state", {"items": [item]}, [box])])
    town.carry("Ada", "Ben")
    assert private.items(ben.connection, "block") == {}


def test_many_items_are_split_over_entries_that_fit(town: Town) -> None:
    ada = town["Ada"]
    with transaction(ada.connection):
        for number in range(300):
            private.put(ada.connection, "bookmark", number.to_bytes(36), bytes(32))
    before = ada.height()
    ada.post("hello")
    assert ada.height() - before >= 6
    assert not private.is_due(ada.connection)
    assert len(private.items(ada.connection, "bookmark")) == 300


def test_private_state_that_no_message_takes_is_written_within_a_day(
    town: Town, monkeypatch: pytest.MonkeyPatch
) -> None:
    ada = town["Ada"]
    ada.set_petname("Ben", "Benny")
    now = [1_700_000_000_000]
    monkeypatch.setattr("p2pmicro.node.install.wall_ms", lambda: now[0])
    assert not ada.append_private()
    now[0] += sealing.DAY_MS
    assert ada.append_private()
    assert not private.is_due(ada.connection)
    assert not ada.append_private()


def test_of_two_words_on_a_member_with_one_rev_the_one_that_says_no_counts(town: Town) -> None:
    ada = town["Ada"]
    item = bytes(48)
    with transaction(ada.connection):
        private.merge(ada.connection, [private.Item("member", item, 3, None)], ada.feed, 5)
        private.merge(ada.connection, [private.Item("member", item, 3, True)], ada.feed, 9)
    assert private.get(ada.connection, "member", item) is None


# --- Conversations ---


def test_threads_of_the_same_people_are_one_conversation_newest_first(town: Town) -> None:
    ada, ben = town["Ada"], town["Ben"]
    ada.post("one", to=["Ben"])
    ada.post("to both", to=["Ben", "Cleo"])
    ada.post("two", to=["Ben"])
    town.carry("Ada", "Ben")
    first, second = ben.inbox()
    assert (first.people, first.newest.text, first.unread) == ((ada.account,), "two", 2)
    assert set(second.people) == {ada.account, town["Cleo"].account}
    assert [message.text for message in ben.conversation(ben.find_conversation(["Ada"]))] == ["two", "one"]
    assert ben.mark_read(first.id)
    assert [one.unread for one in ben.inbox()] == [0, 1]


def test_circle_is_one_conversation_and_only_its_owner_knows_its_name(town: Town) -> None:
    ada = town["Ada"]
    ada.create_circle("walkers", ["Ben", "Cleo"])
    ada.post("one", to=["walkers"])
    town.carry("Ada", "Ben")
    (mine,), (theirs,) = ada.inbox(), town["Ben"].inbox()
    assert mine.id == theirs.id == ada.find_conversation(["walkers"])
    assert (ada.circle_name(mine), town["Ben"].circle_name(theirs)) == ("walkers", None)
    assert mine.unread == 0


def test_who_is_muted_or_blocked_is_in_no_conversation(town: Town) -> None:
    ada, ben = town["Ada"], town["Ben"]
    ada.post("one", to=["Ben"])
    town.carry("Ada", "Ben")
    ben.mute(ben.mute_of("Ada"))
    assert ben.inbox() == []
    ben.unmute(ben.mute_of("Ada"))
    assert len(ben.inbox()) == 1
    ben.block("Ada")
    assert ben.inbox() == []

"""What is opened when: a key may come after what it opens, or with it. Source: protocol/content.md, "Sealing"."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from p2pmicro.errors import LocalError
from p2pmicro.feed import content
from p2pmicro.ids import Ref
from p2pmicro.node.local import LocalNode
from p2pmicro.node.unsealing import Unsealing, box_of
from tests.unit.node.town import Town


@pytest.fixture
def town(tmp_path: Path) -> Iterator[Town]:
    """Ada, Ben and Cleo, who know one another."""
    with Town(tmp_path, "Ada", "Ben", "Cleo") as made:
        made.know("Ada", "Ben", "Cleo")
        yield made


@pytest.mark.parametrize(("asks", "answers"), [("Ada", "Ben"), ("Ben", "Ada")])
def test_answer_that_comes_together_with_what_it_answers_is_read(town: Town, asks: str, answers: str) -> None:
    root = town[asks].post("Sunday?", to=[answers, "Cleo"])
    town.carry(asks, answers)
    town[answers].reply(root, "yes")
    town.carry(answers, "Cleo")
    cleo = town["Cleo"]
    (found,) = cleo.inbox()
    assert [message.text for message in cleo.conversation(found.id)] == ["yes", "Sunday?"]


def test_key_opens_what_bears_its_tag_though_many_are_newer(town: Town, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("p2pmicro.store.sealed.REPLY_KEYS_MAX", 1)
    ada, ben = town["Ada"], town["Ben"]
    root = ben.post("Sunday?", to=["Ada", "Cleo"])
    town.carry("Ben", "Ada")
    ada.reply(root, "yes")
    ben.post("another thread", to=["Cleo"])
    town.carry("Ben", "Ada")
    town.carry("Ada", "Cleo")
    cleo = town["Cleo"]
    assert said(town, "Cleo") == {"another thread", "Sunday?", "yes"}
    assert cleo.connection.execute("SELECT count(*) FROM sealed WHERE secret IS NOT NULL").fetchone() == (0,)


def test_new_key_is_searched_for_once(town: Town) -> None:
    town["Ada"].post("for Ben", to=["Ben"])
    town.carry("Ada", "Ben", "Cleo")
    for node in (town["Ada"], town["Ben"], town["Cleo"]):
        node.inbox()
        assert Unsealing(node.account, node.keys.seed, node.views).todo(node.connection) is None


def test_reply_key_that_a_reader_repeats_keeps_nobody_from_answering(town: Town) -> None:
    """Cleo, who reads Ada's message too, seals its reply key to Ben, and that comes first."""
    ada, ben, cleo = town["Ada"], town["Ben"], town["Cleo"]
    root = ada.post("to both", to=["Ben", "Cleo"])
    town.carry("Ada", "Cleo")
    (key,) = cleo.connection.execute("SELECT secret FROM secrets").fetchone()
    box = box_of(cleo.connection, ben.account)
    assert box is not None
    fields = content.post("hello") | {"key": key}
    cleo.append(lambda connection: [cleo.sealing.seal(connection, "post", fields, [box])])
    path = cleo.home.path.parent / "cleo alone.p2pb"
    cleo.export(cleo.plan_export(path))
    ben.import_bundle(path)
    town.carry("Ada", "Ben")
    ben.reply(root, "yes")
    town.carry("Ben", "Ada")
    assert [message.text for one in ada.inbox() for message in ada.conversation(one.id)] == ["yes", "to both"]


def test_keys_show_in_no_repr(town: Town) -> None:
    town["Ada"].post("for Ben", to=["Ben"])
    town.carry("Ada", "Ben")
    ben = town["Ben"]
    (key,) = ben.connection.execute("SELECT secret FROM secrets").fetchone()
    ben.connection.execute("UPDATE sealed SET state = 0, plain = NULL")
    ben.connection.execute("UPDATE secrets SET looked = 0")
    unsealing = Unsealing(ben.account, ben.keys.seed, ben.views)
    tries = unsealing.todo(ben.connection)
    assert tries is not None
    tried = unsealing.attempt(tries)
    unsealing.settle(ben.connection, tried)
    search = unsealing.todo(ben.connection)
    shown = repr((tries, tried, search, ben.keys, ben.sealing))
    for secret in (key, ben.keys.seed, ben.keys.device):
        assert repr(secret)[2:-1] not in shown


# --- Answers that lie about their thread ---


def lie(town: Town, writer: str, reader: str, root: Ref, text: str) -> Ref:
    """An answer that a changed program seals to one reader's box key, naming a thread that this one can read."""
    node = town[writer]
    box = box_of(node.connection, town[reader].account)
    assert box is not None
    fields = content.post(text, reply=content.reply(root, root))
    return node.append(lambda connection: [node.sealing.seal(connection, "post", fields, [box])])[0]


def said(town: Town, name: str) -> set[str]:
    node = town[name]
    return {message.text for one in node.inbox() for message in node.conversation(one.id)}


def test_what_names_a_thread_and_was_not_sealed_to_it_leads_nobody_to_answer_there(town: Town) -> None:
    """Cleo asks Ben alone, as if in a thread that Ada reads too: Ben's answer would be for Ada."""
    root = town["Ada"].post("to both", to=["Ben", "Cleo"])
    town.carry("Ada", "Ben", "Cleo")
    asked = lie(town, "Cleo", "Ben", root, "between us: who was it?")
    town.carry("Cleo", "Ben")
    assert said(town, "Ben") == {"to both"}
    with pytest.raises(LocalError):
        town["Ben"].reply(asked, "a secret")


def test_who_was_not_addressed_gets_nothing_into_a_thread(town: Town) -> None:
    root = town["Ada"].post("just us", to=["Ben"])
    town.carry("Ada", "Ben", "Cleo")
    lie(town, "Cleo", "Ben", root, "me too!")
    town.carry("Cleo", "Ben")
    ben = town["Ben"]
    assert [slot.message.text for slot in ben.thread(root).slots if slot.message is not None] == ["just us"]
    assert said(town, "Ben") == {"just us"}


def test_answer_from_ones_other_device_is_in_its_thread(town: Town) -> None:
    ada, ben = town["Ada"], town["Ben"]
    root = ada.post("Sunday?", to=["Ben"])
    town.carry("Ada", "Ben")
    phone = town.open("Ben's phone", words=" ".join(ben.words()))
    for _ in range(2):  # whom it follows comes first
        town.carry("Ben", "Ben's phone")
    phone.reply(root, "yes, by phone")
    town.carry("Ben's phone", "Ben", "Ada")
    assert said(town, "Ben") == said(town, "Ada") == {"Sunday?", "yes, by phone"}


# --- What shows to others (row P4), and what waits ---


def test_nothing_that_a_sealed_message_refers_to_is_asked_for(town: Town) -> None:
    """Cleo has an answer to an answer, and not what stands between: asking for that would tell that she reads it."""
    ada, ben, cleo = town["Ada"], town["Ben"], town["Cleo"]
    root = ada.post("Sunday?", to=["Ben", "Cleo"])
    town.carry("Ada", "Ben")
    between = ben.reply(root, "which Sunday?")
    town.carry("Ben", "Ada")
    ada.reply(between, "the next")
    path = ada.home.path.parent / "ada alone.p2pb"
    ada.export(ada.plan_export(path))
    cleo.import_bundle(path)
    assert said(town, "Cleo") == {"Sunday?", "the next"}
    assert cleo.connection.execute("SELECT count(*) FROM wanted").fetchone() == (0,)
    shown = cleo.thread(root)
    assert [slot.message is None for slot in shown.slots] == [False, True, False]


def test_opening_changes_nothing_that_peers_are_told(town: Town) -> None:
    town["Ada"].post("for Ben", to=["Ben"])
    ben = town["Ben"]
    with pytest.MonkeyPatch.context() as later:
        later.setattr(LocalNode, "unseal", lambda _: None)
        town.carry("Ada", "Ben")
    told = [f"SELECT * FROM {table}" for table in ("meta", "feeds", "heads", "entries", "tombstones", "wanted")]
    before = [ben.connection.execute(query).fetchall() for query in told]
    assert said(town, "Ben") == {"for Ben"}
    assert [ben.connection.execute(query).fetchall() for query in told] == before


def test_writing_waits_for_nothing_that_others_sealed(town: Town) -> None:
    town["Ada"].post("for Ben", to=["Ben"])
    ben = town["Ben"]
    with pytest.MonkeyPatch.context() as later:
        later.setattr(LocalNode, "unseal", lambda _: None)
        town.carry("Ada", "Ben")
    ben.post("for Ada", to=["Ada"])
    assert ben.connection.execute("SELECT count(*) FROM sealed WHERE state = 0").fetchone() == (1,)
    assert said(town, "Ben") == {"for Ben", "for Ada"}

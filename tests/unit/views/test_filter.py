"""The one filter: what is muted or blocked is in no list and no search."""

import pytest

from p2pmicro import cbor
from p2pmicro.ids import AccountId
from p2pmicro.store import private
from p2pmicro.store.feeds import Role, account_number
from p2pmicro.views import TIMELINE
from p2pmicro.views.filter import ACCOUNT, TAG, WORD, Filter, Mute, blocked, mutes
from p2pmicro.views.find import find_messages
from tests.unit.views.shelf import NOW_MS, Shelf, account_id


def mute(shelf: Shelf, item: bytes, until_ms: cbor.Value = None) -> None:
    """Put a mute where the person's own node does."""
    assert private.put(shelf.connection, "mute", item, {"until": until_ms})


def _home(shelf: Shelf) -> list[str]:
    return [message.text for message in TIMELINE.home(shelf.connection, 50)]


@pytest.fixture
def town(shelf: Shelf) -> Shelf:
    """Messages of oneself, of two whom one follows, and of a hop."""
    for name, role in (("me", Role.OWN), ("alice", Role.FOLLOWED), ("bob", Role.FOLLOWED), ("hop", Role.HOP)):
        shelf.feed(name, role=role)
        shelf.say(name, f"ferry of {name}")
    return shelf


@pytest.mark.parametrize("item", [("mute", b"a"), ("block", b"")], ids=["muted", "blocked"])
def test_a_person_is_in_no_list_search_or_count(town: Shelf, item: tuple[str, bytes]) -> None:
    name, kind = item
    for person in ("alice", "hop"):
        private.put(town.connection, name, kind + account_id(person), {"until": None} if kind else True)
    assert _home(town) == ["ferry of bob", "ferry of me"]
    assert TIMELINE.nearby(town.connection, 50) == []
    assert TIMELINE.page(town.connection, account_id("alice"), 50) == []
    assert [message.text for message in find_messages(town.connection, "ferry", 50).messages] == _home(town)
    hidden = Filter.read(town.connection)
    for person, hides in (("alice", True), ("hop", True), ("bob", False), ("me", False)):
        assert hidden.hides_person(account_id(person)) is hides
        assert hidden.hides_account(account_number(town.connection, account_id(person))) is hides
        assert hidden.hides_key(town.key(person, 2)) is hides


def test_what_is_taken_back_is_seen_again(town: Shelf) -> None:
    mute(town, b"a" + account_id("alice"))
    private.put(town.connection, "mute", b"a" + account_id("alice"), None)
    assert len(_home(town)) == 3


@pytest.mark.parametrize(
    ("muted", "text", "hides"),
    [
        ("ferry", "The FERRY was late", True),
        ("ferry", "The ferryman was late", False),
        ("ferry", "ferry-boat", True),
        ("café", "no cafe here", True),
        ("ferry was", "The ferry, was late", True),
        ("was ferry", "The ferry was late", False),
        ("天气", "今天天气很好", True),
        ("天很", "今天天气很好", False),
        ("猫", "我爱猫", True),
        ("猫", "我爱狗", False),
        ("คืน", "เมื่อคืนทั้งหมู่บ้าน", True),
        ("...", "anything ...", False),
        ('a" OR "b', "b alone", False),
    ],
)
def test_a_muted_word_is_whole_and_folded_as_in_a_search(shelf: Shelf, muted: str, text: str, hides: bool) -> None:
    shelf.feed("alice")
    shelf.say("alice", text, "something else")
    mute(shelf, b"w" + muted.encode())
    assert (_home(shelf) == ["something else"]) is hides


@pytest.mark.parametrize(
    ("muted", "text", "hides"),
    [
        ("ferry", "late #Ferry again", True),
        ("ferry", "late ferry again", False),
        ("ferry", "late #ferryman again", False),
        ("ferry", "late #ｆｅｒｒｙ again", True),
        ("cafe", "late #café again", False),
        ("天气", "今天 #天气 很好", True),
    ],
)
def test_a_muted_tag_is_matched_as_tags_are(shelf: Shelf, muted: str, text: str, hides: bool) -> None:
    shelf.feed("alice")
    shelf.say("alice", text)
    mute(shelf, b"t" + muted.encode())
    assert (_home(shelf) == []) is hides


def test_a_mute_ends_at_its_date(town: Shelf) -> None:
    mute(town, b"a" + account_id("alice"), NOW_MS)
    mute(town, b"wbob", NOW_MS + 1)
    (message,) = TIMELINE.page(town.connection, account_id("alice"), 1)
    assert Filter.read(town.connection, NOW_MS - 1).hides(message)
    assert not Filter.read(town.connection, NOW_MS).hides(message)
    assert [one.value for one in mutes(town.connection, NOW_MS)] == ["bob"]


def test_ones_own_words_are_always_seen(town: Shelf) -> None:
    mute(town, b"wferry")
    mute(town, b"a" + account_id("me"))
    assert _home(town) == ["ferry of me"]


def test_a_page_is_full_although_much_is_hidden(shelf: Shelf) -> None:
    shelf.feed("alice")
    shelf.feed("bob")
    for number in range(100):
        shelf.say("alice", f"noise {number}", f"ferry {number}", time_ms=NOW_MS + number)
        shelf.say("bob", f"ferry too {number}", time_ms=NOW_MS + number)
    mute(shelf, b"wnoise")
    mute(shelf, b"a" + account_id("bob"))
    wanted = [f"ferry {number}" for number in reversed(range(100))]
    assert _home(shelf) == wanted[:50]
    before = TIMELINE.home(shelf.connection, 50)[-1].place
    assert [message.text for message in TIMELINE.home(shelf.connection, 50, before)] == wanted[50:]
    assert [message.text for message in TIMELINE.page(shelf.connection, account_id("alice"), 99)] == wanted[:99]
    assert [message.text for message in find_messages(shelf.connection, "fer*", 60).messages] == wanted[:60]


def test_what_another_version_wrote_is_passed_over(town: Shelf) -> None:
    odd: list[tuple[bytes, cbor.Value]] = [
        (b"x?", {"until": None}),
        (b"", {"until": None}),
        (b"wferry", {"until": "never"}),
    ]
    for item, value in odd:
        private.put(town.connection, "mute", item, value)
    assert mutes(town.connection) == []
    assert len(_home(town)) == 3


def test_lists_people_then_words_then_tags(shelf: Shelf) -> None:
    for item in (b"tzoo", b"wb", b"wa", b"a" + account_id("alice")):
        mute(shelf, item)
    private.put(shelf.connection, "block", account_id("bob"), True)
    assert mutes(shelf.connection) == [
        Mute(ACCOUNT, account_id("alice"), None),
        *(Mute(WORD, "a", None), Mute(WORD, "b", None), Mute(TAG, "zoo", None)),
    ]
    assert [one.item for one in mutes(shelf.connection)][1:] == [b"wa", b"wb", b"tzoo"]
    assert blocked(shelf.connection) == [AccountId(account_id("bob"))]

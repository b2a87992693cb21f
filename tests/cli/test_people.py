"""`profile`, `follow`, `following`, `followers`, `who`, `petname`, `list`: people, by whatever they are called."""

import pytest

from p2pmicro import ids
from p2pmicro.feed import content
from tests.cli.conftest import Shell
from tests.cli.others import bring, says
from tests.made import NOW_MS, MadeFeed
from tests.texts import message


def somebody(name: str, *, key: str = "", follows: tuple[str, ...] = (), said: int = 1) -> MadeFeed:
    """A feed with a profile, follows and messages."""
    made = MadeFeed(1, f"feed of {key or name}", account=key or name)
    says(made, "profile", name=name, rev=1, bio=f"I am {name}", link="https://example.org")
    for other in follows:
        made.append(content.write(NOW_MS, "follow", content.follow(ids.parse_account(other), 1, True)))
    for number in range(said):
        says(made, "post", text=message(number))
    return made


@pytest.fixture
def me(ada: Shell) -> str:
    """Ada's account."""
    return str(ada.json("whoami")[0]["account"])


def called(name: str, account: str) -> str:
    """A name with the end of an account, as sentences have it."""
    return f"{name} ({ids.short(ids.parse_account(account))})"


def test_profile_is_shown_and_changed_in_parts(ada: Shell, me: str) -> None:
    empty = {"account": me, "name": "Ada", "bio": None, "link": None, "changed": False}
    assert ada.json("profile") == [empty]
    changed = ada.json("profile", "--bio", "Bread and boats", "--link", "https://example.org/ada")[0]
    assert changed == empty | {"bio": "Bread and boats", "link": "https://example.org/ada", "changed": True}
    assert ada.json("profile", "--bio", "", "--name", "Ada L")[0]["bio"] is None
    assert ada.json("profile")[0]["name"] == "Ada L"
    assert "link     https://example.org/ada" in ada("profile").out


@pytest.mark.parametrize(
    "change",
    [
        ["--name", "A\u200bda"],
        ["--name", "\u2060"],
        ["--name", "x" * 51],
        ["--link", "javascript:alert(1)"],
        ["--bio", "a\x07"],
    ],
)
def test_profile_that_hides_or_harms_is_refused(ada: Shell, change: list[str]) -> None:
    before = ada.json("profile")
    assert ada.refused("profile", *change)[0] == 2
    assert ada.json("profile") == before


def test_who_tells_all_that_is_known(ada: Shell, me: str) -> None:
    ben = bring(ada.person, somebody("Ben", follows=(me,), said=3))
    cleo = bring(ada.person, somebody("Cleo", follows=(ben, me)))
    (found,) = ada.json("who", "ben")
    assert found.items() >= {
        "account": ben, "name": "Ben", "petname": None, "bio": "I am Ben", "known": "followed", "looks_like": None,
        "you_follow": True, "follows_you": True, "muted": False, "blocked": False,
        "followers": 2, "following": 1, "common": [cleo], "feeds": 1, "entries": 6,
    }.items()  # fmt: skip
    assert found["first_seen"] > found["last_wrote"]
    said = ada("who", ben).out
    assert said.startswith(f"{called('Ben', ben)}  you follow each other\n")
    assert f"followers  2 that your node has heard of, of those you follow: {called('Cleo', cleo)}\n" in said
    ada.json("mute", "Ben")
    assert ada.json("who", "Ben")[0]["muted"] is True


def test_who_tells_what_somebody_writes_about(ada: Shell) -> None:
    made = somebody("Ben", said=0)
    for text in ("#Harbour again", "the #harbour", "#boats"):
        says(made, "post", text=text)
    bring(ada.person, made)
    assert ada.json("who", "Ben")[0]["tags"] == ["harbour", "boats"]
    assert "about      #harbour #boats\n" in ada("who", "Ben").out
    ada.json("mute", "--tag", "harbour")
    assert ada.json("who", "Ben")[0]["tags"] == ["boats"]


def test_who_follows_whom(ada: Shell, me: str) -> None:
    ben = bring(ada.person, somebody("Ben", follows=(me,)))
    cleo = bring(ada.person, somebody("Cleo", follows=(ben,)))
    assert {one["account"]: one["follows_you"] for one in ada.json("following")} == {ben: True, cleo: False}
    assert [one["account"] for one in ada.json("followers")] == [ben]
    assert {one["account"] for one in ada.json("followers", "Ben")} == {me, cleo}
    assert [one["account"] for one in ada.json("following", "Cleo")] == [ben]
    assert called("Ben", ben) in ada("followers").out
    ada.json("mute", "Ben")
    assert ada.json("followers") == ada.json("following", "Cleo") == []
    assert ada.json("who", "Cleo")[0]["following"] == 0
    assert len(ada.json("following")) == 2, "one's own follows are always seen: they can be ended"


def test_petname_is_shown_first_and_nothing_public_is_written(ada: Shell) -> None:
    ben = bring(ada.person, somebody("Ben"))
    height = ada.json("status")[0]["height"]
    assert ada.json("petname", "Ben", "My brother") == [{"account": ben, "petname": "My brother", "changed": True}]
    assert ada.json("petname") == [{"account": ben, "petname": "My brother"}]
    assert ada.json("who", "my brother")[0]["name"] == "Ben"
    assert "calls self Ben\n" in ada("who", "my brother").out
    assert called("My brother", ben) in ada("following").out
    assert ada.json("who", "ben", "--petname", "Bro")[0]["petname"] == "Bro"
    assert ada.json("petname", "Bro", "")[0]["petname"] is None
    assert ada.json("petname") == []
    assert ada.json("status")[0]["height"] == height
    assert ada.refused("petname", "Ben", "B\u200ben")[1] == "local.text"


def test_messages_are_shown_by_petname(ada: Shell) -> None:
    ben = bring(ada.person, somebody("Ben"))
    ada.json("petname", "Ben", "My brother")
    (shown,) = ada.json("timeline")
    assert (shown["name"], shown["petname"]) == ("Ben", "My brother")
    assert ada("timeline").out.startswith(f"My brother {ids.short(ids.parse_account(ben))} ")


def test_message_of_who_looks_like_a_friend_is_marked(ada: Shell) -> None:
    pytest.importorskip("confusable_homoglyphs")
    bring(ada.person, somebody("Ben", key="friend", said=0))
    fake = bring(ada.person, somebody("Веn", key="fake"))
    ada.json("unfollow", fake)
    (feed,) = [one["feed"] for one in ada.json("feeds") if one["account"] == fake]
    assert ada.json("show", f"{feed}/3")[0]["marks"] == ["name looks like somebody else's"]
    assert "[name looks like somebody else's]" in ada("show", f"{feed}/3").out


def test_stranger_who_looks_like_a_friend_is_warned_of(ada: Shell) -> None:
    pytest.importorskip("confusable_homoglyphs")
    friend = bring(ada.person, somebody("Ben", key="friend"))
    fake = bring(ada.person, somebody("Веn", key="fake"))
    ada.json("unfollow", fake)
    assert ada.json("who", fake)[0]["looks_like"] == friend
    for line in (("who", fake), ("follow", fake)):
        assert f"Careful: {called('Веn', fake)} is somebody else" in ada(*line).out
    assert ada.json("who", "Ben")[0]["account"] == friend


def test_name_of_two_is_refused_and_both_are_told(ada: Shell) -> None:
    both = [bring(ada.person, somebody("Ben", key=key)) for key in ("one", "two")]
    _, code, sentence = ada.refused("unfollow", "Ben")
    assert code == "local"
    assert all(account in sentence for account in both)
    assert ada.json("unfollow", ids.short(ids.parse_account(both[0])))[0]["account"] == both[0]


def test_list_has_a_timeline_of_its_own(ada: Shell) -> None:
    ben, cleo = (bring(ada.person, somebody(name, said=2)) for name in ("Ben", "Cleo"))
    ada.json("list", "create", "Hills")
    assert ada.json("list", "add", "hills", "Ben", cleo)[0]["changed"] == [ben, cleo]
    assert ada.json("list", "remove", "Hills", "Cleo")[0]["changed"] == [cleo]
    assert ada.json("list", "all") == [{"list": "Hills", "members": [ben]}]
    assert ada("list", "all").out == f"Hills: {called('Ben', ben)}\n"
    assert {m["account"] for m in ada.json("list", "show", "Hills")} == {ben}
    assert len(ada.json("list", "show", "Hills", "--limit", "1")) == 1
    ada.json("mute", "Ben")
    assert ada.json("list", "show", "Hills") == []
    ada.json("list", "delete", "Hills")
    assert ada.json("list", "all") == []


@pytest.mark.parametrize("line", ["show No", "delete No", "add No Ben", "add Hills Nobody", "create hills"])
def test_list_that_is_not_there_or_is_already_is_said(ada: Shell, line: str) -> None:
    bring(ada.person, somebody("Ben"))
    ada.json("list", "create", "Hills")
    assert ada.refused("list", *line.split(" "))[:2] == (2, "local")


def test_empty_lists_say_what_to_do(ada: Shell) -> None:
    for line in (["followers"], ["petname"], ["list", "all"]):
        assert ada.json(*line) == []
        assert ada(*line).out.endswith(".\n")

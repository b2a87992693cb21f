"""Each command's work and the fields of its JSON, which other programs rely on."""

import re
from datetime import UTC, datetime
from pathlib import Path

import pytest

from p2pmicro import ids
from p2pmicro.node.home import HOME_VARIABLE
from tests.cli.conftest import Shell
from tests.cli.others import bring
from tests.made import MadeFeed
from tests.texts import SENTENCES, message

ACCOUNT = re.compile(r"did:key:z6Mk[1-9A-HJ-NP-Za-km-z]{44}")
FEED = re.compile(r"z6Mk[1-9A-HJ-NP-Za-km-z]{44}")
REF = re.compile(FEED.pattern + r"/[1-9][0-9]*")
ID = re.compile(r"[0-9a-f]{64}")


def test_init_makes_one_account_and_tells_it(shell: Shell) -> None:
    first = shell.json("init", "--name", "Zoë 🦉")
    assert first == shell.json("init") == shell.json("whoami")
    assert first[0].keys() == {"account", "feed", "name"}
    assert ACCOUNT.fullmatch(first[0]["account"])
    assert FEED.fullmatch(first[0]["feed"])
    assert first[0]["name"] == "Zoë 🦉"


def test_name_is_absent_until_one_is_given_and_can_change(shell: Shell) -> None:
    assert shell.json("init")[0]["name"] is None
    assert shell.json("init", "--name", "Ada")[0]["name"] == "Ada"
    assert shell.json("init", "--name", "Ada L.")[0]["name"] == "Ada L."
    assert "Ada L." in shell("whoami").out


def test_post_tells_where_the_message_stands(ada: Shell) -> None:
    (posted,) = ada.json("post", message(0))
    assert posted.keys() == {"ref", "id", "account", "seq"}
    assert REF.fullmatch(posted["ref"])
    assert ID.fullmatch(posted["id"])
    who = ada.json("whoami")[0]
    assert (posted["account"], posted["ref"]) == (who["account"], f"{who['feed']}/{posted['seq']}")
    assert ada.json("post", message(1))[0]["seq"] == posted["seq"] + 1


def test_post_says_the_same_without_json_where_a_program_reads(ada: Shell) -> None:
    assert ada("post", message(0)).json[0].keys() == {"ref", "id", "account", "seq"}


def test_post_reads_standard_input_for_a_dash(ada: Shell) -> None:
    assert ada("post", "-", stdin=message(70).encode() + b"\n").status == 0
    assert ada("post", "-", stdin=b"two\r\nlines\r\n").status == 0
    assert [m["text"] for m in ada.json("timeline")] == ["two\nlines", message(70)]


def test_text_of_140_code_points_in_any_script_is_posted_as_it_is(ada: Shell) -> None:
    for text in ("x" * 140, "🦉" * 140, *SENTENCES[::23]):
        assert ada.json("post", text)
        assert ada.json("timeline", "--limit", "1")[0]["text"] == text


def test_text_with_a_dash_first_is_posted_after_two_dashes(ada: Shell) -> None:
    ada.json("post", "--", "-20 °C")
    ada.json("post", "-20 degrees")
    assert [m["text"] for m in ada.json("timeline")] == ["-20 degrees", "-20 °C"]


def test_timeline_is_newest_first_and_limited(ada: Shell) -> None:
    posted = [ada.json("post", message(number))[0] for number in range(4)]
    before = datetime.now(UTC)
    found = ada.json("timeline", "--limit", "3")
    assert [m["ref"] for m in found] == [p["ref"] for p in posted[:0:-1]]
    for shown in found:
        assert shown.keys() >= {"ref", "id", "account", "name", "time", "text", "seen", "kind"}
        assert (shown["name"], shown["kind"]) == ("Ada", "post")
        assert shown["id"] == next(p["id"] for p in posted if p["ref"] == shown["ref"])
        for time in (shown["time"], shown["seen"]):
            assert abs((datetime.fromisoformat(time) - before).total_seconds()) < 60
            assert time.endswith("Z")


def test_show_gives_what_the_timeline_gave(ada: Shell) -> None:
    ref = ada.json("post", message(9))[0]["ref"]
    assert ada.json("show", ref) == [ada.json("timeline")[0] | {"liked_by": [], "passed_on_by": []}]
    assert message(9) in ada("show", ref).out


def test_follow_shows_in_following_until_unfollow(ada: Shell) -> None:
    made = MadeFeed(3)
    account = bring(ada.person, made)
    (found,) = ada.json("following")
    assert found.items() >= {"account": account, "name": None, "you_follow": True, "follows_you": False}.items()
    again = ada.json("follow", account)[0]
    assert again == {"account": account, "following": True, "changed": False, "ref": None}
    gone = ada.json("unfollow", account)[0]
    assert (gone["following"], gone["changed"]) == (False, True)
    assert REF.fullmatch(gone["ref"])
    assert ada.json("following") == []
    assert ada("unfollow", account).out == "You do not follow this account.\n"
    assert ada("follow", account).out.startswith("You follow them now. Start your node")


def test_followed_messages_are_in_the_timeline_while_they_are_followed(ada: Shell) -> None:
    account = bring(ada.person, MadeFeed(3, start=20))
    assert {m["text"] for m in ada.json("timeline")} == {message(22), message(23)}
    ada.json("unfollow", account)
    assert ada.json("timeline") == []
    ada.json("follow", account)
    assert len(ada.json("timeline")) == 2


def test_feeds_lists_what_is_held(ada: Shell) -> None:
    made = MadeFeed(5)
    account = bring(ada.person, made)
    by_account = {feed["account"]: feed for feed in ada.json("feeds")}
    assert by_account.keys() == {account, ada.json("whoami")[0]["account"]}
    found = by_account[account]
    size = sum(len(payload) for payload in made.payloads)
    assert found == {
        "account": account, "feed": ids.format_feed(made.feed), "height": 5, "bytes": found["bytes"], "forked": False,
    }  # fmt: skip
    assert size <= found["bytes"] <= size + 64 * 5


def test_status_counts(ada: Shell) -> None:
    bring(ada.person, MadeFeed(5))
    ada.json("post", message(0))
    (found,) = ada.json("status")
    assert found.keys() >= {"account", "feed", "name", "home", "running", "height", "entries", "feeds", "following"}
    assert found["home"] == str(ada.person.home)
    assert (found["running"], found["feeds"], found["following"], found["name"]) == (False, 2, 1, "Ada")
    assert found["entries"] == found["height"] + 5


def test_verify_and_rebuild_of_a_sound_home_end_well(ada: Shell) -> None:
    bring(ada.person, MadeFeed(100))
    before = ada.json("timeline", "--limit", "1000")
    entries = ada.json("status")[0]["entries"]
    assert ada.json("verify") == [{"faults": 0, "entries": entries, "feeds": 2}]
    assert ada.json("rebuild") == [{"entries": entries}]
    assert ada.json("timeline", "--limit", "1000") == before
    assert ada("verify").out == f"All is well: checked {entries} entries of 2 feeds.\n"


def test_empty_lists_print_no_json_and_say_what_to_do(ada: Shell) -> None:
    for command, hint in (("timeline", "post"), ("following", "follow"), ("peers", "not running")):
        assert ada.json(command) == []
        assert hint in ada(command).out


def test_home_is_the_option_wherever_it_stands_then_the_variable(
    shell: Shell, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    inside = shell.json("init")
    first, second = f"{tmp_path}/first", f"{tmp_path}/second"
    one = shell.json("--home", first, "init")
    other = shell.json("init", "--home", second)
    assert inside != one != other != inside
    assert shell.json("whoami") == inside
    monkeypatch.setenv(HOME_VARIABLE, first)
    assert shell.json("whoami") == one
    assert shell.json("--home", second, "whoami") == other == shell.json("whoami", "--home", second)


def test_account_comes_back_from_its_words(ada: Shell, tmp_path: Path) -> None:
    words = ada.json("words", "--yes")[0]["words"]
    assert len(words) == 24
    said = ada("--home", f"{tmp_path}/new", "init", "--recover", "--json", stdin=" ".join(words).encode() + b"\n")
    who = ada.json("whoami")[0]
    assert said.json[0]["account"] == who["account"]
    assert said.json[0]["feed"] != who["feed"]
    assert " ".join(ada("words", "--yes").out.split()) == " ".join(f"{n} {w}" for n, w in enumerate(words, 1))


def test_version_and_no_command_at_all(shell: Shell) -> None:
    assert re.fullmatch(r"p2pmicro \d+\.\d+\.\d+\n", shell("--version").out)
    said = shell()
    assert said.status == 2
    assert said.out.startswith("usage: p2pmicro ")

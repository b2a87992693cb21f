"""Commands that can't be done as asked: exit 2, a sentence, and nothing written."""

import argparse
import shlex
from pathlib import Path

import pytest

from p2pmicro.cli.main import make_parser
from p2pmicro.ids import format_account
from tests.cli.conftest import Shell
from tests.made import private_key
from tests.texts import message


def commands() -> dict[str, argparse.ArgumentParser]:
    for action in make_parser()._actions:
        if isinstance(action, argparse._SubParsersAction):
            return dict(action.choices)
    raise AssertionError("no commands")


def examples(name: str) -> list[list[str]]:
    """The examples in a command's help, as a shell would call them."""
    account = format_account(private_key("x").public)
    found = []
    for example in (commands()[name].epilog or "").partition("examples:\n")[2].splitlines():
        line = example.partition("| ")[2] or example
        found.append(shlex.split(line.replace("did:key:z6Mk…", account).replace("z6Mk…", account[8:])))
    return found


@pytest.mark.parametrize(
    ("text", "part"),
    [
        ("x" * 141, "has 141 characters (code points), 1 more than 140"),
        ("🦉" * 200, "has 200 characters (code points), 60 more than 140"),
        ("e\u0301" * 141, "has 141 characters"),
        ("", "is empty"),
        (" \n\t ", "is empty"),
        ("a\x1b[31mb", "control character (U+001B) at 2"),
        ("a\x00b", "control character (U+0000) at 2"),
        ("\x9b31m", "control character (U+009B) at 1"),
        ("half \udcff", "lone surrogate) at 6"),
    ],
)
def test_text_that_can_not_be_sent_is_refused_and_nothing_written(ada: Shell, text: str, part: str) -> None:
    before = ada.json("status")[0]["height"]
    status, code, sentence = ada.refused("post", "--", text)
    assert (status, code) == (2, "local.text")
    assert part in sentence
    assert ada.json("status")[0]["height"] == before


@pytest.mark.parametrize(
    ("stdin", "part"),
    [(b"\xff\xfe", "not UTF-8"), (b"", "empty"), (b"x" * 300_000, "characters"), (b"\xed\xa0\x80", "not UTF-8")],
)
def test_standard_input_that_is_no_message_is_refused(ada: Shell, stdin: bytes, part: str) -> None:
    status, _, sentence = ada.refused("post", "-", stdin=stdin)
    assert status == 2
    assert part in sentence


@pytest.mark.parametrize("name", ["y" * 51, "\x1b]0;title\x07", "\udcff"])
def test_name_that_can_not_be_shown_is_refused(ada: Shell, name: str) -> None:
    status, code, _ = ada.refused("init", "--name", name)
    assert (status, code) == (2, "local.text")
    assert ada.json("whoami")[0]["name"] == "Ada"


SMALL_ORDER = [bytes(32), (1).to_bytes(32, "little"), (2**255 - 20).to_bytes(32, "little")]


@pytest.mark.parametrize(
    "account",
    [
        "",
        "Ada",
        "\udcff",
        "did:key:z6Mk",
        "did:key:z" + "1" * 47,
        "did:web:example.org",
        format_account(private_key("x").public) + "1",
        format_account(private_key("x").public)[8:],
        format_account(private_key("x").public).upper(),
        *map(format_account, SMALL_ORDER),
    ],
)
@pytest.mark.parametrize("command", ["follow", "unfollow"])
def test_account_that_is_none_is_refused(ada: Shell, command: str, account: str) -> None:
    status, code, _ = ada.refused(command, account)
    assert status == 2
    assert code in ("local", "entry.key")
    assert ada.json("following") == []


def test_nobody_follows_oneself(ada: Shell) -> None:
    assert ada.refused("follow", ada.json("whoami")[0]["account"])[:2] == (2, "local")


@pytest.mark.parametrize("ref", ["", "x", "\udcff", "z6Mk/1", "/", "did:key:z6Mk/1"])
def test_ref_that_is_none_is_refused(ada: Shell, ref: str) -> None:
    assert ada.refused("show", ref)[:2] == (2, "local")


def test_ref_of_what_is_not_here_is_said_so(ada: Shell) -> None:
    feed = ada.json("whoami")[0]["feed"]
    assert "not here" in ada.refused("show", f"{feed}/99")[2]
    assert "not here" in ada.refused("show", f"{feed}/1")[2]  # the device: no message


@pytest.mark.parametrize("limit", ["0", "-1", "x", "1e3", "10001", "9" * 5000, "٣", "\udcff"])
def test_limit_that_is_none_is_refused(ada: Shell, limit: str) -> None:
    said = ada("timeline", "--limit", limit)
    assert (said.status, said.out) == (2, "")
    assert said.err.count("\n") == 1


@pytest.mark.parametrize(
    "line", ["nonsense", "post", "follow", "post a b", "timeline x y", "--home", "timeline --limit", "\udcff", "-x"]
)
def test_line_that_is_no_command_is_one_sentence_with_a_way_on(shell: Shell, line: str) -> None:
    said = shell(*line.split(" "))
    assert (said.status, said.out) == (2, "")
    assert said.err.startswith("p2pmicro: ")
    assert said.err.count("\n") == 1
    assert said.err.endswith("--help`.\n")


@pytest.mark.parametrize("name", [name for name in commands() if name not in ("run", "init")])
def test_commands_without_an_account_say_how_to_make_one_and_make_nothing(shell: Shell, name: str) -> None:
    asked_nothing = {"words": ["--yes"], "export": ["me.json", "--yes"]}
    arguments = asked_nothing.get(name) or [word for word in examples(name)[0][2:] if word != "--json"]
    status, code, sentence = shell.refused(name, *arguments)
    assert (status, code) == (2, "config")
    assert "p2pmicro init" in sentence
    assert not shell.person.home.exists()


@pytest.mark.parametrize("words", ["", "abandon", " ".join(["abandon"] * 24), "\udcff", "x " * 5000])
def test_words_that_are_wrong_make_no_account(shell: Shell, words: str) -> None:
    status, _, _ = shell.refused("init", "--recover", stdin=words.encode(errors="surrogateescape") + b"\n")
    assert status == 2
    assert not shell.person.home.exists()


def test_recovery_does_not_replace_an_account(ada: Shell, tmp_path: Path) -> None:
    words = " ".join(ada.json("words", "--yes")[0]["words"]).encode() + b"\n"
    assert ada.refused("init", "--recover", stdin=words)[:2] == (2, "local")


def test_words_are_not_shown_where_nobody_can_be_asked(ada: Shell) -> None:
    status, _, sentence = ada.refused("words")
    assert status == 2
    assert "--yes" in sentence


@pytest.mark.parametrize("name", commands())
def test_help_of_each_command_has_examples_that_can_be_read(shell: Shell, name: str) -> None:
    said = shell(name, "--help")
    assert said.status == 0
    assert "examples:\n" in said.out
    assert examples(name)
    for argv in examples(name):
        assert argv[:2] == ["p2pmicro", name]
        assert make_parser().parse_args(argv[1:]).command == name


def test_help_names_every_command(shell: Shell) -> None:
    listed = shell("--help").out
    assert [name for name in commands() if f"\n    {name} " not in listed] == []


def test_sentence_repeats_a_long_argument_cut_and_harmless(ada: Shell) -> None:
    said = ada("show", "\x1b[2J" + message(3) * 50)
    assert "\x1b" not in said.err
    assert len(said.err) < 300

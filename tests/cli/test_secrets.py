"""No key of a home stands in what commands answer, log or export, nor in what the API returns. Source: threat L15.

All is in one process; what the running node logs and tells is in test_leaks.py.
"""

import argparse
import logging
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from p2pmicro.cli.main import make_parser
from p2pmicro.ids import Ref, format_account, format_ref
from p2pmicro.node import circles
from p2pmicro.node.home import HOME_VARIABLE, STATE_VARIABLE
from p2pmicro.node.local import LocalNode
from p2pmicro.node.newpicture import NewPicture
from p2pmicro.node.node import NetworkSettings
from tests.canaries import secrets_of, secrets_within, spellings
from tests.cli.conftest import Shell
from tests.pictures import png
from tests.unit.node.town import Town

PRIVATE = "ptarmigan"  # in what Ada keeps for herself: the name of a circle, a list, a person, a muted word, a draft
NOT_CALLED = {"run", "words"}  # it does not end (test_leaks.py); it shows the seed, as words, after a question


@dataclass(frozen=True)
class Story:
    """Ada at the terminal, and what there is to be named."""

    ada: LocalNode
    ben: LocalNode
    cleo: LocalNode
    public: Ref  # a message of Ada's
    sealed: Ref  # Ben's, with a picture, to a circle with a key of its own
    asked: Ref  # Ben's, to Ada

    def canaries(self) -> dict[str, list[bytes]]:
        """Every spelling of every key that Ada has, by what it is for."""
        kinds = secrets_within(self.ada.home) | {"home": secrets_of(self.ada.home)}
        assert all(kinds.values()), kinds.keys()
        return {kind: [one for secret in found for one in spellings(secret)] for kind, found in kinds.items()}


@pytest.fixture
def story(tmp_path: Path, shell: Shell, monkeypatch: pytest.MonkeyPatch) -> Iterator[Story]:
    """Ada, Ben and Cleo have written to one another in all ways that need a key; circles of two are large."""
    monkeypatch.setattr(circles, "_DIRECT_MAX", 1)
    monkeypatch.setattr(circles, "SEALED_SLOTS", (1, 64))
    (tmp_path / "hill.png").write_bytes(png(seed=3))
    with Town(tmp_path / "town", "Ada", "Ben", "Cleo") as town:
        town.know("Ada", "Ben", "Cleo")
        ada, ben = town["Ada"], town["Ben"]
        public = ada.post("Hello, hills")
        ada.create_circle(f"{PRIVATE}s", ["Ben", "Cleo"])
        ada.post("to my circle", [NewPicture(png(seed=1), "a hill")], to=[f"{PRIVATE}s"])
        ada.mute(ada.mute_of(word=f"{PRIVATE} word"))
        town.carry("Ada", "Ben", "Cleo")
        ben.create_circle("walkers", ["Ada", "Cleo"])
        sealed = ben.post("to Ben's circle", [NewPicture(png(seed=2), "another")], to=["walkers"])
        asked = ben.post("for Ada alone", to=["Ada"])
        town.carry("Ben", "Ada")
        ada.reply(asked, "I see")
        ada.reply(sealed, "we see")
        monkeypatch.setenv(HOME_VARIABLE, str(ada.home.path))
        monkeypatch.setenv(STATE_VARIABLE, str(ada.home.state))
        yield Story(ada, ben, town["Cleo"], public, sealed, asked)


def commands(story: Story, folder: Path) -> list[list[str]]:
    """Every command, as people call it."""
    public, sealed, asked = (format_ref(ref.feed, ref.seq) for ref in (story.public, story.sealed, story.asked))
    ben, cleo = format_account(story.ben.account), format_account(story.cleo.account)
    lines = f"""
        whoami | status | feeds | peers | verify | rebuild | init --name Ada | profile | profile --bio Bread
        timeline | timeline Ben | show {public} | show {sealed} | show {asked} | thread {public} | thread {sealed}
        tag | tag hills | tag hills --follow | notices | notices --read | bookmarks | bookmark {sealed}
        like {sealed} | unlike {sealed} | like {public} | repost {public} | pin {public}
        search hills | search --people Ben | inbox | inbox {PRIVATE}s | inbox Ben | inbox --keep-unread
        post hello | post hello --to Ben | post hello --to {PRIVATE}s
        post hello --picture {folder}/hill.png --alt hill
        post --to {PRIVATE}s hello --picture {folder}/hill.png --alt hill
        reply {sealed} indeed | reply {asked} indeed
        quote {public} so | delete {public} | picture {sealed} | picture {sealed} 1 --save {folder}/saved.png --wait 0
        follow {ben} | unfollow Cleo | following | followers | who Ben | petname Ben {PRIVATE}y | petname
        mute | mute --word {PRIVATE}s | mute --tag hills --off | block | block {cleo} | block {cleo} --off
        list create {PRIVATE} | list add {PRIVATE} Ben | list show {PRIVATE} | list all | list remove {PRIVATE} Ben
        list delete {PRIVATE}
        circle list | circle create {PRIVATE} Ben | circle add {PRIVATE} Ben | circle remove {PRIVATE} Ben
        circle delete {PRIVATE}
        draft save hello | draft list | draft post 1 | draft save {PRIVATE} | draft delete 2 | draft save {PRIVATE}
        export {folder}/me.p2pb --yes | export {folder}/all.p2pb --all --yes | export {folder}/me.json --yes
        export {folder}/private.json --all --private --drafts --yes
    """
    return [line.split() for line in lines.replace("\n", "|").split("|") if line.strip()]


def errors(story: Story, folder: Path) -> list[list[str]]:
    """What can't be done, with what is not to be told in the sentence that says so."""
    sealed = format_ref(story.sealed.feed, story.sealed.seq)
    lines = f"""
        quote {sealed} so | repost {sealed} | pin {sealed} | delete {sealed} | post hello --to Nemo | inbox Nemo
        post --replace {sealed} hello | picture {sealed} 4 | export {folder}/me.p2pb --private --yes | circle add x y
        show {sealed}0 | post --to walkers hello | nonsense | circle create {PRIVATE}s | init --recover
    """
    return [line.split() for line in lines.replace("\n", "|").split("|") if line.strip()]


def leaks(data: bytes, canaries: dict[str, list[bytes]]) -> list[str]:
    """What data has a key of."""
    return [kind for kind, found in canaries.items() if any(one in data for one in found)]


def test_no_answer_log_sentence_or_export_of_any_command_has_a_key(
    shell: Shell, story: Story, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    said: list[tuple[str, str]] = []
    for line in commands(story, tmp_path):
        once = line[0] in ("circle", "delete", "draft", "list")  # what can't be done again
        for argv in ([*line, "--json"],) if once else (line, [*line, "--json"]):
            done = shell("--debug", *argv)
            assert done.status == 0, (argv, done.err)
            said.append((" ".join(argv), done.out + done.err))
    for line in errors(story, tmp_path):
        for argv in (line, [*line, "--json"]):
            failed = shell("--debug", *argv)
            assert failed.status == 2, argv
            said.append((" ".join(argv), failed.out + failed.err))
    canaries = story.canaries()
    assert sum(map(len, canaries.values())) > 200
    found = {command: kinds for command, text in said if (kinds := leaks(text.encode(), canaries))}
    found |= {"the log": kinds} if (kinds := leaks(caplog.text.encode(), canaries)) else {}
    files = [path for path in tmp_path.glob("*.*") if path.suffix in (".p2pb", ".json", ".png")]
    assert len(files) == 6
    found |= {path.name: kinds for path in files if (kinds := leaks(path.read_bytes(), canaries))}
    assert found == {}
    # Of private state nothing is logged, and exported alone where it was asked for.
    assert PRIVATE not in caplog.text
    assert [path.name for path in files if PRIVATE.encode() in path.read_bytes()] == ["private.json"]


def test_every_command_is_called(story: Story, tmp_path: Path) -> None:
    def names(parser: argparse.ArgumentParser) -> Iterator[str]:
        for action in parser._actions:
            if isinstance(action, argparse._SubParsersAction):
                for name, inner in action.choices.items():
                    yield from [f"{name} {one}" for one in names(inner)] or [name]

    called = {" ".join(line) for line in commands(story, tmp_path)}
    assert {name for name in names(make_parser()) if not any(f"{line} ".startswith(f"{name} ") for line in called)} == (
        NOT_CALLED
    )


def test_nothing_that_the_api_returns_shows_a_key(story: Story) -> None:
    ada = story.ada
    talks = [ada.conversation(one.id) for one in ada.inbox()]
    shown = (
        *(ada.timeline(), ada.inbox(), talks, ada.thread(story.sealed), ada.message(*story.sealed[:2]), ada.notices()),
        *(ada.picture(story.sealed).picture, ada.circles(), ada.status(), ada.feeds(), ada.who("Ben"), ada.people([])),
        *(ada.search("see"), ada.bookmarks(), ada.mutes(), ada.lists(), ada.drafts(), ada.device(), ada.keys, ada),
        *(ada.home, ada.sealing, NetworkSettings(key=ada.keys.device[:16])),
    )
    canaries = story.canaries() | {"network": spellings(ada.keys.device[:16])}
    assert leaks(repr(shown).encode(), canaries) == []


@pytest.mark.parametrize("name", ["seed", "feed.key"])
def test_damaged_key_file_is_not_told_about_in_its_own_words(shell: Shell, story: Story, name: str) -> None:
    path = story.ada.home.path / name
    secret = path.read_text().split()[-1]
    for damaged in (secret[:-1], secret[:-1] + "x", secret + "00", f"feed {secret}z\ndevice {secret}z\n"):
        path.write_text(damaged)
        for argv in (["whoami"], ["post", "hello"], ["words", "--yes"]):
            said = shell("--debug", *argv)
            assert said.status != 0
            assert secret[:16] not in said.out + said.err

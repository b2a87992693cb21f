"""A person at a terminal, without a process for each command: what `main` is given, says and returns."""

import io
import json
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from p2pmicro.cli.main import main
from p2pmicro.node.home import HOME_VARIABLE, STATE_VARIABLE
from tests.cli.program import Person


@dataclass(frozen=True)
class Said:
    """What a command returned and printed."""

    status: int
    out: str
    err: str

    @property
    def json(self) -> list[dict[str, Any]]:
        """The lines of standard output, read."""
        return [json.loads(line) for line in self.out.splitlines()]


class Shell:
    """Calls commands on one home, in this process."""

    def __init__(self, person: Person, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
        self.person = person
        self._capsys = capsys
        self._monkeypatch = monkeypatch
        monkeypatch.setenv(STATE_VARIABLE, str(person.state))
        monkeypatch.setenv(HOME_VARIABLE, str(person.home))
        monkeypatch.setenv("COLUMNS", "100")

    def __call__(self, *argv: str, stdin: bytes = b"") -> Said:
        self._monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(stdin), encoding="utf-8"))
        self._capsys.readouterr()
        try:
            status = main(argv)
        except SystemExit as end:  # argparse's way to say that a command can't be read, and to end its help
            status = int(end.code or 0)
        said = self._capsys.readouterr()
        assert "Traceback" not in said.err
        assert "A bug in p2pmicro" not in said.err
        return Said(status, said.out, said.err)

    def json(self, *argv: str) -> list[dict[str, Any]]:
        """A command that must go well; its lines."""
        said = self(*_with_json(argv))
        assert (said.status, said.err) == (0, "")
        return said.json

    def refused(self, *argv: str, stdin: bytes = b"") -> tuple[int, str, str]:
        """A command that must fail: its status, code, and its one sentence, which people get as well."""
        said = self(*_with_json(argv), stdin=stdin)
        assert said.out == ""
        error = json.loads(said.err)
        assert error.keys() == {"error", "message"}
        assert error["message"][0].isupper() or not error["message"][0].isalpha()
        assert error["message"].endswith(".")
        plain = self(*argv, stdin=stdin)
        assert (plain.status, plain.out, plain.err) == (said.status, "", f"p2pmicro: {error['message']}\n")
        return said.status, error["error"], error["message"]


def _with_json(argv: Sequence[str]) -> list[str]:
    end = argv.index("--") if "--" in argv else len(argv)
    return [*argv[:end], "--json", *argv[end:]]


@pytest.fixture
def person(tmp_path: Path) -> Person:
    """Ada, who has no account yet."""
    return Person(tmp_path, "Ada")


@pytest.fixture
def shell(person: Person, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Shell:
    """A shell on an empty home."""
    return Shell(person, capsys, monkeypatch)


@pytest.fixture
def ada(shell: Shell) -> Shell:
    """A shell on a home with an account."""
    shell.json("init", "--name", "Ada")
    return shell

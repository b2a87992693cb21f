"""The README's examples are run as they stand."""

import os
import re
import subprocess
import sys
import time
from pathlib import Path

from p2pmicro.cli.main import make_parser
from p2pmicro.ids import parse_account
from p2pmicro.node.home import Home
from p2pmicro.node.local import LocalNode

README = Path(__file__).parents[2] / "README.md"
PATIENCE_S = 30.0


def _section(heading: str) -> str:
    text = README.read_text(encoding="utf-8")
    return text.split(f"## {heading}\n", 1)[1].split("\n## ", 1)[0]


def _blocks(text: str) -> list[str]:
    """Indented blocks, without their indentation."""
    found = re.findall(r"(?:^(?:    .*)?\n)+", text, re.MULTILINE)
    return ["\n".join(line[4:] for line in block.splitlines()).strip() for block in found if block.strip()]


def test_embedding_example_runs(tmp_path: Path) -> None:
    program = _blocks(_section("In a Python program"))[0]
    # As it stands but for where it listens: a test says nothing to the network that this computer is in.
    settings = 'p2pmicro.NetworkSettings("127.0.0.1:0", mdns=False)'
    assert "p2pmicro.NetworkSettings()" in program
    program = program.replace("p2pmicro.NetworkSettings()", settings)
    home = Home(tmp_path / "my-home", tmp_path / "state")
    environment = {**os.environ, "P2PMICRO_STATE": str(home.state), "PYTHONUNBUFFERED": "1"}
    with subprocess.Popen(
        [sys.executable, "-c", program], cwd=tmp_path, env=environment, stdout=subprocess.PIPE
    ) as run:
        try:
            assert run.stdout is not None
            os.set_blocking(run.stdout.fileno(), False)
            deadline = time.monotonic() + PATIENCE_S
            while (line := run.stdout.readline()) != b"Ada From beside it\n":
                assert time.monotonic() < deadline
                assert run.poll() is None
                # It says what arrives from when it has begun to listen: written again until it has.
                if not line and home.wake.exists():
                    with LocalNode.open(home) as beside:
                        beside.post("From beside it")
                time.sleep(0.1)
        finally:
            run.terminate()


def test_blocking_twin_is_named_as_it_is(tmp_path: Path) -> None:
    import p2pmicro

    assert "`p2pmicro.LocalNode.open(home)`" in _section("In a Python program")
    with p2pmicro.LocalNode.open(Home(tmp_path / "home", tmp_path / "state"), create=True) as node:
        node.post("Hello")
        assert [message.text for message in node.timeline()] == ["Hello"]


def test_two_commands_to_paste_are_one_line_each() -> None:
    run, tests = _blocks(README.read_text(encoding="utf-8").split("## ", 1)[0])
    assert "\n" not in run + tests
    assert run.endswith("p2pmicro run")
    assert tests.endswith(".venv/bin/pytest -q -n auto --dist worksteal")


def test_every_command_is_in_the_readme() -> None:
    named = set(re.findall(r"`([a-z]+)[ `\[]", _section("Commands")))
    actions = [action for action in make_parser()._actions if action.dest == "command"]
    assert actions[0].choices is not None
    assert set(actions[0].choices) <= named


def test_account_in_the_readme_is_a_sketch_and_no_real_one() -> None:
    for sketch in re.findall(r"did:key:\S+", README.read_text(encoding="utf-8")):
        assert "…" in sketch, sketch
    assert parse_account("did:key:z6MkpTHR8VNsBxYAAWHut2Geadd9jSwuBV8xRoAnwWsdvktH")


def test_limits_say_who_opens_what_was_sealed() -> None:
    limits = " ".join(_section("What no program can promise").split())
    # P5 of the threats: a thief of the seed reads all of it, and nothing that we do can change that.
    assert "opens all of it, old and new" in limits
    assert "whoever can read a message can read its answers" in limits
    assert "no forward secrecy" in limits

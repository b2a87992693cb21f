"""Nothing of what people write, and no key, gets into logs or sentences, also with --debug.

Source: threats P10, L15.
"""

import json
from pathlib import Path

from p2pmicro.node.home import Home
from tests.canaries import secrets_of, secrets_within, spellings
from tests.cli.program import Argument, Person, wait_for
from tests.pictures import png

TEXT = "wandering albatross"


def keys_of(person: Person) -> list[bytes]:
    """Every secret key of a person, in every spelling."""
    home = Home(person.home, person.state)
    within = secrets_within(home)
    assert all(within[kind] for kind in ("answers", "contents", "pictures"))
    secrets = [*secrets_of(home), *(secret for kind in within.values() for secret in kind)]
    found = [spelling for secret in secrets for spelling in spellings(secret)]
    words = person.json("words", "--yes")[0]["words"]
    return [*found, " ".join(words[:4]).encode()]


def test_debug_log_of_a_whole_story_has_no_text_and_no_key(tmp_path: Path) -> None:
    ada, ben = Person(tmp_path, "Ada"), Person(tmp_path, "Ben")
    accounts = [ada.begin(), ben.begin()]
    said = b""
    hill = tmp_path / "hill.png"
    hill.write_bytes(png())
    commands: list[tuple[Argument, ...]] = [
        *[("draft", "save", f"{TEXT} 1"), ("draft", "post", "1"), ("search", "wander"), ("mute", "--word", TEXT)],
        *[("mute", "--word", TEXT, "--off"), ("rebuild",), ("export", tmp_path / "me.p2pb", "--yes")],
        *[("export", tmp_path / "me.json", "--private", "--drafts", "--yes"), ("post", f"{TEXT} " + "x" * 141)],
        *[("delete", "z6Mk"), ("nonsense",), ("circle", "create", TEXT, "Ben"), ("petname", "Ben", TEXT)],
        *[("post", f"{TEXT} 2", "--to", TEXT, "--picture", hill, "--alt", TEXT), ("inbox", TEXT)],
    ]
    with ada.running("--debug", "--listen", "127.0.0.1:0", "--no-mdns") as one:
        listening = one.ready["listen"][0]
        with ben.running("--debug", "--no-mdns", "--peer", listening, "--peer", "127.0.0.1:9") as other:
            for person, account in ((ada, accounts[1]), (ben, accounts[0])):
                person.json("follow", account)
            wait_for("Ada knows Ben", lambda: ada.json("who", accounts[1])[0]["name"] == "Ben")
            for command in commands:
                said += ada.call("--debug", *command).stderr
            wait_for("Ben reads it", lambda: f"{TEXT} 1" in ben.texts())
            (talk,) = wait_for("Ben reads what is for him", lambda: ben.json("inbox"))
            said += ben.call("--debug", "reply", talk["newest"]["ref"], f"{TEXT} 3").stderr
            wait_for("Ada reads the answer", lambda: len(ada.json("inbox", TEXT)) == 2)
            (first,) = [message for message in ada.json("timeline") if message["text"] == f"{TEXT} 1"]
            ada.json("delete", first["ref"])
            wait_for("Ben reads it no longer", lambda: f"{TEXT} 1" not in ben.texts())
    said += one.complaints + other.complaints
    told = json.dumps(one.events + other.events).encode()
    assert b"127.0.0.1:9 can't be reached" in said, "there is a log to be searched"
    assert [line for line in said.splitlines() if TEXT.encode() in line] == []
    for person, own in ((ada, "Ada"), (ben, "Ben")):
        for key in keys_of(person):
            assert key not in said + told, f"a key of {own}"
            for name in ("me.json", "me.p2pb"):
                assert key not in (tmp_path / name).read_bytes(), f"a key of {own} in {name}"

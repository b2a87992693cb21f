"""Nothing of what people write, and no key, gets into logs or sentences, also with --debug.

Source: threats P10, L15.
"""

import json
from pathlib import Path

from p2pmicro.node.home import Home
from tests.canaries import secrets_of, spellings
from tests.cli.program import Argument, Person, wait_for

TEXT = "wandering albatross"


def keys_of(person: Person) -> list[bytes]:
    """Every secret key of a person, in every spelling."""
    found = [spelling for secret in secrets_of(Home(person.home, person.state)) for spelling in spellings(secret)]
    words = person.json("words", "--yes")[0]["words"]
    return [*found, " ".join(words[:4]).encode()]


def test_debug_log_of_a_whole_story_has_no_text_and_no_key(tmp_path: Path) -> None:
    ada, ben = Person(tmp_path, "Ada"), Person(tmp_path, "Ben")
    accounts = [ada.begin(), ben.begin()]
    said = b""
    commands: list[tuple[Argument, ...]] = [
        *[("draft", "save", f"{TEXT} 1"), ("draft", "post", "1"), ("search", "wander"), ("mute", "--word", TEXT)],
        *[("mute", "--word", TEXT, "--off"), ("rebuild",), ("export", tmp_path / "me.p2pb", "--yes")],
        *[("export", tmp_path / "me.json", "--private", "--drafts", "--yes"), ("post", f"{TEXT} " + "x" * 141)],
        *[("delete", "z6Mk"), ("nonsense",)],
    ]
    with ada.running("--debug", "--listen", "127.0.0.1:0", "--no-mdns") as one:
        listening = one.ready["listen"][0]
        with ben.running("--debug", "--no-mdns", "--peer", listening, "--peer", "127.0.0.1:9") as other:
            for person, account in ((ada, accounts[1]), (ben, accounts[0])):
                person.json("follow", account)
            for command in commands:
                said += ada.call("--debug", *command).stderr
            wait_for("Ben reads it", lambda: any(TEXT in text for text in ben.texts()))
            ada.json("delete", next(iter(ada.json("timeline")))["ref"])
            wait_for("Ben reads it no longer", lambda: not ben.texts())
    said += one.complaints + other.complaints
    told = json.dumps(one.events + other.events).encode()
    assert b"127.0.0.1:9 can't be reached" in said, "there is a log to be searched"
    assert [line for line in said.splitlines() if TEXT.encode() in line] == []
    for person, own in ((ada, "Ada"), (ben, "Ben")):
        for key in keys_of(person):
            assert key not in said + told, f"a key of {own}"
            for name in ("me.json", "me.p2pb"):
                assert key not in (tmp_path / name).read_bytes(), f"a key of {own} in {name}"

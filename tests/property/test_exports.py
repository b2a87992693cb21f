"""What must never leave a home is in no export, whatever the home and the options. Source: threats P9."""

from base64 import b64encode
from collections.abc import Iterator
from pathlib import Path
from random import Random

import pytest

from p2pmicro.feed import content
from p2pmicro.feed.device import check_device_proof
from p2pmicro.node.export import Form
from p2pmicro.node.home import Home
from p2pmicro.node.local import LocalNode
from p2pmicro.store import private
from p2pmicro.store.db import transaction
from p2pmicro.store.feeds import Role, add_feed, set_role
from p2pmicro.store.ingest import ingest
from tests.canaries import secrets_of, spellings
from tests.made import NOW_MS, MadeFeed
from tests.store.home import checked

EXPORTS = 1000
SECRET_TEXT = "canary: {} of {}"


@pytest.fixture
def node(tmp_path: Path) -> Iterator[LocalNode]:
    with LocalNode.open(Home(tmp_path / "home", tmp_path / "state"), create=True) as opened:
        (opened.home.path / "token").write_text(SECRET_TEXT.format("token", "web"))
        yield opened


def meet(node: LocalNode, number: int, role: Role) -> MadeFeed:
    """Somebody whose feed comes to be held; each says their own canary."""
    made = MadeFeed(4, f"person {number}", f"person {number}")
    made.append(content.write(NOW_MS, "post", content.post(SECRET_TEXT.format(number, "person"))))
    with transaction(node.connection):
        set_role(node.connection, node.views, made.account, role)
        add_feed(node.connection, node.changes, check_device_proof(made.proof))
        ingest(node.connection, node.views, node.changes, [checked(made.range(1, made.last))], NOW_MS)
    return made


def act(node: LocalNode, rng: Random, people: list[MadeFeed], blocked: set[int], drafts: list[str]) -> None:
    """Something of what people do."""
    place = rng.randrange(len(people))
    match rng.randrange(7):
        case 0:
            node.post(f"plain {rng.random()}")
        case 1:
            drafts.append(SECRET_TEXT.format(len(drafts), "draft"))
            node.save_draft(drafts[-1])
        case 2 if node.drafts():
            node.delete_draft(rng.choice(node.drafts()).number)
        case 3 | 4:
            with transaction(node.connection):
                private.put(node.connection, "block", people[place].account, None if place in blocked else True)
            blocked ^= {place}
        case 5:
            word = SECRET_TEXT.format(rng.random(), "muted word")
            with transaction(node.connection):
                private.put(node.connection, "mute", b"w" + word.encode(), {"until": None})
        case _:
            with transaction(node.connection):
                set_role(node.connection, node.views, people[place].account, rng.choice((Role.NONE, Role.FOLLOWED)))


def test_no_key_token_draft_or_blocked_feed_is_in_any_export(
    node: LocalNode, tmp_path: Path, rng: Random, soak: int
) -> None:
    canaries = [spelling for secret in secrets_of(node.home) for spelling in spellings(secret)]
    canaries += [b"canary: token", b"of draft", b"of muted word", " ".join(node.words()[:4]).encode()]
    people = [meet(node, number, rng.choice((Role.GUEST, Role.HOP, Role.FOLLOWED))) for number in range(6)]
    blocked: set[int] = set()
    drafts: list[str] = []
    assert len(canaries) == 7 * 10 + 4
    given = 0
    for _ in range(EXPORTS * soak):
        for _ in range(rng.randrange(3)):
            act(node, rng, people, blocked, drafts)
        form, everybody = rng.choice(list(Form)), rng.random() < 0.7
        path = tmp_path / f"me.{form.value}"
        node.export(node.plan_export(path, form, everybody=everybody))
        data = path.read_bytes()
        found = [canary for canary in canaries if canary in data]
        assert not found
        for number in range(len(people)):
            if SECRET_TEXT.format(number, "person").encode() in data:
                assert everybody
                assert number not in blocked
                given += 1
    assert given > EXPORTS  # the canaries are there to be found


def test_canaries_would_be_found(node: LocalNode) -> None:
    seed = node.keys.seed
    for data in (b"x" + seed, b"seed: " + seed.hex().encode(), b64encode(b"ab" + seed + b"c"), b64encode(b"a" + seed)):
        assert any(spelling in data for spelling in spellings(seed))

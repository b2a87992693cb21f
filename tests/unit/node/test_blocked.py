"""What a file brings of somebody who is blocked: nothing is stored of it and nothing shown, by none of its records.

Whatever comes in a session is in tests/property/test_blocks.py. Source: threat G13.
"""

from collections.abc import Callable, Iterator
from hashlib import sha256
from random import Random

import pytest

from p2pmicro import cbor, keys
from p2pmicro.feed import content
from p2pmicro.feed.bundle import Carried, Given, Manifest, encode_manifest, encode_record
from p2pmicro.feed.chain import Link
from p2pmicro.feed.device import make_revoke
from p2pmicro.feed.fork import make_fork_proof
from p2pmicro.feed.seal import sealed
from p2pmicro.ids import Ref
from p2pmicro.node.carried import Imported
from p2pmicro.node.local import LocalNode
from tests.made import NOW_MS, MadeFeed
from tests.pictures import png
from tests.property.pipe import memory_folder
from tests.traces import all_rows, written
from tests.unit.node.town import Town

WORD = "bargain"  # in all that the spammer writes
PICTURE, FACE = png(seed=1), png(seed=2)
NOTED = {"blocked_feeds"}  # whose a feed is, so that it is not asked for


class Spammer:
    """Somebody with two feeds, who writes all that can be written, to Ada and about her."""

    def __init__(self, ada: LocalNode) -> None:
        self.made, self.phone = (MadeFeed(1, f"spam {name}", account="spammer") for name in ("laptop", "phone"))
        ref = ada.post("hello")
        own = content.ref_value(ref)
        shown = [sha256(PICTURE).digest(), "image/png", len(PICTURE), WORD]
        face: cbor.Value = [sha256(FACE).digest(), "image/png", len(FACE)]
        inside = content.post(f"{WORD} for you alone") | {"key": bytes(range(32))}
        box = keys.box_public(ada.keys.seed, 0)
        for made in (self.made, self.phone):
            hidden = sealed(made.account, made.feed, "post", inside, [box], [], Random(1).randbytes)
            for kind, fields in (
                ("post", content.post(f"{WORD} for all #{WORD}")),
                ("post", content.post(f"{WORD} at @Ada", reply=content.reply(ref, ref), quote=own)),
                ("post", content.post(WORD, media=[shown])),
                ("profile", content.profile(1, WORD, WORD, avatar=face)),
                ("follow", content.follow(ada.account, 1, True)),
                ("like", content.reaction(ref, 1, True)),
                ("repost", content.reaction(ref, 1, True)),
                ("sealed", hidden),
            ):
                made.append(content.write(NOW_MS, kind, fields))
        self.first = Ref(self.made.feed, 2, self.made.links[2].id)

    def bundle(self, *records: Given) -> bytes:
        return b"".join((encode_manifest(Manifest(0, 1, 1, None, None)), *map(encode_record, records)))


def _range(made: MadeFeed, *holes: int) -> list[Given]:
    return [made.proof, made.range(1, made.last, holes)]


def _fork(made: MadeFeed) -> Given:
    return make_fork_proof(made.feed, made.links[3], made.side(4, 6), made.branch(4, 3).side(4, 6))


def _revoke(made: MadeFeed) -> Given:
    return make_revoke(made.account_key, made.feed, Link(5, made.links[5].id))


WAYS: dict[str, Callable[[Spammer], list[Given]]] = {
    "a proof": lambda spam: [spam.made.proof],
    "a range": lambda spam: _range(spam.made),
    "a range with holes, and what fills them": lambda spam: [*_range(spam.made, 2, 3), spam.made.range(1, 9)],
    "the end of a range": lambda spam: [spam.made.proof, spam.made.range(5, 9)],
    "another feed": lambda spam: _range(spam.phone),
    "an excerpt": lambda spam: [spam.made.proof, spam.made.excerpt(2, 9)],
    "excerpts of all": lambda spam: [spam.made.proof, *(spam.made.excerpt(seq, 9) for seq in range(2, 10))],
    "a revoke": lambda spam: [spam.made.proof, _revoke(spam.made), *_range(spam.made)],
    "a fork proof": lambda spam: [spam.made.proof, _fork(spam.made), *_range(spam.made)],
    "pictures": lambda spam: [*_range(spam.made), Carried(PICTURE), Carried(FACE)],
    "pictures alone": lambda spam: [Carried(PICTURE), Carried(FACE)],
    "pictures of an excerpt": lambda spam: [spam.made.proof, spam.made.excerpt(4, 9), Carried(PICTURE)],
}


def shown(node: LocalNode) -> str:
    """All lists in which somebody can appear."""
    lists = (
        *(node.timeline(), node.search(WORD), node.search("hello"), node.search_people(WORD), node.notices()),
        *(node.inbox(), node.followers(), node.tag_timeline(WORD), node.suggest_tags(WORD[:3]), node.feeds()),
        *(node.thread(message.ref) for message in node.timeline()),
    )
    return repr(lists)


@pytest.fixture
def town() -> Iterator[Town]:
    with memory_folder() as folder, Town(folder, "Ada", "Ben") as made:
        made.know("Ada", "Ben")
        yield made


@pytest.fixture
def spam(town: Town) -> Spammer:
    """Somebody whom Ada and Ben follow, and whom Ben answers: so Ada's node asks for it, whoever follows them."""
    spam = Spammer(town["Ada"])
    town.carry("Ada", "Ben")
    ben = town["Ben"]
    ben.follow(spam.made.account)
    take_in(ben, spam.bundle(*WAYS["pictures"](spam)))
    ben.reply(spam.first, "No, thanks")
    ben.repost(spam.first)
    return spam


def take_in(node: LocalNode, data: bytes) -> Imported:
    path = node.home.path.with_suffix(".p2pb")
    path.write_bytes(data)
    return node.import_bundle(path)


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("known", [True, False], ids=["held before", "never held"])
def test_no_record_of_a_file_brings_anything_of_the_blocked(town: Town, spam: Spammer, known: bool, way: str) -> None:
    ada = town["Ada"]
    town.carry("Ben", "Ada")
    if known:
        ada.follow(spam.made.account)
        take_in(ada, spam.bundle(*_range(spam.made), Carried(PICTURE), Carried(FACE), *_range(spam.phone)))
        assert WORD in shown(ada)
        assert len(ada.folder.names()) == 2
    ada.block(spam.made.account)
    ada.rebuild()  # also of the words in the index: what is rebuilt now and after is the same
    for name in ada.folder.names():
        ada.folder.remove_file(name)
    before, saw = all_rows(ada.connection), shown(ada)
    assert WORD not in saw.replace(repr(WORD), "")

    for way_or_all in (way, "pictures"):  # and nothing of what the first may have opened
        result = take_in(ada, spam.bundle(*WAYS[way_or_all](spam)))
        assert (result.fault, result.refused, result.feeds, result.entries, result.pictures) == (None, {}, 0, 0, 0)
    assert written(before, all_rows(ada.connection)) <= NOTED
    assert shown(ada) == saw
    assert ada.folder.names() == []
    assert ada.message(spam.made.feed, 2) is None
    assert ada.page(spam.made.account) == []


def test_what_a_friend_carries_of_the_blocked_is_left_out_and_the_rest_taken(town: Town, spam: Spammer) -> None:
    ada, ben = town["Ada"], town["Ben"]
    ada.follow(spam.made.account)
    ada.block(spam.made.account)
    ben.post("fine weather")
    town.carry("Ben", "Ada")
    assert "fine weather" in shown(ada)
    assert WORD not in shown(ada)
    assert {state.account for state in ada.feeds()} == {ada.account, ben.account}
    assert ada.folder.names() == []
    town.carry("Ada", "Ben")
    ada.unblock(spam.made.account)
    town.carry("Ben", "Ada")
    assert WORD in shown(ada), "it was in the file"
    assert len(ada.folder.names()) == 2

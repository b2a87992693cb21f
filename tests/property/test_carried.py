"""Deleted text is never shown again where bundles carry everything: five people, old sticks among new ones.

They write, answer and quote each other, delete, follow and no longer follow, make room, and read each other's files in
any order, also such as were written before a delete. In the end each reads a new file of everybody, and then all the
old ones once more. `P2PMICRO_SOAK=70 pytest tests/property/test_carried.py` plays some 2,000 schedules.
Source: X20 of the threats; protocol/bundle.md, "bundle-deletes".
"""

from pathlib import Path
from random import Random

from p2pmicro.ids import Ref
from p2pmicro.node.local import LocalNode
from p2pmicro.store.db import transaction
from p2pmicro.store.effects import deleter_of
from p2pmicro.store.feeds import Role, accounts_with_roles, feed_state, feeds_of
from p2pmicro.store.forget import make_room
from p2pmicro.store.peers import set_hops
from p2pmicro.store.verify import verify
from p2pmicro.views.message import find
from p2pmicro.views.rebuild import rebuild
from tests.property.pipe import memory_folder
from tests.unit.node.town import Town

SCHEDULES = 30
NAMES = ("ada", "bob", "cyd", "dan", "eve")


class Story:
    """What was said, and what each must not show any more."""

    def __init__(self, folder: Path, town: Town, rng: Random) -> None:
        self.folder, self.town, self.rng = folder, town, rng
        self.said: list[tuple[str, Ref, str]] = []  # by whom, and a text that stands nowhere else
        self.deleted: set[Ref] = set()
        self.sticks: list[Path] = []

    def act(self) -> None:
        rng, name = self.rng, self.rng.choice(NAMES)
        node, other = self.town[name], self.town[rng.choice(NAMES)]
        match rng.randrange(14):
            case 0 | 1 | 2:
                for _ in range(rng.choice((1, 1, 2, 40))):
                    self.say(name, node.post)
            case 3 | 4 if shown := [ref for _, ref, _ in self.said if find(node.connection, [ref])]:
                target, write = rng.choice(shown[-20:]), rng.choice((node.reply, node.quote))
                self.say(name, lambda text: write(target, text))
            case 5 | 6 if mine := [ref for by, ref, _ in self.said if by == name and ref not in self.deleted]:
                self.delete(node, rng.choice(mine[-10:]))
            case 7 if node is not other:
                node.follow(other.account)
            case 8 if held := [
                one for one in accounts_with_roles(node.connection, Role.FOLLOWED) if feeds_of(node.connection, one)
            ]:
                node.unfollow(rng.choice(held))
            case 9 | 10:
                for taker in rng.sample(NAMES, 3):
                    self.read_stick(self.town[taker], self.write_stick(name))
            case 11 | 12 if self.sticks:
                self.read_stick(node, rng.choice(self.sticks))
            case 13 if rng.random() < 0.3:
                with transaction(node.connection):
                    make_room(node.connection, node.views, 0)
            case _:
                pass

    def say(self, name: str, write: object) -> None:
        text = f"marker {len(self.said)}."
        assert callable(write)
        self.said.append((name, write(text), text))

    def delete(self, node: LocalNode, ref: Ref) -> None:
        node.delete(ref)
        self.deleted.add(ref)

    def write_stick(self, name: str) -> Path:
        path = self.folder / f"stick {len(self.sticks)}.p2pb"
        node = self.town[name]
        node.export(node.plan_export(path, everybody=True))
        self.sticks.append(path)
        return path

    def read_stick(self, node: LocalNode, path: Path) -> None:
        found = node.import_bundle(path)
        assert (found.fault, found.refused) == (None, {})
        self.check(node, {ref for ref in self.deleted if knows(node, ref)})

    def check(self, node: LocalNode, gone: set[Ref]) -> None:
        """Of what is gone nothing is shown or kept."""
        held = b"".join(payload for (payload,) in node.connection.execute("SELECT payload FROM held"))
        for _, ref, text in self.said:
            if ref in gone:
                assert not find(node.connection, [ref])
                assert text.encode() not in held

    def end(self) -> None:
        """All hear of all, and then of all that was before."""
        new = [self.write_stick(name) for name in NAMES]
        for path in [*self.rng.sample(new, len(new)), *self.rng.sample(self.sticks, len(self.sticks))]:
            for name in NAMES:
                self.read_stick(self.town[name], path)
        for name in NAMES:
            node = self.town[name]
            self.check(node, self.deleted)
            assert verify(node.connection, lambda done, total: None) == []
            before = shown(node)
            with transaction(node.connection):
                rebuild(node.connection, node.views, lambda done, total: None)
            assert shown(node) == before


def knows(node: LocalNode, ref: Ref) -> bool:
    """Whether a node has heard that an entry is deleted."""
    state = feed_state(node.connection, ref.feed)
    return state is not None and deleter_of(node.connection, state, ref) is not None


def shown(node: LocalNode) -> list[list[object]]:
    """Tables of views."""
    return [
        node.connection.execute(f"SELECT * FROM {name} ORDER BY 1, 2, 3").fetchall()
        for name in ("home", "replies", "refs", "reactions")
    ]


def one_schedule(seed: str) -> None:
    """Random acts; in the end all is read by all."""
    rng = Random(seed)
    with memory_folder() as folder, Town(folder, *NAMES) as town:
        for name in NAMES:  # nobody wants more than those whom they follow
            with transaction(town[name].connection):
                set_hops(town[name].connection, 1)
            for other in rng.sample(NAMES, 2):
                if other != name:
                    town[name].follow(town[other].account)
        story = Story(folder, town, rng)
        for _ in range(rng.randrange(20, 60)):
            story.act()
        story.end()


def test_deleted_text_never_comes_back_by_a_stick(soak: int) -> None:
    for number in range(SCHEDULES * soak):
        try:
            one_schedule(str(number))
        except AssertionError as error:
            raise AssertionError(f"one_schedule('{number}')") from error

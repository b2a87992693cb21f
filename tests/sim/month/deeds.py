"""What people do on a day, drawn: each does it at their own node, with what that node shows them."""

from collections.abc import Awaitable, Callable

from p2pmicro.feed import content
from p2pmicro.ids import AccountId, Ref
from p2pmicro.node.local import LocalNode
from tests.sim.month.truth import Said, Truth
from tests.sim.world import SimNode, World
from tests.texts import message

Deed = Callable[["Month", SimNode], Awaitable[str | None]]
"""Does something; says what, or None where there was nothing to do."""


class Month:
    """A world and what has happened in it."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.draw = world.draw
        self.truth = Truth()
        self.accounts: dict[int, AccountId] = {}  # of those who have begun

    def running(self) -> list[SimNode]:
        """Those whose node runs."""
        return [each for each in self.world.nodes if each.local is not None]

    async def shown_to(self, each: SimNode) -> list[Said]:
        """The messages that somebody's timeline shows, newest first."""
        by_ref = {said.ref: said for said in self.truth.said}
        found = await each.act(lambda local: local.timeline(30))
        return [by_ref[one.ref] for one in found if one.ref in by_ref]


# --- Writing ---


async def post(month: Month, each: SimNode) -> str:
    await _say(month, each, lambda local, text: local.post(text))
    return "posts"


async def post_many(month: Month, each: SimNode) -> str:
    """Over a page end."""
    count = month.draw.randint(30, 80)
    for _ in range(count):
        await _say(month, each, lambda local, text: local.post(text))
    return f"posts {count}"


async def reply(month: Month, each: SimNode) -> str | None:
    shown = await month.shown_to(each)
    if not shown:
        return None
    parent = month.draw.choice(shown)
    root = parent
    while root.parent is not None:
        root = root.parent
    fields = content.reply(root.ref, parent.ref)
    await _say(month, each, lambda local, text: _append(local, "post", content.post(text, reply=fields)), parent)
    return f"answers {parent.marker}"


async def _say(month: Month, each: SimNode, write: Callable[[LocalNode, str], Ref], parent: Said | None = None) -> Said:
    marker = month.truth.next_marker()
    text = f"{message(month.draw.randrange(1 << 20))[:100]} {marker}"
    each.posts += 1
    ref = await each.act(lambda local: write(local, text))
    return month.truth.add(each.number, ref, text, marker, parent)


def _append(local: LocalNode, kind: str, fields: content.Content) -> Ref:
    return local.append(lambda _: [(kind, fields)])[0]


async def like(month: Month, each: SimNode) -> str | None:
    return await _react(month, each, "like", True)


async def unlike(month: Month, each: SimNode) -> str | None:
    return await _react(month, each, "like", False)


async def repost(month: Month, each: SimNode) -> str | None:
    return await _react(month, each, "repost", month.draw.random() < 0.8)


async def _react(month: Month, each: SimNode, kind: str, on: bool) -> str | None:
    shown = await month.shown_to(each)
    if not shown:
        return None
    said = month.draw.choice(shown)
    fields = content.reaction(said.ref, month.truth.next_rev(each.number, kind, said.ref), on)
    await each.act(lambda local: _append(local, kind, fields))
    return f"{kind} {on} {said.marker}"


async def delete(month: Month, each: SimNode) -> str | None:
    mine = [said for said in month.truth.said if said.author == each.number and not said.deleted]
    if not mine:
        return None
    said = month.draw.choice(mine)
    said.deleted = True
    await each.act(lambda local: _append(local, "delete", content.delete(said.ref)))
    return f"deletes {said.marker}"


# --- People ---


async def profile(month: Month, each: SimNode) -> str:
    name = f"Person {each.number} the {month.draw.choice(('Tall', 'Quiet', 'Late'))}"
    await each.act(lambda local: local.profile(name=name, bio=message(month.draw.randrange(1000))))
    return f"is {name}"


async def follow(month: Month, each: SimNode) -> str | None:
    others = [number for number in sorted(month.accounts) if number != each.number]
    if not others:
        return None
    other = month.draw.choice(others)
    await each.act(lambda local: local.follow(month.accounts[other]))
    return f"follows {other}"


async def unfollow(month: Month, each: SimNode) -> str | None:
    followed = await each.act(lambda local: local.following())
    if len(followed) < 3:  # nobody is left alone
        return None
    account = month.draw.choice(followed).account
    await each.act(lambda local: local.unfollow(account))
    return "unfollows one"


# --- Machines and wires ---


async def stop(month: Month, each: SimNode) -> str:
    await each.stop()
    return "stops"


async def carry(month: Month, each: SimNode) -> str | None:
    """Take what one's node holds to somebody on a stick, as it was some days ago or as it is now."""
    sticks = sorted(month.world.folder.glob("*.p2pb"))
    if not sticks or month.draw.random() < 0.5:
        sticks = [month.world.folder / f"stick{len(sticks)}.p2pb"]
        await each.act(lambda local: local.export(local.plan_export(sticks[0], everybody=True)))
    stick, other = month.draw.choice(sticks), month.draw.choice(month.world.nodes)
    if not other.home.seed.exists():
        return None
    runs = other.local is not None
    if runs:
        await other.stop()
    with other.by_its_clock(lambda: LocalNode.open(other.home)) as local:
        found = other.by_its_clock(lambda: local.import_bundle(stick))
    if found.fault or found.refused:
        month.world.faults.append(f"a bundle can't be read: {found}")
    if runs:
        await other.start()
    return f"brings {stick.name} to {other.number}: {found.entries} entries are new"


async def reset(month: Month, each: SimNode) -> str:
    for pair, link in month.world.wires.links.items():
        if each.number in pair:
            link.reset()
    return "loses all connections"


async def part(month: Month, each: SimNode) -> str:
    """Some are with each other, and the rest with the rest."""
    side = {one.number for one in month.world.nodes if month.draw.random() < 0.5}
    for pair, link in month.world.wires.links.items():
        link.set_hanging(len(pair & side) == 1)
    return f"parts {sorted(side)} from the rest"


async def join(month: Month, each: SimNode) -> str:
    for link in month.world.wires.links.values():
        link.set_hanging(False)
    return "mends all links"


DEEDS: dict[Deed, int] = {
    post: 24,
    post_many: 1,
    reply: 16,
    like: 12,
    unlike: 3,
    repost: 6,
    delete: 5,
    profile: 2,
    follow: 4,
    unfollow: 2,
    stop: 4,
    carry: 3,
    reset: 2,
    part: 2,
    join: 4,
}
"""Each with how often it comes, to the others."""

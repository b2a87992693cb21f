"""What people do on a day, drawn: each does it at their own node, with what that node shows them."""

from collections.abc import Awaitable, Callable
from functools import partial

from p2pmicro.errors import LocalError
from p2pmicro.ids import AccountId, Ref, format_account
from p2pmicro.node.local import LocalNode
from p2pmicro.node.newpicture import NewPicture
from p2pmicro.views.filter import ACCOUNT, Mute
from tests.pictures import png
from tests.sim.month.truth import Said, Truth
from tests.sim.world import SimNode, World
from tests.texts import message

DRAFTED = "zqdraftqz"
"""A word that stands in drafts alone."""
Deed = Callable[["Month", SimNode], Awaitable[str | None]]
"""Does something; says what, or None where there was nothing to do."""


class Month:
    """A world and what has happened in it."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.draw = world.draw
        self.truth = Truth()
        self.circles: dict[int, set[int]] = {}  # who is in the circle of whom
        self.accounts: dict[int, AccountId] = {}  # of those who have begun

    def running(self) -> list[SimNode]:
        """Those whose node runs."""
        return [each for each in self.world.nodes if each.local is not None]

    async def one_shown_to(self, each: SimNode) -> Said | None:
        """A message that somebody's timeline shows; None if it is empty."""
        by_ref = {said.ref: said for said in self.truth.said}
        found = await each.act(lambda local: local.timeline(30))
        return by_ref[self.draw.choice(found).ref] if found else None

    def circle_owners(self) -> list[SimNode]:
        """Those who have a circle, and whose node runs."""
        return [each for each in self.running() if each.number in self.circles]

    def other_than(self, each: SimNode) -> int | None:
        """Somebody else who has begun; None if there is nobody."""
        others = [number for number in sorted(self.accounts) if number != each.number]
        return self.draw.choice(others) if others else None

    def one_of(self, each: SimNode) -> Said | None:
        """A public message of somebody's own that is not deleted; None if there is none."""
        mine = [said for said in self.truth.public if said.author == each.number]
        return self.draw.choice(mine) if mine else None


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


async def post_picture(month: Month, each: SimNode) -> str:
    picture = NewPicture(png(seed=month.draw.randrange(1000)), "a square")
    await _say(month, each, lambda local, text: local.post(text, [picture]))
    return "posts a picture"


async def reply(month: Month, each: SimNode) -> str | None:
    parent = await month.one_shown_to(each)
    if parent is None:
        return None
    try:
        said = await _say(month, each, lambda local, text: local.reply(parent.ref, text))
    except LocalError:  # a sealed one, and what began its thread is not here any more
        return None
    said.parent, said.readers = parent, parent.root.readers
    return f"answers {parent.marker}"


async def quote(month: Month, each: SimNode) -> str | None:
    quoted = await month.one_shown_to(each)
    if quoted is None or quoted.readers is not None:
        return None
    said = await _say(month, each, lambda local, text: local.quote(quoted.ref, text))
    said.quote = quoted
    return f"quotes {quoted.marker}"


# --- To some alone ---


async def circle(month: Month, each: SimNode) -> str | None:
    """Somebody makes a circle, or lets others come into it or go."""
    owner = month.draw.choice(month.circle_owners() or [each]) if month.draw.random() < 0.8 else each
    members = month.circles.setdefault(owner.number, set())
    for _ in range(month.draw.randint(1, 3)):
        other = month.other_than(owner)
        if other is None:
            return None
        account = month.accounts[other]
        try:
            if not await owner.act(lambda local: local.circles()):
                await owner.act(partial(LocalNode.create_circle, name="Friends", members=[account]))
            elif other in members:
                await owner.act(partial(LocalNode.remove_from_circle, name="Friends", members=[account]))
            else:
                await owner.act(partial(LocalNode.add_to_circle, name="Friends", members=[account]))
        except LocalError:  # nothing of them is here yet
            continue
        members ^= {other}
    return f"lets {owner.number} have {sorted(members)} in a circle"


async def post_to_circle(month: Month, each: SimNode) -> str | None:
    owners = [owner for owner in month.circle_owners() if month.circles[owner.number]]
    if not owners:
        return None
    owner = month.draw.choice(owners)
    try:
        said = await _say(month, owner, lambda local, text: local.post(text, to=["Friends"]))
    except LocalError:  # nothing of a member is here any more
        return None
    said.readers = frozenset((owner.number, *month.circles[owner.number]))
    return f"lets {owner.number} tell {sorted(said.readers)} {said.marker}"


async def whisper(month: Month, each: SimNode) -> str | None:
    """A message to one or two people, perhaps with a picture."""
    others = {other for _ in range(month.draw.randint(1, 2)) if (other := month.other_than(each)) is not None}
    names = [format_account(month.accounts[other]) for other in sorted(others)]
    pictures = [NewPicture(png(seed=7), "a square")] if month.draw.random() < 0.2 else []
    if not names:
        return None
    try:
        said = await _say(month, each, lambda local, text: local.post(text, pictures, to=names))
    except LocalError:  # nothing of them is here yet
        return None
    said.readers = frozenset((each.number, *others))
    return f"whispers {said.marker} to {sorted(others)}"


async def answer_sealed(month: Month, each: SimNode) -> str | None:
    """Answer or like the newest message of a conversation."""
    by_ref = {said.ref: said for said in month.truth.said}
    conversations = await each.act(lambda local: local.inbox())
    if not conversations:
        return None
    chosen = month.draw.choice(conversations)
    found = await each.act(lambda local: local.conversation(chosen.id, 5))
    parent = by_ref[month.draw.choice(found).ref] if found else None
    if parent is None:
        return None
    if month.draw.random() < 0.3:
        return await like_it(each, parent)
    try:
        said = await _say(month, each, lambda local, text: local.reply(parent.ref, text))
    except LocalError:  # what began the thread is not here any more
        return None
    said.parent, said.readers = parent, parent.root.readers
    return f"answers {parent.marker} for its readers"


async def correct(month: Month, each: SimNode) -> str | None:
    old = month.one_of(each)
    if old is None:
        return None
    said = await _say(month, each, lambda local, text: local.post(text, replace=old.ref))
    said.parent, said.quote, said.replaces, old.deleted = old.parent, old.quote, old, True
    return f"says {said.marker} for {old.marker}"


async def _say(month: Month, each: SimNode, write: Callable[[LocalNode, str], Ref]) -> Said:
    marker = month.truth.next_marker()
    text = f"{message(month.draw.randrange(1 << 20))[:100]} {marker}"
    ref = await each.act(lambda local: write(local, text))
    each.posts += 1
    return month.truth.add(each.number, ref, text, marker)


async def delete(month: Month, each: SimNode) -> str | None:
    mine = [said for said in month.truth.said if said.author == each.number and not said.deleted]
    if not mine:
        return None
    said = month.draw.choice(mine)
    said.deleted = True
    await each.act(lambda local: local.delete(said.ref))
    return f"deletes {said.marker}"


async def draft(month: Month, each: SimNode) -> str:
    """Begin to write, and post or drop what was begun before."""
    waiting = await each.act(lambda local: local.drafts())
    if len(waiting) < 2:
        await each.act(lambda local: local.save_draft(f"not yet: {DRAFTED}"))
        return "begins a draft"
    await each.act(lambda local: local.delete_draft(waiting[0].number))
    return "drops a draft"


# --- Reacting ---


async def like(month: Month, each: SimNode) -> str | None:
    said = await month.one_shown_to(each)
    if said is None:
        return None
    return await like_it(each, said)


async def like_it(each: SimNode, said: Said) -> str | None:
    try:
        await each.act(lambda local: local.like(said.ref))
    except LocalError:  # a sealed one, and what began its thread is not here any more
        return None
    said.likes.add(each.number)
    return f"likes {said.marker}"


async def unlike(month: Month, each: SimNode) -> str | None:
    said = await month.one_shown_to(each)
    if said is None:
        return None
    try:
        await each.act(lambda local: local.unlike(said.ref))
    except LocalError:
        return None
    said.likes.discard(each.number)
    return f"likes {said.marker} no longer"


async def repost(month: Month, each: SimNode) -> str | None:
    said = await month.one_shown_to(each)
    if said is None or said.readers is not None:
        return None
    await each.act(lambda local: local.repost(said.ref))
    said.reposts.add(each.number)
    return f"passes {said.marker} on"


async def unrepost(month: Month, each: SimNode) -> str | None:
    said = await month.one_shown_to(each)
    if said is None or said.readers is not None:
        return None
    await each.act(lambda local: local.unrepost(said.ref))
    said.reposts.discard(each.number)
    return f"passes {said.marker} on no longer"


# --- People ---


async def profile(month: Month, each: SimNode) -> str:
    name = f"Person {each.number} the {month.draw.choice(('Tall', 'Quiet', 'Late'))}"
    await each.act(lambda local: local.profile(name=name, bio=message(month.draw.randrange(1000))))
    return f"is {name}"


async def follow(month: Month, each: SimNode) -> str | None:
    other = month.other_than(each)
    if other is None:
        return None
    blocked = await each.act(lambda local: local.blocked())
    if month.accounts[other] in blocked:
        return None
    await each.act(lambda local: local.follow(month.accounts[other]))
    return f"follows {other}"


async def unfollow(month: Month, each: SimNode) -> str | None:
    followed = await each.act(lambda local: local.following())
    if len(followed) < 3:  # nobody is left alone
        return None
    account = month.draw.choice(followed).account
    await each.act(lambda local: local.unfollow(account))
    return "unfollows one"


async def mute(month: Month, each: SimNode) -> str | None:
    """Mute somebody, or nobody any more."""
    muted = await each.act(lambda local: local.mutes())
    if muted:
        await each.act(lambda local: local.unmute(muted[0]))
        return "mutes nobody"
    other = month.other_than(each)
    if other is None:
        return None
    await each.act(lambda local: local.mute(Mute(ACCOUNT, month.accounts[other], None)))
    return f"mutes {other}"


async def block(month: Month, each: SimNode) -> str | None:
    """Block somebody, or nobody any more."""
    blocked = await each.act(lambda local: local.blocked())
    if blocked:
        await each.act(lambda local: local.unblock(blocked[0]))
        return "blocks nobody"
    other = month.other_than(each)
    if other is None:
        return None
    await each.act(lambda local: local.block(month.accounts[other]))
    return f"blocks {other}"


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
    post_picture: 2,
    reply: 16,
    quote: 4,
    correct: 3,
    delete: 5,
    draft: 2,
    circle: 10,
    post_to_circle: 12,
    whisper: 5,
    answer_sealed: 12,
    like: 12,
    unlike: 3,
    repost: 6,
    unrepost: 2,
    profile: 2,
    follow: 4,
    unfollow: 2,
    mute: 1,
    block: 2,
    stop: 4,
    carry: 3,
    reset: 2,
    part: 2,
    join: 4,
}
"""Each with how often it comes, to the others."""

"""What nodes show: the same where they hold the same, and what is true where they hold all."""

from collections.abc import Iterator

from p2pmicro.ids import FeedId, Ref
from p2pmicro.limits import EXCERPT_STEPS_MAX
from p2pmicro.node.local import LocalNode
from p2pmicro.store.alone import alone_between
from p2pmicro.store.feeds import FeedState, feed_states
from p2pmicro.views.tree import State
from tests.sim.month.deeds import Month
from tests.sim.month.truth import Said

Held = frozenset[tuple[FeedId, int, int]]
"""The entries that a node holds: of each feed the first and last seq of its newest run; alone, as a run of one."""
Shown = dict[str, object]
"""What a node shows, by what it is of; nothing that depends on when it came."""


def alike(month: Month) -> Iterator[str]:
    """Nodes that hold the same show the same, unless their people want to see something else."""
    shown: dict[Held, tuple[int, Shown]] = {}
    for each in month.world.nodes:
        assert each.local is not None
        if each.local.mutes() or each.local.blocked():
            continue
        seen = _shown(each.local)
        first, other = shown.setdefault(_held(each.local), (each.number, seen))
        yield from (f"{first} and {each.number} hold the same, and {what}" for what in _differences(other, seen))
    month.world.note(f"{len(shown)} different holdings on {len(month.world.nodes)} nodes")


def complete(month: Month) -> Iterator[str]:
    """Nodes that hold all show what is true."""
    for each in month.world.nodes:
        assert each.local is not None
        for said in month.truth.public:
            yield from (f"{each.number}: {said.marker} {what}" for what in _untrue(month, each.local, said))
        for said in month.truth.deleted:
            if each.local.message(said.ref.feed, said.ref.seq) is not None:
                yield f"{each.number}: {said.marker} is shown, and was deleted"


def _untrue(month: Month, local: LocalNode, said: Said) -> Iterator[str]:
    message = local.message(said.ref.feed, said.ref.seq)
    if message is None:
        yield "is not shown"
        return
    if (message.ref, message.text) != (said.ref, said.text):
        yield f"says {message.text!r}"
    if message.parent != (said.parent.ref if said.parent is not None else None):
        yield f"answers {message.parent}"
    if message.quote != (said.quote.ref if said.quote is not None else None):
        yield f"quotes {message.quote}"
    reacted = local.reacted(said.ref)
    likes, reposts = ({who.account for who in some} for some in (reacted.likes, reacted.reposts))
    if likes != {month.accounts[number] for number in said.likes}:
        yield f"has {len(likes)} likes, not {len(said.likes)}"
    if reposts != {month.accounts[number] for number in said.reposts}:
        yield f"has {len(reposts)} reposts, not {len(said.reposts)}"
    missing = local.thread(said.ref).count(State.MISSING)
    if missing:
        yield f"has {missing} messages missing in its thread"


def _held(local: LocalNode) -> Held:
    found = set()
    for state in feed_states(local.connection):
        for run in state.runs:
            found.add((state.feed, run.before.seq, run.end.seq))
        for one in alone_between(local.connection, state.key(1), state.key(0xFFFFFFFF)):
            seq = one.key & 0xFFFFFFFF
            found.add((state.feed, seq - 1, seq))
    return frozenset(found)


def _shown(local: LocalNode) -> Shown:
    found: Shown = {}
    for state in local.feeds():
        if not _seqs(local, state):  # whose feed it is may be known before anything of it is held
            continue
        found[f"profile of {state.account.hex()}"] = local.profile_of(state.account)
        found[f"followers of {state.account.hex()}"] = sorted(one.account for one in local.followers(state.account))
        found[f"followed by {state.account.hex()}"] = sorted(one.account for one in local.following(state.account))
        for seq in _seqs(local, state):
            message = local.message(state.feed, seq)
            if message is not None and not message.sealed:
                found[f"message {state.feed.hex()}/{seq}"] = _told(local, message.ref)
    return found


def _told(local: LocalNode, ref: Ref) -> object:
    message = local.find_message(ref)
    reacted = local.reacted(ref)
    return (
        (message.ref, message.account, message.text, message.parent, message.root, message.quote, message.pictures),
        message.alone,
        sorted(who.account for who in reacted.likes),
        sorted(who.account for who in reacted.reposts),
        sorted((slot.ref, slot.depth, slot.state.value) for slot in local.thread(ref).slots),
    )


def _seqs(local: LocalNode, state: FeedState) -> list[int]:
    runs = [seq for run in state.runs for seq in range(run.before.seq + 1, run.end.seq + 1)]
    return [
        *runs,
        *(one.key & 0xFFFFFFFF for one in alone_between(local.connection, state.key(1), state.key(2**32 - 1))),
    ]


def _differences(one: Shown, other: Shown) -> Iterator[str]:
    for name in sorted(one.keys() | other.keys()):
        if one.get(name) != other.get(name):
            yield f"{name} is {one.get(name)} and {other.get(name)}"


def readable(month: Month) -> Iterator[str]:
    """Who was to read a sealed message reads it where it is held, once what began its thread was read there."""
    for each in month.world.nodes:
        assert each.local is not None
        each.local.unseal()
        for said in month.truth.said:
            if said.readers is None or said.deleted or said.root.deleted:
                continue
            message = each.local.message(said.ref.feed, said.ref.seq)
            if each.number not in said.readers:
                if message is not None:
                    yield f"{each.number}: {said.marker} is shown, and is for {sorted(said.readers)}"
                continue
            held = _is_held(each.local, said.ref) and _is_held(each.local, said.root.ref)
            if held and (message is None or (message.text, message.sealed) != (said.text, True)):
                yield f"{each.number}: {said.marker} is not shown to its reader"


def _is_held(local: LocalNode, ref: Ref) -> bool:
    row = local.connection.execute(
        "SELECT 1 FROM held JOIN feeds ON number = key >> 32 WHERE feed = ? AND key & 4294967295 = ?",
        (ref.feed, ref.seq),
    ).fetchone()
    return row is not None


def holes(month: Month) -> Iterator[str]:
    """Every answer that is shown has what it answers, if anybody who is connected has it.

    But for one so far from what refers to it that what it answers is not asked for: see `EXCERPT_STEPS_MAX`.
    """
    for each in month.world.nodes:
        assert each.local is not None
        peers = [
            other for other in month.world.wires.neighbours(each.number) if not month.world.blocks(each.number, other)
        ]
        others = [local for number in peers if (local := month.world.nodes[number].local) is not None]
        for said in month.truth.public:
            if said.parent is None or said.parent.deleted or each.local.message(said.ref.feed, said.ref.seq) is None:
                continue
            ref, author = said.parent.ref, month.accounts[said.parent.author]
            if each.local.message(ref.feed, ref.seq) is not None or author in each.local.blocked():
                continue
            if _is_last(each.local, said.ref):
                continue
            if any(other.message(ref.feed, ref.seq) is not None for other in others):
                yield f"{each.number}: {said.marker} answers {said.parent.marker}, which a peer has and it lacks"


def _is_last(local: LocalNode, ref: Ref) -> bool:
    rows = local.connection.execute("SELECT steps FROM excerpts WHERE id = ?", (ref.id,)).fetchall()
    return (EXCERPT_STEPS_MAX,) in rows

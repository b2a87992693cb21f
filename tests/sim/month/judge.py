"""What must hold at the end of a month, whatever happened in it."""

from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

from p2pmicro.ids import FeedId
from p2pmicro.node.local import LocalNode
from p2pmicro.store.db import transaction
from p2pmicro.store.feeds import Role, accounts_with_roles, feed_states
from p2pmicro.store.verify import verify
from p2pmicro.views.rebuild import rebuild
from tests.canaries import secrets_of, spellings
from tests.sim.month.deeds import Month
from tests.sim.month.tables import differing, tables
from tests.sim.month.truth import Said
from tests.sim.world import SimNode


async def judge(month: Month) -> list[str]:
    """Everything that is wrong, a sentence each."""
    faults: list[str] = []
    for each in month.world.nodes:
        found = [*_unsaid(month, each)]  # before anything is written by the checks
        for check in (_whole, _rebuilt):
            found += await each.act(partial(_list_of, check))
        faults += [f"{each.number}: {fault}" for fault in [*found, *_deeds_kept(each)]]
    faults += await _alike(month)
    return [*faults, *_told_too_much(month)]


def _list_of(check: Callable[[LocalNode], Iterator[str]], local: LocalNode) -> list[str]:
    return list(check(local))


def _whole(local: LocalNode) -> Iterator[str]:
    """All that is held is proven, and kept as it was."""
    yield from verify(local.connection, lambda done, total: None)


def _rebuilt(local: LocalNode) -> Iterator[str]:
    """Views that grew are those that are computed anew."""
    before = tables(local.connection)
    with transaction(local.connection):
        rebuild(local.connection, local.views, lambda done, total: None)
    for difference in differing(before, tables(local.connection)):
        yield f"rebuild gives something else: {difference}"


def _deeds_kept(each: SimNode) -> Iterator[str]:
    assert each.local is not None
    if (height := each.local.height()) < each.posts:
        yield f"has lost own entries: {height} of at least {each.posts}"


def _unsaid(month: Month, each: SimNode) -> Iterator[str]:
    """No file has a word of what was deleted, once a neighbour knows of it: others may have met nobody who does.

    What is left here of somebody whom this node wants no longer is not kept up: nobody tells it of their deletes.
    """
    assert each.local is not None
    roles = accounts_with_roles(each.local.connection)
    wanted = {account for account, role in roles.items() if role > Role.NONE}
    contents = {path: path.read_bytes() for path in _files(each)}
    for said in month.truth.deleted:
        found = [path.name for path, data in contents.items() if said.marker.encode() in data]
        if (
            found
            and month.accounts[said.author] in wanted
            and any(_knows_of_delete(month.world.nodes[other], said) for other in _with_neighbours(month, each))
        ):
            yield f"{', '.join(found)} still has {said.marker}, which {said.author} deleted"


def _with_neighbours(month: Month, each: SimNode) -> list[int]:
    return [each.number, *month.world.wires.neighbours(each.number)]


def _knows_of_delete(each: SimNode, said: Said) -> bool:
    assert each.local is not None
    row = each.local.connection.execute(
        "SELECT 1 FROM tombstones WHERE feed = ? AND seq = ?", (said.ref.feed, said.ref.seq)
    ).fetchone()
    return row is not None


def _files(each: SimNode) -> list[Path]:
    return [path for folder in (each.home.path, each.home.state) for path in folder.rglob("*") if path.is_file()]


def _told_too_much(month: Month) -> Iterator[str]:
    """No log has a word of any message, or a key; no export has a key, or of the deleted a word."""
    logged = "\n".join(month.world.logged).encode()
    for said in month.truth.said:
        if said.marker.encode() in logged:
            yield f"a log has the text of {said.marker}"
    exports = {}
    for each in month.world.nodes:
        assert each.local is not None
        for name in ("me.json", "me.p2pb"):
            path, private = month.world.folder / name, name == "me.json"
            plan = each.local.plan_export(path, everybody=True, private_too=private, drafts_too=private)
            each.local.export(plan)
            exports[f"{name} of {each.number}"] = path.read_bytes()
    for each in month.world.nodes:
        for spelling in [spelling for secret in secrets_of(each.home) for spelling in spellings(secret)]:
            for name, data in {"a log": logged, **exports}.items():
                if spelling in data:
                    yield f"{name} has a key of {each.number}"


async def _alike(month: Month) -> list[str]:
    """Nodes that hold the same show the same."""
    shown: dict[Held, tuple[int, Shown]] = {}
    faults = []
    for each in month.world.nodes:
        held = await each.act(_held)
        seen = await each.act(_shown)
        first, other = shown.setdefault(held, (each.number, seen))
        faults += [f"{first} and {each.number} hold the same, and {what}" for what in _differences(other, seen)]
    month.world.note(f"{len(shown)} different holdings on {len(month.world.nodes)} nodes")
    return faults


Held = frozenset[tuple[FeedId, int, int]]
"""The entries that a node holds: of each feed the first and last seq of its newest run."""
Shown = dict[str, object]
"""What a node shows, by what it is of; nothing that depends on when it came."""


def _held(local: LocalNode) -> Held:
    return frozenset(
        (state.feed, state.newest.before.seq, state.newest.end.seq)
        for state in feed_states(local.connection)
        if state.newest is not None
    )


def _shown(local: LocalNode) -> Shown:
    found: Shown = {}
    for state in local.feeds():
        found[f"profile of {state.account.hex()}"] = local.profile_of(state.account)
        for seq in range(1, state.newest.end.seq + 1 if state.newest is not None else 1):
            message = local.message(state.feed, seq)
            if message is not None:
                found[f"message {state.feed.hex()}/{seq}"] = (message.ref, message.account, message.kind, message.text)
    return found


def _differences(one: Shown, other: Shown) -> Iterator[str]:
    for name in sorted(one.keys() | other.keys()):
        if one.get(name) != other.get(name):
            yield f"{name} is {one.get(name)} and {other.get(name)}"

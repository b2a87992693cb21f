"""What must hold at the end of a month, whatever happened in it."""

from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

from p2pmicro.node.local import LocalNode
from p2pmicro.store.db import transaction
from p2pmicro.store.verify import verify
from p2pmicro.views.rebuild import rebuild
from tests.canaries import secrets_of, spellings
from tests.sim.month.deeds import DRAFTED, Month
from tests.sim.month.shown import alike, holes, readable
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
    return [
        *faults,
        *_blocked_gone(month),
        *alike(month),
        *holes(month),
        *_read_by_others(month),
        *readable(month),
        *_told_too_much(month),
    ]


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
    """No file has a word of what was deleted, once a neighbour knows of it: others may have met nobody who does."""
    contents = {path: path.read_bytes() for path in _files(each)}
    for said in month.truth.deleted:
        found = [path.name for path, data in contents.items() if said.marker.encode() in data]
        if found and any(_knows_of_delete(month.world.nodes[other], said) for other in _with_neighbours(month, each)):
            yield f"{', '.join(found)} still has {said.marker}, which {said.author} deleted"


def _with_neighbours(month: Month, each: SimNode) -> list[int]:
    neighbours = month.world.wires.neighbours(each.number)
    return [each.number, *(other for other in neighbours if not month.world.blocks(each.number, other))]


def _knows_of_delete(each: SimNode, said: Said) -> bool:
    assert each.local is not None
    row = each.local.connection.execute(
        "SELECT 1 FROM tombstones WHERE feed = ? AND seq = ?", (said.ref.feed, said.ref.seq)
    ).fetchone()
    return row is not None


def _blocked_gone(month: Month) -> Iterator[str]:
    """Of whom somebody has blocked, nothing is left in their home."""
    for each in month.world.nodes:
        assert each.local is not None
        blocked = set(each.local.blocked())
        for said in month.truth.said if blocked else ():
            if month.accounts[said.author] in blocked:
                for path in _files(each):
                    if said.marker.encode() in path.read_bytes():
                        yield f"{each.number}: {path.name} has {said.marker} of {said.author}, who is blocked"


def _read_by_others(month: Month) -> Iterator[str]:
    """Of what was sealed, no file of anybody who was not to read it when it was written has a word."""
    for each in month.world.nodes:
        contents = {path.name: path.read_bytes() for path in _files(each)}
        for said in month.truth.said:
            if said.readers is not None and each.number not in said.readers:
                for name, data in contents.items():
                    if said.marker.encode() in data:
                        yield f"{each.number}: {name} has {said.marker}, which is for {sorted(said.readers)}"


def _files(each: SimNode) -> list[Path]:
    return [path for folder in (each.home.path, each.home.state) for path in folder.rglob("*") if path.is_file()]


def _told_too_much(month: Month) -> Iterator[str]:
    """No log has a word of any message, or a key; no export has a key, and none but one's own a draft."""
    logged = "\n".join(month.world.logged).encode()
    if DRAFTED.encode() in logged:
        yield "a log has the text of a draft"
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
            if name == "me.p2pb" and DRAFTED.encode() in path.read_bytes():
                yield f"a bundle of {each.number} has a draft"
    for each in month.world.nodes:
        assert each.local is not None
        given = [secret for (secret,) in each.local.connection.execute("SELECT secret FROM secrets")]
        for spelling in [spelling for secret in (*secrets_of(each.home), *given) for spelling in spellings(secret)]:
            for name, data in {"a log": logged, **exports}.items():
                if spelling in data:
                    yield f"{name} has a key of {each.number}"

"""The store against a model that keeps a set of entries and looks at each of them every time."""

import tempfile
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from p2pmicro.feed.chain import Range, check_range
from p2pmicro.feed.content import delete, post, read, write
from p2pmicro.feed.fork import make_fork_proof
from p2pmicro.ids import EntryId, FeedId, Ref
from p2pmicro.limits import SEQ_MAX
from p2pmicro.store.cut import learn_fork
from p2pmicro.store.db import transaction
from p2pmicro.store.ingest import Outcome, ingest
from p2pmicro.store.serve import entry_ids, read_range
from p2pmicro.store.verify import verify
from tests.made import NOW_MS, MadeFeed
from tests.store.home import Home, checked

FORK_AT = 90


@cache
def _made() -> tuple[MadeFeed, ...]:
    """Two feeds of one account with deletes within and across, a stranger's that deletes in vain, and a branch."""
    laptop = MadeFeed(70, "laptop", "alice")
    phone = MadeFeed(19, "phone", "alice")
    other = MadeFeed(5, "other", "bob", start=500)
    _delete(laptop, laptop, 12)
    _fill(laptop, 80)
    for made, seq in ((phone, 5), (laptop, 10), (phone, 20), (phone, 1), (other, 3)):
        _delete(phone, made, seq)
    _fill(phone, 85)
    _delete(phone, phone, 70)
    _delete(phone, laptop, 71)  # void: a delete is not deleted
    _fill(phone, 95)
    branch = phone.branch(FORK_AT, 30)
    _delete(phone, phone, 64)
    _delete(phone, laptop, 65)
    _fill(phone, 140)
    _delete(other, phone, 6)  # void: another's
    _fill(other, 20)
    return laptop, phone, other, branch


def _delete(made: MadeFeed, target: MadeFeed, seq: int) -> None:
    made.append(write(NOW_MS, "delete", delete(Ref(target.feed, seq, target.links[seq].id))))


def _fill(made: MadeFeed, last: int) -> None:
    while made.last < last:
        made.append(write(NOW_MS + made.last, "post", post(f"{made.last} of {made.feed.hex()[:4]}")))


@dataclass
class _ModelFeed:
    made: MadeFeed
    ids: dict[int, EntryId] = field(default_factory=dict)  # what is held
    befores: dict[int, EntryId] = field(default_factory=dict)  # the id at seq, known from the entry after it
    payloads: dict[int, bytes] = field(default_factory=dict)  # of those in `ids` that are there
    limit: int = SEQ_MAX

    def runs(self) -> list[tuple[int, int]]:
        """(first, last) of each run, newest first."""
        found: list[tuple[int, int]] = []
        for seq in sorted(self.ids):
            if found and found[-1][1] == seq - 1:
                found[-1] = (found[-1][0], seq)
            else:
                found.append((seq, seq))
        return found[::-1]


class _Model:
    def __init__(self) -> None:
        laptop, phone, other, _ = _made()
        self.feeds = {made.feed: _ModelFeed(made) for made in (laptop, phone, other)}

    def take(self, given: Range, ids: list[EntryId]) -> tuple[Outcome, int]:
        feed = self.feeds[given.feed]
        first, last = given.before.seq + 1, given.last_seq
        new = dict(zip(range(first, last + 1), ids, strict=True))
        if first > feed.limit:
            return Outcome.UNWANTED, 0
        known = {**feed.befores, **feed.ids}
        theirs = {first - 1: given.before.id, **new}
        if any(known[seq] != theirs[seq] for seq in known.keys() & theirs.keys()):
            return Outcome.BRANCH, 0
        before = feed.runs()
        trial = _ModelFeed(feed.made, {**feed.ids, **new})
        after = trial.runs()
        apart = len(after) > len(before) > 0
        if apart and (len(after) > 2 or first < before[0][0]):
            return Outcome.DISCONNECTED, 0
        ends = {end for _, end in after}
        if last in ends and last not in given.heads and last not in {end for _, end in before}:
            return Outcome.DISCONNECTED, 0
        came = {seq: item for seq, item in enumerate(given.items, first) if isinstance(item, bytes)}
        deleted = self.deleted(given.feed, new)
        fills = [seq for seq in came if seq in feed.ids and seq not in feed.payloads and seq not in deleted]
        count = len(new.keys() - feed.ids.keys()) + len(fills)
        if count == 0:
            return Outcome.DUPLICATE, 0
        fresh = [seq for seq in came if seq not in feed.ids]
        feed.ids.update(new)
        if not any(low <= first - 1 <= high for low, high in before):
            feed.befores[first - 1] = given.before.id
        for seq in fills + fresh:
            feed.payloads[seq] = came[seq]
        self.settle()
        return Outcome.STORED, count

    def deleted(self, target: FeedId, ids: dict[int, EntryId]) -> set[int]:
        """Which of a feed's entries a shown delete of the same account names, and may erase."""
        account = self.feeds[target].made.account
        found = set()
        for feed in self.feeds.values():
            if feed.made.account != account:
                continue
            for seq, payload in feed.payloads.items():
                entry = read(payload)
                if entry.kind == "delete" and seq <= feed.limit:
                    named, at, entry_id = entry.content["ref"]
                    if named == target and at != 1 and ids.get(at) == entry_id and not self._is_delete(target, at):
                        found.add(at)
        return found

    def _is_delete(self, feed: FeedId, seq: int) -> bool:
        return any(
            made.feed == feed and seq <= made.last and read(made.payloads[seq - 1]).kind == "delete" for made in _made()
        )

    def settle(self) -> None:
        for feed in self.feeds.values():
            for seq in self.deleted(feed.made.feed, feed.ids):
                feed.payloads.pop(seq, None)

    def fork(self, feed_id: FeedId, seq: int) -> bool:
        feed = self.feeds[feed_id]
        if feed.limit < seq:
            return False
        feed.limit = seq - 1
        for first, last in feed.runs():
            if first > feed.limit:
                for gone in range(first, last + 1):
                    del feed.ids[gone]
                    feed.payloads.pop(gone, None)
                feed.befores.pop(first - 1, None)
        return True


Step = Callable[[Home, _Model], None]


@st.composite
def _ranges(draw: st.DrawFn) -> tuple[Range, EntryId | None]:
    made = draw(st.sampled_from(_made()))
    first = draw(st.integers(1, made.last))
    last = min(made.last, first + draw(st.sampled_from((0, 1, 5, 40, 70, 140))))
    if draw(st.booleans()):
        first, last = max(1, first - first % 64 + 1), min(made.last, last - last % 64 + 64)
    known = draw(st.booleans())
    holes = draw(st.sets(st.integers(first, last), max_size=3))
    return made.range(first, last, holes, known=known), made.links[last].id if known else None


def _take(batch: list[tuple[Range, EntryId | None]]) -> Step:
    def step(home: Home, model: _Model) -> None:
        ready = [checked(given, end) for given, end in batch]
        with transaction(home.connection):
            found = ingest(home.connection, home.views, home.changes, ready, NOW_MS)
        wanted = [model.take(given, list(check_range(given, end).ids)) for given, end in batch]
        assert [outcome for outcome, _ in found] == [outcome for outcome, _ in wanted]
        if len(batch) == 1:  # in a batch, deletes act at its end: what is filled meanwhile counts
            assert found == wanted

    return step


def _fork(home: Home, model: _Model) -> None:
    _, phone, _, branch = _made()
    proof = make_fork_proof(phone.feed, phone.links[FORK_AT - 1], phone.side(FORK_AT, 94), branch.side(FORK_AT, 93))
    with transaction(home.connection):
        learned = learn_fork(home.connection, home.views, home.changes, proof)
    assert learned == model.fork(phone.feed, FORK_AT)


STEPS = st.one_of(
    *[st.lists(_ranges(), min_size=1, max_size=4).map(_take)] * 12,
    st.just(_fork),
)


@given(st.lists(STEPS, min_size=3, max_size=12))
@settings(suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
def test_store_does_as_the_model(steps: list[Step]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        home = Home(Path(folder))
        try:
            for made in _made()[:3]:
                home.know(made)
            model = _Model()
            for step in steps:
                step(home, model)
                _compare(home, model)
            assert verify(home.connection, lambda done, of: None) == []
        finally:
            home.close()


def _compare(home: Home, model: _Model) -> None:
    for feed_id, feed in model.feeds.items():
        state = home.feed(feed_id)
        assert [(run.before.seq + 1, run.end.seq) for run in state.runs] == feed.runs()
        held = dict(
            home.connection.execute(
                "SELECT key - ?1, payload FROM entries WHERE key >> 32 = ?2", (state.key(0), state.number)
            ).fetchall()
        )
        assert held.keys() == feed.ids.keys()
        assert {seq: payload for seq, payload in held.items() if payload is not None} == feed.payloads
        shown = {seq: read(payload) for seq, payload in feed.payloads.items() if seq <= feed.limit}
        rows = home.seen.rows
        assert {key & SEQ_MAX: row.entry for key, row in rows.items() if key >> 32 == state.number} == shown
        seqs = sorted(feed.ids)
        assert entry_ids(home.connection, feed_id, seqs[::7]) == [feed.ids[seq] for seq in seqs[::7]]
        for first, last in feed.runs():
            served = read_range(home.connection, feed_id, first, last, None)
            assert served is not None
            check_range(served)
            assert [item if isinstance(item, bytes) else None for item in served.items] == [
                feed.payloads.get(seq) for seq in range(first, last + 1)
            ]

"""Whole nodes without threads and sockets: real stores and replicators, joined by pipes that a test moves as it likes.

A `World` offers every step that could come next: bytes move, a message is taken, a job runs or its result is told, a
batch is verified, inserted or applied. Whoever chooses among them plays the network, the scheduler and the clock.
"""

import shutil
import sqlite3
import tempfile
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from random import Random
from typing import Any, TypeAlias

from p2pmicro.errors import RemoteError
from p2pmicro.feed import content
from p2pmicro.feed.device import check_device_proof
from p2pmicro.ids import AccountId, FeedId, Ref
from p2pmicro.limits import UNASKED_QUEUED_MAX_BYTES, UNSENT_MAX_BYTES
from p2pmicro.node.blocked import NO_PLACE
from p2pmicro.node.inbound import Inbound, Result, verify
from p2pmicro.node.intake import Intake
from p2pmicro.node.replicate import Arrived, Replicator
from p2pmicro.node.roles import refresh_interest
from p2pmicro.node.switchboard import Own
from p2pmicro.node.talk import Job, Talk
from p2pmicro.store import private
from p2pmicro.store.append import append, create_feed
from p2pmicro.store.blocks import drop_step
from p2pmicro.store.changes import ChangeNumbers, epoch, new_epoch
from p2pmicro.store.db import open_database, transaction
from p2pmicro.store.feeds import FeedState, Role, accounts_with_roles, add_feed, feed_state, feed_states, set_role
from p2pmicro.store.ingest import Outcome, ingest
from p2pmicro.store.mark import MarkFile
from p2pmicro.store.media import MediaFolder
from p2pmicro.store.view import View
from p2pmicro.sync.message import Hello, Message
from p2pmicro.sync.session import Session
from p2pmicro.sync.state import State
from p2pmicro.views import WANTED
from p2pmicro.views.message import find
from p2pmicro.views.people import People
from p2pmicro.views.pictures import Pictures
from p2pmicro.views.reactions import Reactions
from p2pmicro.views.threads import Threads
from p2pmicro.views.timeline import Timeline
from tests.made import NOW_MS, MadeFeed, private_key
from tests.store.home import checked

Step: TypeAlias = Callable[[], None]


@contextmanager
def memory_folder() -> Iterator[Path]:
    """A folder in memory where the system has one: an fsync on a disk would take most of a schedule's time."""
    shared = Path("/dev/shm")
    path = Path(tempfile.mkdtemp(prefix="p2pmicro-", dir=shared if shared.is_dir() else None))
    try:
        yield path
    finally:
        shutil.rmtree(path)


class Party:
    """A node: its store, its keys, what its threads would be doing."""

    def __init__(self, folder: Path, name: str, rng: Random) -> None:
        self.name = name
        self.rng = rng
        self.made = MadeFeed(1, f"{name} feed", account=name)
        self.key = private_key(f"{name} feed")
        self.account, self.feed = self.made.account, self.made.feed
        self.people = People()
        self.views: list[View] = [Timeline(), self.people, Pictures(), Threads(), Reactions(), WANTED]
        folder.mkdir()
        self.folder = MediaFolder(folder / "media")
        mark = MarkFile(folder, self.feed)
        mark.create()
        self.changes = ChangeNumbers(mark)
        self.path = folder / "store.db"
        self.connection = open_database(self.path, durable=False)
        self.synced = b""  # what a power cut would leave
        self.rev = 0
        self.now = 1000.0
        self.now_ms = NOW_MS
        self.arrived: list[Arrived] = []
        self.own_ahead = 0
        self.written = (0, 0)
        with transaction(self.connection):
            set_role(self.connection, self.views, self.account, Role.OWN)
        device = check_device_proof(self.made.proof)
        create_feed(self.connection, self.views, self.changes, mark, self.key, device, NOW_MS)
        self.refresh()
        self._sync()
        self.start()

    def start(self) -> None:
        """Begin as a process does: nothing is remembered but what is in the store."""
        self.intake = Intake(
            self.account, self.feed, self.views, self.changes, self.rng.randbytes, lambda: self.now_ms, self.folder
        )
        with transaction(self.connection):
            self.changes.start(self.connection)
        own = Own(self.key, self.feed, self.account, self.made.proof, epoch(self.connection))
        self.replicator = Replicator(
            own, lambda: self.now, lambda: None, self.arrived.append, self._on_own_ahead, self.folder
        )
        self.replicator.start_own(self.end_of(self.feed))
        self.verified: deque[list[Inbound]] = deque()
        self.inserted: deque[Sequence[Result]] = deque()
        self.own_result: list[tuple[Job, Any]] | None = None
        self.own_due = False
        self.has_news = False  # the database has changed since the last second

    def _on_own_ahead(self) -> None:
        self.own_ahead += 1

    def close(self) -> None:
        self.connection.close()

    # --- What its person does ---

    def refresh(self) -> None:
        with transaction(self.connection):
            refresh_interest(self.connection, self.views, self.account, self.feed, self.rng.randbytes)

    def write(self, *payloads: bytes) -> list[Ref]:
        refs = append(self.connection, self.views, self.changes, self.changes.mark, self.key, payloads, self.now_ms)
        self.own_due = True
        self._sync()
        return refs

    def post(self, count: int = 1) -> list[Ref]:
        end = self.end_of(self.feed)
        texts = [f"{self.name} says {end + at + 1}" for at in range(count)]
        return self.write(*(content.write(self.now_ms, "post", content.post(text)) for text in texts))

    def delete(self, ref: Ref) -> None:
        self.write(content.write(self.now_ms, "delete", content.delete(ref)))

    def say(self, text: str, **fields: object) -> Ref:
        """A message with more than a text."""
        return self.write(content.write(self.now_ms, "post", content.post(text, **fields)))[0]

    def answer(self, parent: Ref, root: Ref | None = None) -> Ref:
        return self.say(f"{self.name} answers", reply=content.reply(root or parent, parent))

    def do_housework(self) -> None:
        """All that could wait."""
        more = True
        while more:
            with transaction(self.connection):
                more = WANTED.settle_step(self.connection, self.views) or WANTED.step(self.connection)

    def shows(self, ref: Ref) -> bool:
        """Whether an entry can be read here."""
        return find(self.connection, [ref]) != {}

    def wanted(self) -> list[Ref]:
        """What peers are asked for by ref."""
        rows = self.connection.execute("SELECT feed, seq, id FROM wanted WHERE NOT hidden ORDER BY number")
        return [Ref(*row) for row in rows]

    def follow(self, *accounts: AccountId, on: bool = True) -> None:
        for account in accounts:
            self.rev += 1
            self.write(content.write(self.now_ms, "follow", content.follow(account, self.rev, on)))
        self.refresh()

    def block(self, account: AccountId, on: bool = True) -> None:
        with transaction(self.connection):
            private.put(self.connection, "block", account, True if on else None)
        self.refresh()
        while True:
            with transaction(self.connection):
                if not drop_step(self.connection, self.views):
                    break
        self.own_due = True

    # --- What it was given otherwise than by a peer ---

    def hold(self, made: MadeFeed, first: int, last: int, holes: Iterable[int] = ()) -> bool:
        """Entries of another's feed, as if somebody else had brought them; whether they connect to what is held."""
        if made.account not in accounts_with_roles(self.connection):
            self.follow(made.account)
        with transaction(self.connection):
            add_feed(self.connection, self.changes, check_device_proof(made.proof))
            for start in range(first, last + 1, 1024):
                given = made.range(start, min(last, start + 1023), set(holes))
                [(outcome, _)] = ingest(self.connection, self.views, self.changes, [checked(given)], self.now_ms)
                assert outcome in (Outcome.STORED, Outcome.DUPLICATE, Outcome.DISCONNECTED), outcome
        self.replicator._board.mark_stale()
        return outcome is not Outcome.DISCONNECTED

    def _sync(self) -> None:
        """An append is on the disk when it returns, and all before it."""
        self.synced = self.connection.serialize()

    def power_cut(self) -> None:
        """The last commits are lost, as far as nobody waited for the disk; the mark is as it was."""
        self.connection.close()
        for path in self.path.parent.glob("store.db*"):
            path.unlink()
        self.path.write_bytes(self.synced)
        self.connection = open_database(self.path, durable=False)
        self.changes = ChangeNumbers(self.changes.mark)

    def new_epoch(self) -> None:
        """Become another store to peers, as after a restore."""
        with transaction(self.connection):
            new_epoch(self.connection, self.rng.randbytes(8))

    # --- What it holds ---

    def state(self, feed: FeedId) -> FeedState:
        found = feed_state(self.connection, feed)
        assert found is not None
        return found

    def end_of(self, feed: FeedId) -> int:
        found = feed_state(self.connection, feed)
        return found.newest.end.seq if found is not None and found.newest is not None else 0

    def states(self) -> dict[FeedId, FeedState]:
        return {state.feed: state for state in feed_states(self.connection)}

    def payloads(self, feed: FeedId) -> dict[int, bytes | None]:
        """By seq: what is held; None for a hole."""
        state = feed_state(self.connection, feed)
        if state is None:
            return {}
        rows = self.connection.execute(
            "SELECT key & 0xFFFFFFFF, payload FROM entries WHERE key >> 32 = ?", (state.number,)
        )
        return dict(rows.fetchall())

    def roles(self) -> dict[AccountId, Role]:
        return accounts_with_roles(self.connection)

    # --- What its threads could do next ---

    def steps(self) -> list[Step]:
        found: list[Step] = []
        if not self.replicator._board.is_empty and len(self.verified) < 2:
            found.append(self._verify)
        if self.verified:
            found.append(self._insert)
        if self.inserted:
            found.append(self._apply)
        if self.own_due and self.own_result is None:
            found.append(self._look)
        if self.own_result is not None:
            found.append(self._tell)
        return found

    def _verify(self) -> None:
        batch = self.replicator.take_inbox(self.rng.choice((1, 100, 4096)))
        verify(batch)
        self.verified.append(batch)

    def _insert(self) -> None:
        batch = self.verified.popleft()
        self.inserted.append(self.intake.insert(self.connection, batch))
        self.replicator.taken(batch)

    def _apply(self) -> None:
        self.replicator.apply(self.inserted.popleft())
        self.has_news = True

    def _look(self) -> None:
        self.own_due = False
        jobs = self.replicator.own_job(), self.replicator.blocked.job()
        self.own_result = [(job, job.run(self.connection)) for job in jobs]

    def _tell(self) -> None:
        assert self.own_result is not None
        results, self.own_result = self.own_result, None
        for job, result in results:
            job.then(result)
        self.has_news = True


class End:
    """One side of a connection: a session with what the node's two tasks for it would be doing."""

    def __init__(self, party: Party, initiator: bool, certificates: tuple[bytes, bytes]) -> None:
        self.party = party
        self.other: End  # set by the pipe
        self.session = Session(initiator, certificates, party.now)
        self.talk = Talk(self.session, "memory", party.now_ms, lambda: None)
        self.inbox = bytearray()  # has come, and was not read
        self.leaving = bytearray()  # is being written
        self.taken = 0  # bytes of what is being written
        self.greeting = False
        self.greeted = False
        self.reading = False  # messages may be left in the session
        self.running: tuple[Job, Any] | None = None
        self.error: RemoteError | None = None
        self.sent_bytes = 0
        self.heard: list[Message] = []
        party.replicator.begin(self.talk)

    @property
    def closed(self) -> bool:
        return self.session.state is State.CLOSED

    def steps(self) -> list[Step]:
        found: list[Step] = []
        if self.leaving or self.session._frames:
            found.append(self._write)
        if self.closed:
            return found
        if self.running is not None:
            found.append(self._tell)
        elif self.session.unsent_bytes < UNSENT_MAX_BYTES and self._has_job():
            found.append(self._run)
        if self.greeting:
            if self.greeted:
                found.append(self._admit)
        elif self.reading and self.talk.queued_bytes < UNASKED_QUEUED_MAX_BYTES:
            found.append(self._take)
        elif not self.reading and self.inbox and self.session.unsent_bytes < UNSENT_MAX_BYTES:
            found.append(self._read)
        return found

    def _has_job(self) -> bool:
        return bool(
            self.talk.jobs
            or self.session._wants
            or self.session._asks
            or self.session._media_wants
            or (self.talk.answers and not self.talk.answering)
        )

    def _write(self) -> None:
        if not self.leaving:
            self.leaving += self.session.data_to_send()
            self.taken = len(self.leaving)
        count = self.party.rng.choice((1, 30, 1000, 65_536, 1 << 22))
        self.other.inbox += self.leaving[:count]
        self.sent_bytes += len(self.leaving[:count])
        del self.leaving[:count]
        if not self.leaving:
            self.session.sent(self.taken, self.party.now)

    def _read(self) -> None:
        count = self.party.rng.choice((1, 50, 1000, 65_536, 1 << 22))
        data = self.inbox[:count]
        del self.inbox[:count]
        self.session.receive_data(data, self.party.now)
        self.reading = True

    def _take(self) -> None:
        try:
            message = self.session.next_event(self.party.now)
            if message is None:
                self.reading = False
                return
            self.heard.append(message)
            if isinstance(message, Hello):
                self.greeting = True
                self.party.replicator.greet(self.talk, message, self._on_greeted)
            else:
                self.party.replicator.on_message(self.talk, message)
        except RemoteError as error:
            self.error = error
            self.session.close(error.code, str(error), self.party.now)

    def _on_greeted(self) -> None:
        self.greeted = True

    def _admit(self) -> None:
        self.greeting = False
        if self.talk.is_blocked:
            self.talk.close("busy", NO_PLACE, self.party.now)
        else:
            self.party.replicator.admit(self.talk)

    def _run(self) -> None:
        job = self.party.replicator.next_job(self.talk)
        if job is not None:
            self.running = job, job.run(self.party.connection)

    def _tell(self) -> None:
        assert self.running is not None
        job, result = self.running
        self.running = None
        job.then(result)


class Pipe:
    """A connection: two ends."""

    def __init__(self, one: Party, other: Party) -> None:
        certificates = one.rng.randbytes(20), one.rng.randbytes(20)
        self.ends = End(one, True, certificates), End(other, False, certificates)
        self.ends[0].other, self.ends[1].other = self.ends[1], self.ends[0]

    @property
    def bytes(self) -> int:
        """What both sides have written."""
        return sum(end.sent_bytes for end in self.ends)


class World:
    """Nodes and what joins them."""

    def __init__(self, folder: Path, rng: Random) -> None:
        self.folder = folder
        self.rng = rng
        self.parties: list[Party] = []
        self.pipes: list[Pipe] = []
        self.errors: list[RemoteError] = []

    def add(self, name: str) -> Party:
        party = Party(self.folder / name, name, self.rng)
        self.parties.append(party)
        return party

    def close(self) -> None:
        for party in self.parties:
            party.close()

    # --- Meeting ---

    def join(self, one: Party, other: Party) -> Pipe:
        pipe = Pipe(one, other)
        self.pipes.append(pipe)
        return pipe

    def cut(self, pipe: Pipe) -> None:
        """Both ends are gone at once, with all that was under way."""
        self.pipes.remove(pipe)
        for end in pipe.ends:
            if end.error is not None:
                self.errors.append(end.error)
            end.session.state = State.CLOSED
            end.party.replicator.end(end.talk)

    def joined(self, one: Party, other: Party) -> Pipe | None:
        for pipe in self.pipes:
            if {end.party.name for end in pipe.ends} == {one.name, other.name}:
                return pipe
        return None

    def restart(self, party: Party, power_cut: bool = False) -> None:
        """The process ends and begins again; its connections are cut."""
        for pipe in [pipe for pipe in self.pipes if party in (pipe.ends[0].party, pipe.ends[1].party)]:
            self.cut(pipe)
        if power_cut:
            party.power_cut()
        party.start()

    # --- Time passes ---

    def steps(self) -> list[Step]:
        found = [step for party in self.parties for step in party.steps()]
        for pipe in self.pipes:
            for end in pipe.ends:
                found += end.steps()
        return found

    def run(self, count: int) -> None:
        """So many steps, chosen by chance; a second passes now and then, and some tasks stand still meanwhile."""
        still: dict[object, bool] = {}
        for _ in range(count):
            steps = [step for step in self.steps() if not still.setdefault(step, self.rng.random() < 0.2)]
            if self.rng.random() < 0.01:
                self.tick()
            elif steps:
                self.rng.choice(steps)()

    def settle(self, steps_max: int = 200_000) -> None:
        """Go on until nothing is left to do, not even a second later."""
        quiet = 0
        for _ in range(steps_max):
            steps = self.steps()
            if steps:
                quiet = 0
                self.rng.choice(steps)()
            elif quiet == 2:
                return
            else:
                quiet += 1
                self.tick()
        raise AssertionError("the nodes never come to rest")

    def tick(self) -> None:
        for party in self.parties:
            if party.has_news:
                party.has_news = False
                party.replicator.gallery.wake()
            written = (id(party.connection), party.connection.total_changes)
            if written != party.written:  # as a node looks at its `data_version`
                party.written, party.own_due = written, True
            party.replicator.tick()

    def check_no_errors(self) -> None:
        """No honest node blames another."""
        errors = self.errors + [end.error for pipe in self.pipes for end in pipe.ends if end.error is not None]
        assert not errors, errors
        for pipe in self.pipes:
            assert not any(end.closed for end in pipe.ends)


def lacking(one: Party, other: Party) -> list[str]:
    """What `other` holds of the accounts that `one` wants and `one` lacks; runs are compared, and what is in them.

    A run that ends below the newest here, with a gap between, can't be taken in: no run is opened below another.
    """
    found = []
    roles = one.roles()
    states = one.states()
    for feed, theirs in other.states().items():
        if theirs.account not in roles or theirs.newest is None:
            continue
        ours = states.get(feed)
        what = f"{one.name} of {feed.hex()[:6]}, which {other.name} has as {_runs(theirs)}: "
        if ours is None or ours.newest is None:
            found.append(what + "nothing")
        elif theirs.newest.end.seq < ours.newest.before.seq:
            continue
        elif ours.newest.before.seq > theirs.newest.before.seq or ours.newest.end.seq < theirs.newest.end.seq:
            found.append(what + _runs(ours))
        else:
            mine, yours = one.payloads(feed), other.payloads(feed)
            first, last = theirs.newest.before.seq + 1, theirs.newest.end.seq
            differ = [seq for seq in range(first, last + 1) if mine[seq] != yours[seq]]
            if differ:
                found.append(what + f"other payloads at {differ[:5]}")
    return found


def _runs(state: FeedState) -> str:
    return " and ".join(f"{run.before.seq + 1}..{run.end.seq}" for run in state.runs) or "nothing"


def table(connection: sqlite3.Connection, name: str) -> list[tuple[Any, ...]]:
    return connection.execute(f"SELECT * FROM {name}").fetchall()

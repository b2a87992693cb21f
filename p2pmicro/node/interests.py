"""Interest, both ways: what peers want to hear of, and what this node wants. Source: protocol/sync.md, "Interest"."""

import sqlite3
from collections.abc import Sequence

from ..errors import StateError
from ..limits import INTEREST_CHUNK, INTEREST_MAX_KNOWN
from ..store import peers
from ..store.db import read_transaction
from ..store.feeds import accounts_with_roles
from ..sync.message import ELEMENT_BYTES, Interest, Resume
from .inbound import Inbound, Note
from .switchboard import Switchboard
from .talk import Answer, Job, Talk, element


class Interests:
    """Sends one's own interest as changes of what each peer holds, and keeps theirs."""

    def __init__(self, board: Switchboard) -> None:
        self._board = board

    def on_resume(self, talk: Talk, resume: Resume) -> None:
        """Take where a peer stands, and say what is wanted of it."""
        assert talk.peer is not None
        peer = talk.peer
        # It has had our hello, and with it our device proof.
        columns = {
            "account": peer.account,
            "epoch": peer.epoch,
            "cursor": peer.cursor,
            "answered": peer.answered,
            "proven": True,
            "meetings": peer.meetings,
            "met_ms": talk.since_ms,
        }
        self._board.put(Inbound(talk, Note(columns)))
        known = resume.epoch == self._board.own.epoch and resume.cursor <= talk.upto
        # What is due to it is known when its interest has come: `on_interest`.
        talk.answers.append(
            Answer(
                scanned=resume.cursor if known else 0,
                since=resume.cursor if known else 0,
                added=frozenset() if known else None,
                version=resume.answered if known else None,
            )
        )
        talk.answering = True  # until then
        if peer.their_version is not None and peer.their_salt is not None:
            talk.salt = peer.their_salt
            talk.interest = set(_split(peer.their_interest or b""))
        self.send(talk, resume.held)

    def send(self, talk: Talk, held: bytes | None, *, whole: bool = False) -> None:
        """Say what is wanted; `held` is the version that the peer has from another session.

        Args:
            whole: all of it, though the peer has it: it answers with all that it holds.
        """
        assert talk.peer is not None
        salt = talk.peer.salt
        talk.interest_due = True

        def run(connection: sqlite3.Connection) -> list[Interest]:
            # Looked up here and not above: what is sent between is what the peer holds then.
            base = held if talk.sent_version is None else talk.sent_version
            with read_transaction(connection):
                version = peers.interest_version(connection)
                delta = peers.interest_delta(connection, base) if base is not None and not whole else None
                if delta is None:
                    roles = accounts_with_roles(connection)
                    order = sorted(peers.interest_set(connection), key=lambda name: (-roles.get(name, 0), name))
                    elements = [element(salt, name) for name in order]
                    deletes = sorted(peers.interest_set(connection, peers.Scope.DELETES))
                    elements += [element(salt, name, peers.Scope.DELETES) for name in deletes]
                    alone = peers.alone_set(connection, INTEREST_MAX_KNOWN)
                    elements += [element(salt, name, peers.Scope.ENTRY) for name in alone]
                    return _interest_parts(None, version, salt, elements, [])
            added, removed = ([element(salt, name, scope) for scope, name in names] for names in delta)
            return _interest_parts(base, version, None, added, removed)

        def send(parts: list[Interest]) -> None:
            if parts[-1].version == talk.sent_version and not whole:
                return  # nothing has changed after all
            for part in parts:
                self._board.send(talk, part)
            talk.sent_version = parts[-1].version
            talk.notify()

        self._board.do(talk, Job(run, send))

    def on_interest(self, talk: Talk, interest: Interest) -> bool:
        """Take what a peer wants, and begin to answer.

        Returns: whether it is the first of the session.
        Raises:
            StateError: it changes a version that is not held.
        """
        assert talk.peer is not None
        first = talk.interest_version is None
        held = talk.peer.their_version if first else talk.interest_version
        if interest.base is None:
            assert interest.salt is not None
            talk.salt, talk.interest = interest.salt, set(interest.added)
        elif interest.base != held:
            raise StateError("An interest changes a version that this side does not hold.")
        else:
            talk.interest.difference_update(interest.removed)
            # The first that come stay: accounts come before the many single entries that are held alone.
            room = max(0, talk.session.interest_kept_max - len(talk.interest))
            talk.interest.update([name for name in interest.added if name not in talk.interest][:room])
        talk.interest_version = interest.version
        # Kept by `save`, at most once a second: one of 60 bytes may change a row of 2 MiB.
        talk.interest_unsaved |= interest.version != held or interest.base is None
        added = frozenset(interest.added)
        if first:
            # Due: what changed after its cursor, and all feeds of what was added since its last full answer.
            answer = talk.answers.popleft()
            answered_base = interest.base is not None and answer.version == interest.base
            if answer.added is None or not answered_base:
                answer = Answer(0, 0, None, interest.version)
            elif added:
                answer = Answer(0, answer.since, added, interest.version)
            else:
                answer = Answer(answer.since, answer.since, added, interest.version)
            talk.answering = False
            talk.answers.append(answer)
        else:
            answer = Answer(0, talk.upto, None if interest.base is None else added, interest.version)
            if len(talk.answers) > talk.answering:  # one that waits takes it in: a queue would have no bound
                waiting = talk.answers.pop()
                both = None if waiting.added is None or answer.added is None else waiting.added | answer.added
                answer = Answer(0, min(waiting.since, answer.since), both, interest.version)
            talk.answers.append(answer)
        talk.notify()
        return first

    def save(self, talk: Talk) -> None:
        """Have what a peer wants remembered, if it changed; a crash before costs a longer answer, and no entry."""
        if talk.interest_unsaved:
            talk.interest_unsaved = False
            columns = {
                "their_salt": talk.salt,
                "their_version": talk.interest_version,
                "their_interest": b"".join(sorted(talk.interest)),
            }
            self._board.put(Inbound(talk, Note(columns)))

    def changed(self) -> None:
        """Tell all peers what is now wanted."""
        for talk in self._board.talks.values():
            if talk.interest_due:
                self.send(talk, None)


def _split(elements: bytes) -> list[bytes]:
    return [elements[at : at + ELEMENT_BYTES] for at in range(0, len(elements), ELEMENT_BYTES)]


def _interest_parts(
    base: bytes | None, version: bytes, salt: bytes | None, added: Sequence[bytes], removed: Sequence[bytes]
) -> list[Interest]:
    """Cut an interest into messages."""
    count = max(1, -(-len(added) // INTEREST_CHUNK), -(-len(removed) // INTEREST_CHUNK))
    cuts = [slice(at * INTEREST_CHUNK, (at + 1) * INTEREST_CHUNK) for at in range(count)]
    return [Interest(base, version, salt, added[cut], removed[cut], at == count - 1) for at, cut in enumerate(cuts)]

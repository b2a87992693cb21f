"""Peers, offers, addresses, and the log of one's own interest."""

import sqlite3
from collections.abc import Iterator
from dataclasses import replace
from hashlib import sha256
from itertools import count
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from p2pmicro.ids import AccountId, FeedId
from p2pmicro.limits import ANNOUNCED_MAX
from p2pmicro.store import peers
from p2pmicro.store.db import open_database
from p2pmicro.store.feeds import Role, set_role
from p2pmicro.store.peers import Address, Name, Offer, Peer, Scope


def _feed(number: int) -> FeedId:
    return FeedId(sha256(b"feed %d" % number).digest())


def _account(number: int) -> AccountId:
    return AccountId(sha256(b"account %d" % number).digest())


def _peer(number: int, met_ms: int = 0) -> Peer:
    return Peer(_feed(number), None, bytes(8), 0, None, bytes(16), False, None, None, None, 0, met_ms)


@pytest.fixture
def connection(tmp_path: Path) -> Iterator[sqlite3.Connection]:
    opened = open_database(tmp_path / "store.db", durable=False)
    opened.execute("BEGIN")
    yield opened
    opened.close()


class _Draw:
    """Versions that never repeat."""

    def __init__(self) -> None:
        self._numbers = count(1)

    def __call__(self) -> bytes:
        return next(self._numbers).to_bytes(8)


@pytest.fixture
def draw() -> _Draw:
    return _Draw()


class TestPeers:
    def test_peer_comes_back_as_it_was_saved(self, connection: sqlite3.Connection) -> None:
        peer = Peer(
            _feed(1), _account(1), b"e" * 8, 7, b"v" * 8, b"s" * 16, True, b"t" * 16, b"w" * 8, b"i" * 32, 3, 1_000
        )
        peers.save_peer(connection, peer)
        assert peers.load_peer(connection, _feed(1)) == peer
        peers.save_peer(connection, replace(peer, cursor=8, proven=False, answered=None))
        assert peers.load_peer(connection, _feed(1)) == replace(peer, cursor=8, proven=False, answered=None)

    def test_unknown_peer_is_none(self, connection: sqlite3.Connection) -> None:
        assert peers.load_peer(connection, _feed(1)) is None

    def test_strangers_met_longest_ago_are_forgotten_first(
        self, connection: sqlite3.Connection, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(peers, "PEERS_MAX", 2)
        set_role(connection, (), _account(1), Role.FOLLOWED)
        peers.save_peer(connection, replace(_peer(1, met_ms=1), account=_account(1)))
        peers.save_peer(connection, _peer(2, met_ms=2))
        peers.note_offers(connection, _feed(2), [Offer(_feed(9), _account(9), 1, 2)])
        peers.save_peer(connection, _peer(3, met_ms=3))
        assert peers.load_peer(connection, _feed(1)) is not None
        assert peers.load_peer(connection, _feed(2)) is None
        assert peers.load_peer(connection, _feed(3)) is not None
        assert peers.offers_of(connection, _feed(2)) == []

    def test_peer_just_met_is_kept_whatever_its_clock(
        self, connection: sqlite3.Connection, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(peers, "PEERS_MAX", 1)
        peers.save_peer(connection, _peer(1, met_ms=2))
        peers.save_peer(connection, _peer(2, met_ms=1))
        assert peers.load_peer(connection, _feed(2)) is not None


class TestInterest:
    def test_no_interest_has_the_zero_version(self, connection: sqlite3.Connection) -> None:
        assert peers.interest_version(connection) == bytes(8)
        assert peers.interest_set(connection) == set()
        assert peers.interest_delta(connection, bytes(8)) is None

    def test_same_set_makes_no_version(self, connection: sqlite3.Connection, draw: _Draw) -> None:
        version = peers.set_interest(connection, [_account(1), _account(2)], [], draw)
        assert version == peers.interest_version(connection)
        assert peers.set_interest(connection, [_account(2), _account(1)], [], draw) is None
        assert peers.interest_version(connection) == version

    def test_delta_tells_what_changed_since(self, connection: sqlite3.Connection, draw: _Draw) -> None:
        first = peers.set_interest(connection, [_account(1), _account(2)], [], draw)
        second = peers.set_interest(connection, [_account(2), _account(3)], [], draw)
        assert peers.interest_delta(connection, first) == (
            [Name(Scope.FEEDS, _account(3))],
            [Name(Scope.FEEDS, _account(1))],
        )
        assert peers.interest_delta(connection, second) == ([], [])

    def test_what_was_taken_away_and_added_again_is_added(self, connection: sqlite3.Connection, draw: _Draw) -> None:
        first = peers.set_interest(connection, [_account(1)], [], draw)
        peers.set_interest(connection, [_account(2)], [], draw)
        peers.set_interest(connection, [_account(1)], [], draw)
        assert peers.interest_delta(connection, first) == ([Name(Scope.FEEDS, _account(1))], [])

    def test_unknown_version_is_none(self, connection: sqlite3.Connection, draw: _Draw) -> None:
        peers.set_interest(connection, [_account(1)], [], draw)
        assert peers.interest_delta(connection, None) is None
        assert peers.interest_delta(connection, b"stranger") is None

    def test_long_log_begins_anew(
        self, connection: sqlite3.Connection, draw: _Draw, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(peers, "_LOG_SLACK", 8)
        first = peers.set_interest(connection, [_account(1)], [], draw)
        for _ in range(20):
            peers.set_interest(connection, [_account(2)], [], draw)
            peers.set_interest(connection, [_account(1)], [], draw)
        (rows,) = connection.execute("SELECT count(*) FROM interest").fetchone()
        assert rows <= 8 + 2
        assert peers.interest_set(connection) == {_account(1)}
        assert peers.interest_delta(connection, first) is None

    @given(sets=st.lists(st.sets(st.integers(0, 5)), min_size=1, max_size=8))
    def test_delta_from_any_version_leads_to_the_newest_set(self, sets: list[set[int]]) -> None:
        opened = sqlite3.connect(":memory:", isolation_level=None)
        opened.execute(
            "CREATE TABLE interest"
            " (n INTEGER PRIMARY KEY, version BLOB UNIQUE, name BLOB, wanted INTEGER, scope INTEGER DEFAULT 0)"
        )
        for table in ("excerpts", "kept_alone"):
            opened.execute(f"CREATE TABLE {table} (id BLOB, seen_ms INTEGER, key INTEGER, steps INTEGER)")
        draw = _Draw()
        history: list[tuple[bytes, set[AccountId]]] = []
        for numbers in sets:
            wanted = {_account(number) for number in numbers}
            version = peers.set_interest(opened, wanted, [], draw)
            if version is not None:
                history.append((version, wanted))
        for version, held in history:
            delta = peers.interest_delta(opened, version)
            assert delta is not None
            added, removed = ({AccountId(one.name) for one in names} for names in delta)
            assert removed <= held
            assert (held | added) - removed == peers.interest_set(opened)
        opened.close()


class TestOffers:
    def test_newer_offer_replaces_the_older(self, connection: sqlite3.Connection) -> None:
        peers.note_offers(connection, _feed(1), [Offer(_feed(8), _account(8), 1, 64)])
        peers.note_offers(
            connection, _feed(1), [Offer(_feed(8), _account(8), 1, 70), Offer(_feed(9), _account(9), 5, 6)]
        )
        assert sorted(peers.offers_of(connection, _feed(1)), key=lambda offer: offer.last_seq) == [
            Offer(_feed(9), _account(9), 5, 6),
            Offer(_feed(8), _account(8), 1, 70),
        ]

    def test_offers_are_dropped_one_by_one_or_by_peer(self, connection: sqlite3.Connection) -> None:
        offers = [Offer(_feed(8), _account(8), 1, 64), Offer(_feed(9), _account(9), 5, 6)]
        for peer in (1, 2):
            peers.note_offers(connection, _feed(peer), offers)
        peers.drop_offer(connection, _feed(8), _feed(1))
        assert peers.offers_of(connection, _feed(1)) == offers[1:]
        peers.drop_offers_of(connection, _feed(1))
        assert peers.offers_of(connection, _feed(1)) == []
        assert len(peers.offers_of(connection, _feed(2))) == 2


class TestAddresses:
    def test_what_is_known_of_an_address_is_not_lost(self, connection: sqlite3.Connection) -> None:
        peers.note_address(connection, "10.0.0.1:4000", None, True, 0)
        peers.note_address(connection, "10.0.0.1:4000", _feed(1), False, 50)
        peers.note_address(connection, "10.0.0.1:4000", None, False, 20)
        assert peers.addresses(connection) == [Address("10.0.0.1:4000", _feed(1), True, 50)]

    def test_named_ones_come_first_then_those_met_last(self, connection: sqlite3.Connection) -> None:
        peers.note_address(connection, "a:1", None, False, 10)
        peers.note_address(connection, "b:1", None, False, 20)
        peers.note_address(connection, "c:1", None, True, 0)
        assert [found.address for found in peers.addresses(connection)] == ["c:1", "b:1", "a:1"]

    def test_forgotten_address_is_gone(self, connection: sqlite3.Connection) -> None:
        peers.note_address(connection, "a:1", None, True, 10)
        peers.forget_address(connection, "a:1")
        assert peers.addresses(connection) == []

    def test_flood_of_addresses_pushes_out_none_that_a_person_named(self, connection: sqlite3.Connection) -> None:
        peers.note_address(connection, "named:1", None, True, 0)
        for number in range(ANNOUNCED_MAX + 20):
            peers.note_address(connection, f"10.0.0.{number}:1", None, False, number)
        found = [known.address for known in peers.addresses(connection)]
        assert len(found) == ANNOUNCED_MAX + 1
        assert found[0] == "named:1"
        assert "10.0.0.0:1" not in found

"""What strangers wrote, put into a home as if a peer had brought it."""

import time

from p2pmicro import cbor
from p2pmicro.feed.device import check_device_proof
from p2pmicro.ids import format_account
from p2pmicro.node.home import Home
from p2pmicro.node.local import LocalNode
from p2pmicro.store.db import transaction
from p2pmicro.store.feeds import add_feed
from p2pmicro.store.ingest import Outcome, ingest
from tests.cli.program import Person
from tests.made import NOW_MS, MadeFeed
from tests.store.home import checked


def bring(person: Person, made: MadeFeed) -> str:
    """Follow the feed's account and store all of the feed; the account."""
    with LocalNode.open(Home(person.home, person.state)) as node:
        node.follow(made.account)
        with transaction(node.connection):
            add_feed(node.connection, node.changes, check_device_proof(made.proof))
        with transaction(node.connection):
            given = [checked(made.range(1, made.last))]
            now_ms = time.time_ns() // 1_000_000
            assert ingest(node.connection, node.views, node.changes, given, now_ms)[0][0] is Outcome.STORED
    return format_account(made.account)


def says(made: MadeFeed, kind: str, **content: object) -> None:
    """Append an entry without the checks that honest programs make."""
    made.append(cbor.encode([NOW_MS + made.last, kind, content]))  # type: ignore[list-item]

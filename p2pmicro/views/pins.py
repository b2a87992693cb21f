"""Pinned messages: those that stand first on a person's page. Source: protocol/content.md, "profile"."""

import sqlite3

from ..feed.content import read, ref_of
from ..ids import AccountId, Ref
from .filter import Filter
from .message import Message, counted, find


def pinned_refs(connection: sqlite3.Connection, account: AccountId) -> list[Ref]:
    """What an account's profile pins, held or not, in its order."""
    row = connection.execute(
        "SELECT payload FROM profiles JOIN accounts ON accounts.number = profiles.account"
        " JOIN held ON held.key = profiles.key WHERE accounts.account = ?",
        (account,),
    ).fetchone()
    return [] if row is None else [ref_of(ref) for ref in read(row[0]).content.get("pin", ())]


def pinned(connection: sqlite3.Connection, account: AccountId) -> list[Message]:
    """The pinned messages of an account that are here and public, in its order; of nobody else."""
    refs = pinned_refs(connection, account)
    found = find(connection, refs) if refs else {}
    own = [found[ref] for ref in refs if ref in found and found[ref].account == account and not found[ref].sealed]
    hidden = Filter.read(connection)
    return [one._replace(pinned=True) for one in counted(connection, hidden, hidden.shown(own))]

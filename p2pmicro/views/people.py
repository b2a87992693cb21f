"""Profiles, who follows whom, and whose feeds a node asks for. Source: protocol/content.md, "State"."""

import sqlite3
from collections.abc import Container, Iterable, Iterator, Sequence
from dataclasses import dataclass
from hashlib import sha256
from heapq import nsmallest

from ..feed.content import read
from ..ids import AccountId, FeedId
from ..limits import REV_MAX
from ..store.feeds import Role
from ..store.view import Row

INTEREST_BUDGET = 10_000
"""Accounts that a node asks for; those whom the person follows are never cut."""

_STATE_KINDS = frozenset(("profile", "follow", "follows"))
_FOLLOWS_A_STATEMENT = 4096  # five variables each, under SQLite's 32,766

# The winner is by (rev, feed, seq), never by time: a wrong clock can't stick. Feeds compare by their ids, since their
# numbers tell the order in which they came. Within one entry that names an account twice, off wins.
_WINS = """
    WHERE excluded.rev > {table}.rev OR excluded.rev = {table}.rev AND (
        (SELECT feed FROM feeds WHERE number = excluded.key >> 32), excluded.key{tie_new}
    ) > ((SELECT feed FROM feeds WHERE number = {table}.key >> 32), {table}.key{tie_old})
"""
_PUT_FOLLOWS = """
    INSERT INTO follows (account, target, rev, key, wanted) VALUES {rows}
    ON CONFLICT (account, target) DO UPDATE SET rev = excluded.rev, key = excluded.key, wanted = excluded.wanted
""" + _WINS.format(table="follows", tie_new=", -excluded.wanted", tie_old=", -follows.wanted")
_PUT_PROFILES = """
    INSERT INTO profiles (account, rev, key, name, bio, link) VALUES {rows}
    ON CONFLICT (account) DO UPDATE SET rev = excluded.rev, key = excluded.key,
        name = excluded.name, bio = excluded.bio, link = excluded.link
""" + _WINS.format(table="profiles", tie_new="", tie_old="")

_HAS_FOLLOWS = """EXISTS (SELECT 1 FROM accounts JOIN follows ON follows.account = accounts.number
    WHERE accounts.account = kept_follows.account)"""


@dataclass(frozen=True, slots=True)
class Profile:
    """What an account says of itself."""

    account: AccountId
    rev: int
    feed: FeedId  # where it stands
    seq: int
    name: str  # at most 50 code points; may be empty
    bio: str | None
    link: str | None  # http:// or https://


class People:
    """Profiles and follows of all accounts of which entries are held."""

    # --- As a view ---

    def add(self, connection: sqlite3.Connection, rows: Sequence[Row]) -> None:
        """Merge what new entries state; each item of a snapshot merges alone, exactly like a follow."""
        stating = [row for row in rows if row.entry.kind in _STATE_KINDS and not row.alone]
        if stating:
            connection.executemany(
                "INSERT OR IGNORE INTO stated (account, key) VALUES (?, ?)", [(row.account, row.key) for row in stating]
            )
            _merge(connection, stating)

    def remove(self, connection: sqlite3.Connection, rows: Sequence[Row]) -> None:
        """Take back what entries stated; where one of them had won, the best of the others does."""
        stating = [row for row in rows if row.entry.kind in _STATE_KINDS and not row.alone]
        again = set()
        for row in stating:
            place = (row.account, row.key)
            connection.execute("DELETE FROM stated WHERE account = ? AND key = ?", place)
            for table in ("profiles", "follows"):
                if connection.execute(f"DELETE FROM {table} WHERE account = ? AND key = ?", place).rowcount:
                    again.add(row.account)
        for account in again:
            _merge(connection, _stated_rows(connection, account))

    def clear(self, connection: sqlite3.Connection) -> None:
        """Forget all."""
        for table in ("stated", "profiles", "follows"):
            connection.execute(f"DELETE FROM {table}")

    def role_changed(self, connection: sqlite3.Connection, account: int, old: int, new: int) -> None:
        """Nothing to do: names and follows of every role are kept."""

    def erase_text(self, connection: sqlite3.Connection) -> None:
        """Nothing to do: rows that are deleted are overwritten (secure_delete)."""

    # --- Queries ---

    def profile_of(self, connection: sqlite3.Connection, account: AccountId) -> Profile | None:
        """An account's profile; None while none is held."""
        row = connection.execute(
            "SELECT rev, feeds.feed, key & 0xFFFFFFFF, name, bio, link FROM profiles"
            " JOIN accounts ON accounts.number = profiles.account JOIN feeds ON feeds.number = key >> 32"
            " WHERE accounts.account = ?",
            (account,),
        ).fetchone()
        return None if row is None else Profile(account, *row)

    def followed(self, connection: sqlite3.Connection, account: AccountId) -> list[AccountId]:
        """Whom an account follows, in the order of their keys."""
        return list(_targets(connection, account))

    def followers(self, connection: sqlite3.Connection, account: AccountId) -> list[AccountId]:
        """Who follows an account, as far as this node has heard, in the order of their keys."""
        rows = connection.execute(
            "SELECT accounts.account FROM follows JOIN accounts ON accounts.number = follows.account"
            " WHERE target = ? AND wanted ORDER BY accounts.account",
            (account,),
        )
        return [AccountId(follower) for (follower,) in rows]

    def follow_state(self, connection: sqlite3.Connection, account: AccountId) -> list[tuple[AccountId, int, bool]]:
        """All that an account has said of follows, ended ones too, as a snapshot lists it: account, rev, on."""
        rows = connection.execute(
            "SELECT target, rev, wanted FROM follows JOIN accounts ON accounts.number = follows.account"
            " WHERE accounts.account = ? ORDER BY target",
            (account,),
        )
        return [(AccountId(target), rev, bool(wanted)) for target, rev, wanted in rows]

    def next_rev(self, connection: sqlite3.Connection, account: AccountId, kind: str, target: AccountId | None) -> int:
        """The rev of an account's next profile, or of its next follow of `target`: 1 + the highest one known.

        At REV_MAX it stays there: the seq decides then.
        """
        if kind == "profile":
            found = connection.execute(
                "SELECT rev FROM profiles JOIN accounts ON number = profiles.account WHERE accounts.account = ?",
                (account,),
            )
        else:
            found = connection.execute(
                "SELECT rev FROM follows JOIN accounts ON number = follows.account"
                " WHERE accounts.account = ? AND target = ?",
                (account, target),
            )
        row = found.fetchone()
        return 1 if row is None else min(row[0] + 1, REV_MAX)

    def keep_follows(self, connection: sqlite3.Connection, account: AccountId, wanted: Container[AccountId]) -> None:
        """Remember which of the `wanted` accounts somebody follows, who is about to be blocked.

        What is held of the blocked account is dropped; but would the interest shrink with it, peers saw the block.
        """
        kept = [(account, target) for target in _targets(connection, account) if target in wanted]
        connection.executemany("INSERT OR IGNORE INTO kept_follows (account, target) VALUES (?, ?)", kept)

    def drop_kept_follows(self, connection: sqlite3.Connection) -> None:
        """Forget what was kept of those who are blocked no longer, once their follows are here again."""
        connection.execute(
            f"DELETE FROM kept_follows WHERE account NOT IN (SELECT account FROM blocks) AND {_HAS_FOLLOWS}"
        )

    def interest(
        self, connection: sqlite3.Connection, own: AccountId, own_feed: FeedId, budget: int = INTEREST_BUDGET
    ) -> dict[AccountId, Role]:
        """Whose feeds to ask for: oneself, those one follows, and those whom they follow, as far as the budget goes.

        Each of those followed lists whom they follow in the order of SHA-256(own feed || account). First come all
        that stand first in somebody's list, then all that stand second, and so on; where the budget ends within a
        place, the smaller hashes have it. So who follows a million gets no more than anybody else, and the choice
        changes with follows alone.

        Source: protocol/sync.md, "Interest".
        """
        interest = dict.fromkeys(_targets(connection, own), Role.FOLLOWED)
        interest[own] = Role.OWN
        room = budget - len(interest)
        best: dict[bytes, tuple[int, AccountId]] = {}  # hash: the best place in any list, the account
        kept = _kept_follows(connection)
        for friend in [account for account, role in interest.items() if role is Role.FOLLOWED]:
            if room <= 0:
                break
            # Hashed one by one as they are read: who follows a million takes seconds here, and no memory.
            targets = kept[friend] if friend in kept else _targets(connection, friend)
            hops = ((sha256(own_feed + target).digest(), target) for target in targets)
            for place, (order, target) in enumerate(nsmallest(room, (hop for hop in hops if hop[1] not in interest))):
                if order not in best or place < best[order][0]:
                    best[order] = (place, target)
            if len(best) > 2 * room:  # what is past the budget now stays so: places only get better
                best = dict(_first(best, room))
        interest.update((target, Role.HOP) for _, (_, target) in _first(best, max(room, 0)))
        return interest


def _kept_follows(connection: sqlite3.Connection) -> dict[AccountId, list[AccountId]]:
    """What `keep_follows` keeps, of those who are blocked or whose follows are not here again."""
    kept: dict[AccountId, list[AccountId]] = {}
    for account, target in connection.execute(
        f"SELECT account, target FROM kept_follows WHERE account IN (SELECT account FROM blocks) OR NOT {_HAS_FOLLOWS}"
    ):
        kept.setdefault(AccountId(account), []).append(target)
    return kept


def _first(best: dict[bytes, tuple[int, AccountId]], count: int) -> list[tuple[bytes, tuple[int, AccountId]]]:
    return nsmallest(count, best.items(), key=lambda item: (item[1][0], item[0]))


def _targets(connection: sqlite3.Connection, account: AccountId) -> Iterator[AccountId]:
    """Whom an account follows, one by one: a hostile list may hold a million."""
    rows = connection.execute(
        "SELECT target FROM follows JOIN accounts ON accounts.number = follows.account"
        " WHERE accounts.account = ? AND wanted ORDER BY target",
        (account,),
    )
    for (target,) in rows:
        yield target


def _merge(connection: sqlite3.Connection, rows: Iterable[Row]) -> None:
    profiles, follows = [], []
    for row in rows:
        content = row.entry.content
        if row.entry.kind == "profile":
            profiles.append(
                (row.account, content["rev"], row.key, content["name"], content.get("bio"), content.get("link"))
            )
        elif row.entry.kind == "follow":
            follows.append((row.account, content["account"], content["rev"], row.key, int(content["on"])))
        else:
            follows += [(row.account, target, rev, row.key, int(on)) for target, rev, on in content["list"]]
    _put(connection, _PUT_PROFILES, profiles)
    _put(connection, _PUT_FOLLOWS, follows)


def _put(connection: sqlite3.Connection, statement: str, rows: Sequence[tuple[object, ...]]) -> None:
    for start in range(0, len(rows), _FOLLOWS_A_STATEMENT):
        some = rows[start : start + _FOLLOWS_A_STATEMENT]
        marks = "(" + ",".join("?" * len(some[0])) + ")"
        connection.execute(
            statement.format(rows=",".join([marks] * len(some))), [value for row in some for value in row]
        )


def _stated_rows(connection: sqlite3.Connection, account: int) -> Iterator[Row]:
    """The entries of an account that carry state, read again one by one: a snapshot is large."""
    keys = connection.execute("SELECT key FROM stated WHERE account = ?", (account,)).fetchall()
    for (key,) in keys:
        seen_ms, payload = connection.execute("SELECT seen_ms, payload FROM entries WHERE key = ?", (key,)).fetchone()
        if payload is not None:  # else it is being erased too, and comes to `remove` in a moment
            entry = read(payload)
            yield Row(key, account, Role.NONE, min(entry.time_ms, seen_ms), seen_ms, entry)

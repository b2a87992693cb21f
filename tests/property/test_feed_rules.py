"""The rules of a feed against a naive model: the same verdict on whatever is done to a range (threat L10).

The model shares no code with the chain: it hashes by hand, and instead of verifying it looks up who signed what.
"""

from dataclasses import replace
from hashlib import sha256

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, consumes, initialize, multiple, rule

from p2pmicro.errors import EntryError
from p2pmicro.feed.chain import Item, Link, Range, as_hole, check_range
from p2pmicro.ids import EntryId, FeedId
from tests.conftest import SOAK
from tests.made import MadeFeed, flipped
from tests.texts import message

# --- The model ---

Signed = dict[tuple[bytes, int, bytes], bytes]


def naive_verdict(given: Range, end: bytes | None, signed: Signed) -> str:
    """What protocol/feed.md, "Checking a range", says: "ok" or an error's code, in the order of the page."""
    sizes = [len(item) if isinstance(item, bytes) else item[0] for item in given.items]
    brought = sum(len(item) for item in given.items if isinstance(item, bytes))
    if not 1 <= len(sizes) <= 2048 or brought > 1048576 or any(not 1 <= size <= 8192 for size in sizes):
        return "entry.size"
    seqs = list(range(given.before.seq + 1, given.before.seq + 1 + len(sizes)))
    if seqs[0] < 1 or seqs[-1] > 4294967295:
        return "entry.seq"
    must = {seq for seq in seqs if seq == 1 or seq % 64 == 0}
    may = must | {seqs[-1]}
    if end is None:
        must = may
    if not must <= set(given.heads) <= may:
        return "entry.seq"
    if seqs[0] == 1 and given.before.id != sha256(b"p2pmicro feed 1" + given.feed).digest():
        return "entry.backlink"
    entry_id: bytes = given.before.id
    ids = {}
    for seq, size, item in zip(seqs, sizes, given.items, strict=True):
        digest = sha256(item).digest() if isinstance(item, bytes) else item[1]
        entry_id = sha256(entry_id + seq.to_bytes(8, "big") + size.to_bytes(4, "big") + digest).digest()
        ids[seq] = entry_id
    if end is not None and end != entry_id:
        return "entry.backlink"
    if any(signed.get((given.feed, seq, ids[seq])) != head for seq, head in given.heads.items()):
        return "entry.signature"
    return "ok"


def verdict(given: Range, end: EntryId | None) -> str:
    """What the chain says."""
    try:
        checked = check_range(given, end)
    except EntryError as error:
        return error.code
    assert len(checked.ids) == len(given.items)
    assert checked.end == Link(given.last_seq, checked.ids[-1])
    return "ok"


def test_the_model_says_yes_and_no() -> None:
    feed = MadeFeed(70)
    signed: Signed = {(feed.feed, seq, feed.links[seq].id): feed.head(seq) for seq in range(1, 71)}
    given = feed.range(1, 70)
    assert naive_verdict(given, None, signed) == verdict(given, None) == "ok"
    assert naive_verdict(given, None, {}) == "entry.signature"
    assert naive_verdict(replace(given, heads={}), None, signed) == "entry.seq"


# --- The machine ---

places = st.integers(0, 200)
chance = st.integers(0, 2**16)


class FeedRules(RuleBasedStateMachine):
    """Feeds grow, ranges are made of them, and each range may be changed again and again; every one is judged twice."""

    ranges = Bundle("ranges")

    @initialize(lengths=st.tuples(st.integers(1, 140), st.integers(1, 140)))
    def begin(self, lengths: tuple[int, int]) -> None:
        self.signed: Signed = {}
        self.feeds = [MadeFeed(1, "one"), MadeFeed(1, "other")]
        for feed, length in zip(self.feeds, lengths, strict=True):
            for _ in range(length - 1):
                feed.append(message(feed.last).encode())
        # A branch that parts from the first feed: signed by the same key, so that a fork is valid on its own.
        self.feeds.append(self.feeds[0].branch(max(1, lengths[0] // 2), 5))

    def judge(self, given: Range) -> Range:
        known = self.feeds[0].links[given.last_seq].id if 0 <= given.last_seq < len(self.feeds[0].links) else None
        for end in (None, known, given.before.id):
            expected = naive_verdict(given, end, self.signed)
            assert verdict(given, end) == expected, (expected, given, end)
        return given

    @rule(which=st.integers(0, 2), count=st.integers(1, 3), size=st.sampled_from([0, 0, 1, 8192]))
    def append(self, which: int, count: int, size: int) -> None:
        feed = self.feeds[which]
        for _ in range(count):
            feed.append(bytes(size) or message(feed.last + which).encode())

    @rule(
        target=ranges,
        which=st.integers(0, 2),
        first=places,
        length=st.integers(1, 140),
        holes=chance,
        known=st.booleans(),
    )
    def make(self, which: int, first: int, length: int, holes: int, known: bool) -> Range:
        feed = self.feeds[which]
        first = 1 + first % feed.last
        last = min(feed.last, first + length - 1)
        given = feed.range(
            first, last, holes=[seq for seq in range(first, last + 1) if holes >> seq % 16 & 1], known=known
        )
        self.signed |= {(feed.feed, seq, feed.links[seq].id): head for seq, head in given.heads.items()}
        assert known or verdict(given, None) == "ok"
        assert verdict(given, feed.links[last].id) == "ok"
        return self.judge(given)

    @rule(target=ranges, given=ranges, start=places, end=places)
    def cut(self, given: Range, start: int, end: int) -> Range:
        """Leave out items at both ends, with or without saying so."""
        start, end = start % (len(given.items) + 1), end % (len(given.items) + 1)
        items = given.items[start:end]
        silent = self.judge(replace(given, items=items))
        moved = Link(given.before.seq + start, given.before.id)
        heads = {seq: head for seq, head in given.heads.items() if moved.seq < seq <= moved.seq + len(items)}
        self.judge(replace(given, before=moved, items=items, heads=heads))
        return silent

    @rule(target=ranges, given=ranges, at=places, bit=chance)
    def tamper(self, given: Range, at: int, bit: int) -> Range:
        """Turn one bit over, of a payload or of a hole."""
        if not given.items:
            return given
        items: list[Item] = list(given.items)
        item = items[at % len(items)]
        if isinstance(item, bytes):
            items[at % len(items)] = flipped(item, bit % (len(item) * 8)) if item else b"a"
        elif bit % 2:
            items[at % len(items)] = (item[0] ^ 1 << bit % 15, item[1])
        else:
            items[at % len(items)] = (item[0], flipped(item[1], bit % 256))
        return self.judge(replace(given, items=items))

    @rule(target=ranges, given=ranges, at=places)
    def hide_or_show(self, given: Range, at: int) -> Range:
        """Give a hole for a payload: that is the same entry."""
        if not given.items:
            return given
        items: list[Item] = list(given.items)
        item = items[at % len(items)]
        if isinstance(item, bytes):
            items[at % len(items)] = as_hole(item)
        return self.judge(replace(given, items=items))

    @rule(target=ranges, one=ranges, other=ranges, parts=st.integers(1, 14))
    def swap(self, one: Range, other: Range, parts: int) -> Range:
        """Put another range's parts into one."""
        return self.judge(
            Range(
                other.feed if parts & 1 else one.feed,
                other.before if parts & 2 else one.before,
                other.items if parts & 4 else one.items,
                other.heads if parts & 8 else one.heads,
            )
        )

    @rule(target=ranges, given=ranges, one=places, other=places)
    def reorder(self, given: Range, one: int, other: int) -> Range:
        if not given.items:
            return given
        items: list[Item] = list(given.items)
        one, other = one % len(items), other % len(items)
        items[one], items[other] = items[other], items[one]
        return self.judge(replace(given, items=items))

    @rule(target=ranges, given=ranges, at=places, again=places)
    def replay(self, given: Range, at: int, again: int) -> Range:
        """Give an item twice, or all of them again as what follows."""
        if not given.items or len(given.items) > 300:
            return given
        items: list[Item] = list(given.items)
        items.insert(at % len(items), items[again % len(items)])
        self.judge(replace(given, before=Link(given.last_seq, given.before.id)))
        return self.judge(replace(given, items=items))

    @rule(target=ranges, given=ranges, which=st.integers(0, 2), at=places)
    def wrong_backlink(self, given: Range, which: int, at: int) -> Range:
        feed = self.feeds[which]
        return self.judge(replace(given, before=Link(given.before.seq, feed.links[at % len(feed.links)].id)))

    @rule(
        target=ranges,
        given=ranges,
        seq=st.sampled_from(
            [-(2**64), -2, -1, 0, 1, 63, 64, 2**32 - 2, 2**32 - 1, 2**32, 2**53, 2**63, 2**64 - 1, 2**64]
        ),
        follow=st.booleans(),
    )
    def other_seq(self, given: Range, seq: int, follow: bool) -> Range:
        """Say that it stands elsewhere, the heads going along or not."""
        shift = seq - given.before.seq
        heads = {at + shift: head for at, head in given.heads.items()} if follow else given.heads
        return self.judge(replace(given, before=Link(seq, given.before.id), heads=heads))

    @rule(target=ranges, given=ranges, at=places, what=st.integers(0, 4))
    def other_heads(self, given: Range, at: int, what: int) -> Range:
        """Leave a head out, damage it, take another's, add one, or sign the very chain that is given."""
        heads = dict(given.heads)
        where = sorted(heads)[at % len(heads)] if heads else given.last_seq
        match what:
            case 0:
                heads.pop(where, None)
            case 1:
                heads[where] = flipped(heads.get(where, bytes(64)), at)
            case 2:
                heads[where] = heads[max(heads)] if heads else bytes(64)
            case 3:
                heads[given.before.seq + at] = bytes(64)
            case _:
                heads = {seq: heads.get(seq, bytes(64)) for seq in range(given.before.seq + 1, given.last_seq + 1) if
                         seq == 1 or seq % 64 == 0 or seq == given.last_seq}  # fmt: skip
        return self.judge(replace(given, heads=heads))

    @rule(target=ranges, given=consumes(ranges), size=st.sampled_from([0, 8193]), at=places, is_hole=st.booleans())
    def size_over_the_limit(self, given: Range, size: int, at: int, is_hole: bool) -> Range:
        items: list[Item] = list(given.items)
        items.insert(at % (len(items) + 1), (size, bytes(32)) if is_hole else bytes(size))
        changed = replace(given, items=items)
        assert verdict(changed, None) == "entry.size"
        self.judge(changed)
        return given

    @rule(given=ranges)
    def too_many(self, given: Range) -> None:
        hole: Item = (1, bytes(32))
        self.judge(replace(given, items=[*given.items, *[hole] * 2049]))

    @rule(target=ranges, given=ranges, name=st.sampled_from([bytes(32), (1).to_bytes(32, "little"), b"\x02" * 32, b""]))
    def other_feed_id(self, given: Range, name: bytes) -> object:
        """A feed id that is refused, or nobody's: what is said of it can be its key's fault or the signature's."""
        changed = replace(given, feed=FeedId(name))
        expected = naive_verdict(changed, None, self.signed)
        found = verdict(changed, None)
        assert found == expected or (expected, found) == ("entry.signature", "entry.key")
        return multiple()


FeedRules.TestCase.settings = settings(max_examples=300 * SOAK, stateful_step_count=50)
TestFeedRules = FeedRules.TestCase

"""What really happened in a month: what was said, to whom, and what was taken back. No node knows all of it."""

from dataclasses import dataclass, field

from p2pmicro.ids import Ref


@dataclass(slots=True)
class Said:
    """One message, and the word in it that stands in no other."""

    number: int
    author: int  # a person's number
    ref: Ref
    text: str
    marker: str
    parent: "Said | None" = None
    readers: frozenset[int] | None = None  # who may open it; None: everybody
    deleted: bool = False


@dataclass(slots=True)
class Truth:
    """All of it."""

    said: list[Said] = field(default_factory=list)
    revs: dict[tuple[int, str, bytes], int] = field(default_factory=dict)  # of likes and reposts, by author and ref

    def next_marker(self) -> str:
        """A word that nobody has said: as long as each other, so that none is a part of another."""
        return f"zq{len(self.said):05d}qz"

    def add(self, author: int, ref: Ref, text: str, marker: str, parent: Said | None = None) -> Said:
        """Note a message; an answer to one that some can read can be read by the same."""
        said = Said(len(self.said), author, ref, text, marker, parent, parent.readers if parent is not None else None)
        self.said.append(said)
        return said

    def next_rev(self, author: int, kind: str, ref: Ref) -> int:
        """The rev of somebody's next like or repost of a message."""
        place = (author, kind, ref.feed + ref.seq.to_bytes(4))
        self.revs[place] = self.revs.get(place, 0) + 1
        return self.revs[place]

    @property
    def deleted(self) -> list[Said]:
        """What was taken back."""
        return [said for said in self.said if said.deleted]

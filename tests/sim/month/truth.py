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
    quote: "Said | None" = None
    replaces: "Said | None" = None
    readers: frozenset[int] | None = None  # who may open it; None: everybody
    deleted: bool = False
    likes: set[int] = field(default_factory=set)  # people's numbers
    reposts: set[int] = field(default_factory=set)

    @property
    def root(self) -> "Said":
        """What began its thread."""
        return self if self.parent is None else self.parent.root


@dataclass(slots=True)
class Truth:
    """All of it."""

    said: list[Said] = field(default_factory=list)

    def next_marker(self) -> str:
        """A word that nobody has said: as long as each other, so that none is a part of another."""
        return f"zq{len(self.said):05d}qz"

    def add(self, author: int, ref: Ref, text: str, marker: str) -> Said:
        """Note a message."""
        said = Said(len(self.said), author, ref, text, marker)
        self.said.append(said)
        return said

    @property
    def deleted(self) -> list[Said]:
        """What was taken back."""
        return [said for said in self.said if said.deleted]

    @property
    def public(self) -> list[Said]:
        """What everybody may read."""
        return [said for said in self.said if said.readers is None and not said.deleted]

"""Some people with a home each, who carry files to one another: real stores, no network."""

from contextlib import ExitStack
from pathlib import Path
from typing import Self

from p2pmicro.node.home import Home
from p2pmicro.node.local import LocalNode


class Town:
    """People by name; each has an account of that name."""

    def __init__(self, folder: Path, *names: str) -> None:
        self._folder = folder
        self._stack = ExitStack()
        self._people: dict[str, LocalNode] = {}
        for name in names:
            self.open(name).profile(name=name)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def open(self, name: str, words: str | None = None) -> LocalNode:
        """Open a home, made where there is none; of an account that `words` bring back."""
        home = Home(self._folder / name, self._folder / f"{name} state")
        node = self._stack.enter_context(LocalNode.open(home, create=True, words=words))
        self._people[name] = node
        return node

    def __getitem__(self, name: str) -> LocalNode:
        return self._people[name]

    def carry(self, giver: str, *takers: str) -> None:
        """Bring all that somebody has to others who want it."""
        path = self._folder / f"from {giver}.p2pb"
        node = self[giver]
        node.export(node.plan_export(path, everybody=True))
        for taker in takers:
            result = self[taker].import_bundle(path)
            assert (result.fault, result.refused) == (None, {})

    def know(self, *names: str) -> None:
        """Let some people follow one another, and have one another's feeds."""
        for one in names:
            for other in names:
                if one != other:
                    self[one].follow(self[other].account)
        for one in names:
            self.carry(one, *(other for other in names if other != one))

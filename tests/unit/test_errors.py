"""Each error has a stable code of its own, and the tree drawn in the module is the tree."""

import re
from pathlib import Path

import pytest

from p2pmicro import errors
from p2pmicro.errors import BacklinkError, P2PMicroError


def _all(root: type[P2PMicroError]) -> list[type[P2PMicroError]]:
    return [root, *(found for child in root.__subclasses__() for found in _all(child))]


def _codes_in_source() -> list[str]:
    """The `code` of every error class anywhere in the package, none imported for it."""
    root = Path(errors.__file__).parent
    return [
        match[1]
        for path in sorted(root.rglob("*.py"))
        for match in re.finditer(r'^    code(?:: ClassVar\[str\])? = "([^"]+)"', path.read_text("utf-8"), re.MULTILINE)
    ]


DRAWN = [
    (len(match[1]) // 2 - 2, match[2])
    for match in re.finditer(r"^( {4,})(\w+Error)\b", (errors.__doc__ or "").split("Each has")[0], re.MULTILINE)
]


def test_codes_are_unique() -> None:
    codes = _codes_in_source()
    assert len(codes) > 20
    assert sorted(codes) == sorted(set(codes))


def test_code_says_under_which_error_it_stands() -> None:
    for kind in _all(P2PMicroError)[1:]:
        (parent,) = kind.__bases__
        assert issubclass(parent, P2PMicroError)
        assert re.fullmatch(r"[a-z_]+(\.[a-z_]+)*", kind.code)
        assert parent is P2PMicroError or kind.code.startswith(parent.code + ".")


def test_every_error_of_the_module_is_drawn_in_its_tree() -> None:
    here = {kind.__name__ for kind in _all(P2PMicroError) if kind.__module__ == errors.__name__}
    assert {name for _, name in DRAWN} == here


def test_drawing_shows_who_stands_under_whom() -> None:
    above: list[str] = []
    for depth, name in DRAWN:
        above[depth:] = [name]
        kind = getattr(errors, name)
        assert kind.__bases__[0].__name__ == (above[depth - 1] if depth else "Exception")
        assert kind.__doc__


def test_backlink_error_carries_both_ids() -> None:
    with pytest.raises(BacklinkError, match="why") as caught:
        raise BacklinkError("why", 7, b"a" * 32, b"b" * 32)
    assert (caught.value.seq, caught.value.expected, caught.value.found) == (7, b"a" * 32, b"b" * 32)

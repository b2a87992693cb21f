"""Who imports whom: the package's imports, read and kept as the design has them."""

import ast
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import p2pmicro

ROOT = Path(p2pmicro.__file__).parent

BASE = {"errors", "limits", "ids"}
FORMAT = BASE | {"keys", "cbor", "feed"}
INSIDE = FORMAT | {"sync", "net", "store", "views", "watch", "node"}
MAY_IMPORT = {
    "errors": set(),
    "limits": set(),
    "ids": {"errors", "limits"},
    "keys": BASE,
    "cbor": BASE,
    "feed": FORMAT,
    "sync": FORMAT | {"sync"},
    "net": FORMAT | {"sync", "net"},
    "store": FORMAT | {"store"},
    "views": FORMAT | {"store", "views"},
    "watch": FORMAT | {"store", "views", "watch"},
    "node": INSIDE,
    "web": INSIDE | {"web"},
    "cli": INSIDE | {"web", "cli"},
    "": INSIDE,  # p2pmicro/__init__.py, the embedding API
    "__main__": {"cli"},
}
"""A part of the package (a module or folder right under it) to the parts that it may import."""

PURE = {"feed", "sync"}
NOT_PURE = {
    *("trio", "socket", "ssl", "sqlite3", "time", "random", "os", "logging"),
    *("asyncio", "secrets", "select", "subprocess", "threading", "pathlib", "datetime", "tempfile"),
}

HOMES = {
    "cbor2": {"cbor"},
    "confusable_homoglyphs": {"views.lookalike"},
    "cryptography.hazmat.primitives.asymmetric.ed25519": {"keys"},
    "cryptography.hazmat.primitives.ciphers": {"feed.seal", "feed.picture.sealed"},
    "cryptography.hazmat.primitives.hpke": {"feed.seal"},
    "cryptography.x509": {"net.tls"},
    "mnemonic": {"keys"},
    "sqlite3": {"store", "views", "node"},  # the last two for the type of what they hand on, see below
    "trio": {"net", "node", "watch", "web", "cli", ""},
    "zeroconf": {"net.mdns"},
}
"""A library to the modules or folders that alone may import it."""


class Import(NamedTuple):
    importer: str  # dotted, without "p2pmicro."; a folder's __init__ goes by the folder's name
    line: int
    target: str  # the same for our own, with a leading dot; "sqlite3" or "sqlite3.Connection" for others
    at_run_time: bool  # not under TYPE_CHECKING


def _module_name(path: Path) -> str:
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


PATHS = {_module_name(path): path for path in sorted(ROOT.rglob("*.py"))}


def read_imports(importer: str, is_folder: bool, source: str) -> Iterator[Import]:
    """Every import of a module, those inside functions too."""
    tree = ast.parse(source)
    for_types = {
        id(inner)
        for node in ast.walk(tree)
        if isinstance(node, ast.If) and ast.unparse(node.test).endswith("TYPE_CHECKING")
        for inner in ast.walk(node)
    }
    for node in ast.walk(tree):
        targets: list[str] = []
        if isinstance(node, ast.Import):
            targets = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            base = node.module or ""
            if node.level:
                parts = importer.split(".") if importer else []
                drop = node.level - 1 if is_folder else node.level
                base = ".".join(["p2pmicro", *parts[: len(parts) - drop], *base.split(".")]).rstrip(".")
            targets = [f"{base}.{alias.name}" for alias in node.names]
        for target in targets:
            if target.split(".")[0] == "p2pmicro":
                target = "." + _longest_module(target.removeprefix("p2pmicro").lstrip("."))
            yield Import(importer, getattr(node, "lineno", 0), target, id(node) not in for_types)


def _longest_module(dotted: str) -> str:
    """`store.db` of `store.db.open_database`: the part of a dotted name that is a module."""
    while dotted and dotted not in PATHS:
        dotted = dotted.rpartition(".")[0]
    return dotted


IMPORTS = [
    found
    for name, path in PATHS.items()
    for found in read_imports(name, path.name == "__init__.py", path.read_text(encoding="utf-8"))
]
OURS = [found for found in IMPORTS if found.target.startswith(".")]
OTHERS = [found for found in IMPORTS if not found.target.startswith(".")]


def _part(module: str) -> str:
    return module.split(".")[0]


def _is_within(name: str, whole: str) -> bool:
    return name == whole or name.startswith(whole + ".")


def test_every_part_of_the_package_has_its_place() -> None:
    assert {_part(name) for name in PATHS} <= MAY_IMPORT.keys()


def test_parts_import_only_what_lies_below() -> None:
    bad = [found for found in OURS if _part(found.target[1:]) not in MAY_IMPORT[_part(found.importer)]]
    assert bad == []


def test_no_module_imports_itself_in_a_circle() -> None:
    below: dict[str, set[str]] = {name: set() for name in PATHS}
    for found in OURS:
        if found.at_run_time and found.importer:
            below[found.importer].add(found.target[1:])
    while free := [name for name, targets in below.items() if not targets & below.keys()]:
        for name in free:
            del below[name]
    assert below == {}, "these import one another"


def test_format_and_protocol_touch_no_world() -> None:
    bad = [found for found in OTHERS if _part(found.importer) in PURE and _part(found.target) in NOT_PURE]
    assert bad == []


def test_each_library_has_one_home() -> None:
    bad = [
        found
        for found in OTHERS
        for library, homes in HOMES.items()
        if _is_within(found.target, library) and not any(_is_within(found.importer, home) for home in homes)
    ]
    assert bad == []


def test_only_the_store_knows_more_of_sqlite_than_a_connections_type() -> None:
    used = {
        found.target for found in OTHERS if _is_within(found.target, "sqlite3") and _part(found.importer) != "store"
    }
    for name, path in PATHS.items():
        if _part(name) != "store":
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
                if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == "sqlite3":
                    used.add(f"sqlite3.{node.attr}")
    assert used <= {"sqlite3", "sqlite3.Connection"}


def test_only_the_command_line_prints() -> None:
    bad = [
        f"{name}:{node.lineno}"
        for name, path in PATHS.items()
        if _part(name) != "cli"
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Name) and node.id == "print"
    ]
    assert bad == []


def test_imports_are_read_in_every_form() -> None:
    source = "\n".join(
        (
            "import sqlite3, os.path as p",
            "from .. import cbor",
            "from ..errors import EntryError as E",
            "from . import chain",
            "def later():",
            "    from p2pmicro.feed.chain import Link",
            "if TYPE_CHECKING:",
            "    from .wire import parse_range",
        )
    )
    found = [(one.target, one.at_run_time) for one in read_imports("feed.content", False, source)]
    assert sorted(found) == [
        *((".cbor", True), (".errors", True), (".feed.chain", True), (".feed.chain", True), (".feed.wire", False)),
        *(("os.path", True), ("sqlite3", True)),
    ]
    assert [one.target for one in read_imports("feed", True, "from .chain import Link")] == [".feed.chain"]

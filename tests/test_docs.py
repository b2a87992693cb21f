"""What the pages of protocol/ say is what the code, the grammar and the vectors have."""

import json
import re
from functools import cache
from pathlib import Path

import pytest

from p2pmicro import errors, limits
from p2pmicro.feed.content import KINDS, TextError
from p2pmicro.feed.picture import PictureError
from p2pmicro.feed.seal import SealError

from .vectors.form import FOLDER, load_hex

PROTOCOL = FOLDER.parent
PACKAGE = PROTOCOL.parent / "p2pmicro"
PAGES = sorted(PROTOCOL.glob("*.md"))
# Rules about what to send, keep or show, and of the merging of state: the tests of sync, store and views show them.
_WITHOUT_VECTOR = {
    *("account-words", "feed-key", "author-heads", "kept-heads", "signature-not-in-id"),
    *("range-proven-feed", "range-serve", "excerpt-proven-feed", "fork-smallest", "fork-pass-on"),
    *("revoke-smallest", "revoke-branch", "revoke-hidden"),
    *("follows-merge", "snapshot-every", "mark-outside", "mark-behind", "mark-own-fork"),
    *("delete-own", "delete-void", "delete-erase", "delete-kept", "delete-hidden"),
    *("bundle-as-in-session", "bundle-deletes", "bundle-no-secret"),
    *("picture-type", "picture-caps", "picture-strip", "picture-wrong"),
    *("state-rev", "state-winner", "time-order", "time-marks", "text-hidden", "tag-typed"),
    *("reaction-original", "sealed-fresh", "sealed-keys-kept", "sealed-public", "state-own"),
}


@cache
def read(name: str) -> str:
    """A page of protocol/."""
    return (PROTOCOL / name).read_text("utf-8")


@cache
def headings(name: str) -> tuple[str, ...]:
    """The headings of a page."""
    return tuple(re.findall(r"^#+ (.+)$", read(name), re.M))


def rules(name: str) -> list[str]:
    """The named rules of a page."""
    return re.findall(r'<a id="([^"]+)"></a>', read(name))


def anchors(name: str) -> set[str]:
    """Everything in a page that a link can name: rules, and headings as Markdown viewers name them."""
    return {*rules(name), *(re.sub(r"[^a-z0-9 -]", "", text.lower()).replace(" ", "-") for text in headings(name))}


def blocks(name: str, language: str) -> list[tuple[str, str]]:
    """The fenced blocks of a language: what stands after it, and the text."""
    return re.findall(rf"^```{language} ?([^\n]*)\n(.*?)^```$", read(name), re.M | re.S)


def squeezed(text: str) -> str:
    """Grammar without comments and layout."""
    return " ".join(re.sub(r";.*", "", text).split())


def number(text: str) -> int | float:
    """A number as the tables have it."""
    plain = text.replace(",", "")
    return float(plain) if "." in plain else int(plain)


# --- Grammar, examples ---


@pytest.mark.parametrize("page", [page.name for page in PAGES])
def test_quoted_grammar_is_in_the_grammar(page: str) -> None:
    whole = squeezed(read("p2pmicro.cddl"))
    for _, fragment in blocks(page, "cddl"):
        for rule in re.split(r"\n(?=[a-z][a-z0-9-]* =)", fragment.strip()):
            assert squeezed(rule) in whole, rule


@pytest.mark.parametrize("page", ["bundle.md", "content.md", "feed.md"])
def test_example_in_hex_is_a_vector(page: str) -> None:
    found = blocks(page, "hex")
    assert found
    for path, text in found:
        vector = json.loads((PROTOCOL / path).read_text("ascii"))
        assert vector["expect"] == "ok"
        assert bytes.fromhex(re.sub(r"#.*", "", text)) == load_hex(vector["hex"]), path
    assert read(page).index("```hex") < 4000, "the example comes early"


def test_every_kind_has_its_section() -> None:
    sections = {word for heading in headings("content.md") for word in heading.split(", ")}
    assert sections >= KINDS
    named = re.search(r"The kinds of this version are (.*)\. `keys`", read("content.md"))
    assert named is not None
    assert set(re.findall(r"`([a-z]+)`", named[1])) == KINDS


# --- Limits, codes ---


@pytest.mark.parametrize("page", [page.name for page in PAGES])
def test_limits_are_those_of_the_code(page: str) -> None:
    for name, value in re.findall(r"^\| `([A-Z][A-Z0-9_]+)` \| ([0-9,.]+)", read(page), re.M):
        assert number(value) == getattr(limits, name), name


def test_limits_of_the_log_and_of_content_are_all_stated() -> None:
    source = (PACKAGE / "limits.py").read_text("utf-8")
    log, content = re.split(r"^# --- .*\n", source, flags=re.M)[1:3]
    for text, page, left_out in (
        (log, "feed.md", {"FEEDS_PER_ACCOUNT_MAX"}),
        (content, "content.md", {"SEALED_SLOTS", "SEALED_BODY_BYTES"}),
    ):
        stated = set(re.findall(r"^\| `([A-Z0-9_]+)` \|", read(page), re.M))
        assert set(re.findall(r"^([A-Z0-9_]+) =", text, re.M)) - left_out == stated


def codes(family: type[errors.P2PMicroError]) -> set[str]:
    """The codes of the errors of a family that errors.py has, its root apart."""
    return {
        error.code
        for error in vars(errors).values()
        if isinstance(error, type) and issubclass(error, family) and error is not family
    }


@pytest.mark.parametrize("page", ["content.md", "feed.md"])
def test_error_codes_are_those_of_the_code(page: str) -> None:
    known = {*codes(errors.P2PMicroError), TextError.code, PictureError.code, SealError.code}
    used = set(re.findall(r"`((?:entry|local|remote|store)(?:\.[a-z_]+)?)`", read(page)))
    assert used <= known
    tables = set(re.findall(r"^\| `([a-z.]+)` \|", read(page), re.M))
    assert used == tables, "every code that is used stands in the page's table"


def test_every_entry_code_is_explained() -> None:
    assert codes(errors.EntryError) == set(re.findall(r"^\| `(entry\.[a-z]+)` \|", read("feed.md"), re.M))


# --- Anchors, links ---


@pytest.mark.parametrize("page", [page.name for page in PAGES])
def test_rule_names_are_unique_and_shown(page: str) -> None:
    found = rules(page)
    assert len(found) == len(set(found))
    for rule in found:
        assert f'<a id="{rule}"></a>**{rule}**' in read(page)


def test_vectors_name_rules_and_rules_have_vectors() -> None:
    named = {json.loads(path.read_text("ascii"))["spec"] for path in FOLDER.glob("*/*.json")}
    for spec in named:
        page, anchor = spec.split("#")
        if (PROTOCOL / page).exists():
            assert anchor in anchors(page), spec
    for page in ("bundle.md", "content.md", "feed.md"):
        mute = {rule for rule in rules(page) if f"{page}#{rule}" not in named}
        assert mute <= _WITHOUT_VECTOR, page
    assert {rule for page in ("bundle.md", "content.md", "feed.md") for rule in rules(page)} >= _WITHOUT_VECTOR


@pytest.mark.parametrize("page", [*PAGES, FOLDER / "README.md"], ids=lambda page: page.relative_to(PROTOCOL).as_posix())
def test_links_lead_somewhere(page: Path) -> None:
    for target in re.findall(r"\]\(([^)\s]+)\)", page.read_text("utf-8")):
        path, _, anchor = target.partition("#")
        if path.startswith("http"):
            continue
        linked = (page.parent / path).resolve() if path else page
        assert linked.exists(), target
        if anchor:
            assert anchor in anchors(linked.relative_to(PROTOCOL).as_posix()), target


def test_sources_in_docstrings_name_headings() -> None:
    checked = 0
    for path in sorted(PACKAGE.rglob("*.py")):
        joined = re.sub(r"\s+(?:# ?)?", " ", path.read_text("utf-8"))
        for page, names in re.findall(
            r'protocol/([a-z]+\.md),? ((?:sections? )?"[^"]+"(?:(?:,| and| to) "[^"]+")*)', joined
        ):
            if (PROTOCOL / page).exists():
                for name in re.findall(r'"([^"]+)"', names):
                    assert name in headings(page), f"{path.name}: protocol/{page} has no {name!r}"
                    checked += 1
    assert checked >= 15

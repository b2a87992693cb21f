"""The second implementation, protocol/vectors/verify.mjs, gives the verdict of every vector."""

import json
import re
import shutil
import subprocess
from random import Random

import pytest

from p2pmicro.feed.content import TextError, clean_text

from .form import FOLDER
from .make_vectors import on_disk

_NODE_MIN = 18


def _node() -> str:
    node = shutil.which("node")
    if node is None:
        pytest.skip("Node.js is not installed: the second implementation can't run")
    said = subprocess.run([node, "--version"], capture_output=True, text=True, timeout=30, check=True).stdout
    version = re.match(r"v(\d+)", said)
    if version is None or int(version[1]) < _NODE_MIN:
        pytest.skip(f"Node.js is {said.strip()}: Ed25519 in its WebCrypto begins with {_NODE_MIN}")
    return node


def test_javascript_agrees_on_every_vector() -> None:
    ran = subprocess.run(
        [_node(), "--no-warnings", str(FOLDER / "verify.mjs"), "--json"], capture_output=True, text=True, timeout=60
    )
    judged = {line["name"]: line["fault"] for line in map(json.loads, ran.stdout.splitlines())}
    assert {name: fault for name, fault in judged.items() if fault} == {}, ran.stderr
    assert judged.keys() == {name.removesuffix(".json") if "/" in name else name for name in on_disk()}
    assert ran.returncode == 0


def test_javascript_counts_code_points_alike(rng: Random) -> None:
    texts = [_text(rng) for _ in range(5000)]
    script = f"""
        import {{ codePoints, prepareText }} from {json.dumps((FOLDER / "verify.mjs").as_uri())};
        import {{ readFileSync }} from "node:fs";
        const caught = (error) => error.code ?? String(error);
        const prepared = (text) => {{ try {{ return prepareText(text); }} catch (error) {{ return caught(error); }} }};
        const texts = JSON.parse(readFileSync(0, "utf8"));
        console.log(JSON.stringify(texts.map((text) => [codePoints(text), prepared(text)])));
    """
    ran = subprocess.run(
        [_node(), "--no-warnings", "--input-type=module", "-e", script],
        input=json.dumps(texts), capture_output=True, text=True, timeout=60, check=True,
    )  # fmt: skip
    said = json.loads(ran.stdout)
    wrong = [text for text, found in zip(texts, said, strict=True) if found != [len(text), _prepared(text)]]
    assert wrong == []
    codes = {found if found == "local.text" else "" for _, found in said}
    assert codes == {"local.text", ""}, "some can be sent and some not"


def _prepared(text: str) -> str:
    try:
        return clean_text(text)
    except TextError as error:
        return error.code


def _text(rng: Random) -> str:
    """About the limit, of what is counted in different ways: one to four bytes, one or two UTF-16 units, marks."""
    parts = rng.sample(_PARTS, rng.randint(1, 4))
    return "".join(rng.choice(parts) for _ in range(rng.choice((0, 1, 139, 140, 141, rng.randrange(300)))))


_PARTS = [
    *("a", "é", "e\u0301", "\r\n", "\n", "\r", " ", "\u3000", "語", "한", "\u1112\u1161\u11ab", "\u200d", "\ufe0f"),
    *("\U0001f600", "\U0001f468\u200d\U0001f469\u200d\U0001f467", "\U0001f1e8\U0001f1ed", "\U0002f800", "\U0010ffff"),
    *("\x00", "\x85", "\u202e", "\ufeff", "ﬁ", "\u0f73", "\u0344", "\U0001d15e", "\ud800"),
]


def test_javascript_needs_no_package() -> None:
    text = (FOLDER / "verify.mjs").read_text("utf-8")
    assert set(re.findall(r'^import .* from "(.*)";$', text, re.M)) == {
        "node:crypto",
        "node:fs/promises",
        "node:path",
        "node:url",
    }

"""The second implementation, protocol/vectors/verify.mjs, gives the verdict of every vector."""

import json
import re
import shutil
import subprocess

import pytest

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


def test_javascript_needs_no_package() -> None:
    text = (FOLDER / "verify.mjs").read_text("utf-8")
    assert set(re.findall(r'^import .* from "(.*)";$', text, re.M)) == {
        "node:crypto",
        "node:fs/promises",
        "node:path",
        "node:url",
    }

"""Where other people's test vectors lie: beside the checkout, or in the folder that P2PMICRO_VECTORS names."""

import json
import os
from pathlib import Path
from typing import Any

import pytest

FOLDER = Path(os.environ.get("P2PMICRO_VECTORS") or Path(__file__).parents[3] / "shared" / "vectors")


def load(name: str) -> Any:
    """The JSON of a file of vectors; the test that needs it is skipped where it is absent."""
    path = FOLDER / name
    if not path.is_file():
        pytest.skip(f"no {name} in {FOLDER}: set P2PMICRO_VECTORS to the folder that has it")
    return json.loads(path.read_text(encoding="utf-8"))

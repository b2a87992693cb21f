"""Write protocol/vectors: `python -m tests.vectors.make_vectors`. The same bytes each time; a test compares them."""

import sys
from collections.abc import Iterator
from pathlib import Path

from . import (
    cases_bundle,
    cases_cbor,
    cases_device,
    cases_entry,
    cases_excerpt,
    cases_fork,
    cases_keys,
    cases_range,
    cases_range_faults,
    cases_sealed,
    cases_sealed_keys,
    cases_tags,
)
from .form import CHECKS, FOLDER, Vector, to_json
from .parties import known_keys

_CASES = (
    cases_cbor,
    cases_entry,
    cases_keys,
    cases_tags,
    cases_range,
    cases_range_faults,
    cases_sealed,
    cases_sealed_keys,
    cases_excerpt,
    cases_device,
    cases_fork,
    cases_bundle,
)


def vectors() -> Iterator[Vector]:
    """Every vector that is generated."""
    for cases in _CASES:
        yield from cases.vectors()


def files() -> dict[str, str]:
    """Path under protocol/vectors to content, for every generated file."""
    made = {"keys.json": to_json(known_keys())}
    for vector in vectors():
        path = f"{vector.name}.json"
        if path in made:
            raise ValueError(f"two vectors are named {vector.name}")
        made[path] = to_json(vector.document())
    return made


def on_disk(folder: Path = FOLDER) -> dict[str, str]:
    """The same of what is there."""
    paths = [folder / "keys.json", *(path for check in CHECKS for path in sorted((folder / check).glob("*")))]
    return {path.relative_to(folder).as_posix(): path.read_text("ascii") for path in paths if path.exists()}


def main() -> None:
    """Write all files, and remove those that are no longer made."""
    made = files()
    for path in on_disk().keys() - made.keys():
        (FOLDER / path).unlink()
    for path, content in made.items():
        (FOLDER / path).parent.mkdir(parents=True, exist_ok=True)
        (FOLDER / path).write_text(content, "ascii")
    sys.stdout.write(f"{len(made)} files\n")


if __name__ == "__main__":
    main()

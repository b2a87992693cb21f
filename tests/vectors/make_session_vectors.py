"""Write the vectors of sync.md: `python -m tests.vectors.make_session_vectors`; a test compares them."""

import sys
from pathlib import Path

from . import cases_message, cases_session
from .form import FOLDER, to_json

FOLDERS = ("frame", "message", "session")


def files() -> dict[str, str]:
    """Path under protocol/vectors to content."""
    documents = [vector.document() for vector in cases_message.vectors()]
    documents += [*cases_session.frames(), *cases_session.sessions()]
    made: dict[str, str] = {}
    for document in documents:
        path = f"{document['name']}.json"
        if path in made:
            raise ValueError(f"two vectors are named {document['name']}")
        made[path] = to_json(document)
    return made


def on_disk(folder: Path = FOLDER) -> dict[str, str]:
    """The same of what is there."""
    paths = [path for name in FOLDERS for path in sorted((folder / name).glob("*"))]
    return {path.relative_to(folder).as_posix(): path.read_text("ascii") for path in paths}


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

"""`picture`, and pictures that go with a message or a profile."""

import sys
import time
from argparse import Namespace
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..errors import LocalError
from ..feed.picture import Facts, PictureError, look
from ..node.newfile import check_place, new_file
from ..node.newpicture import PICTURE_FILE_MAX_BYTES, NewPicture
from ..node.pictures import OpenedPicture
from ..views.message import Picture
from .opening import open_home
from .output import dim, print_json, printable, size

if TYPE_CHECKING:
    from ..node.local import LocalNode

_LOOK_AGAIN_S = 0.1
_LINE_MAX = 4096  # characters: a wrong file on standard input must not be read to its end


# --- Into a message ---


def new_pictures(named: Sequence[tuple[str, str | None]]) -> list[NewPicture]:
    """Files to post, each with its alternative text; on a terminal, one that is missing is asked for.

    Raises:
        LocalError: a file can't be read, or a text is missing and nobody can be asked.
    """
    found = []
    for file, alt in named:
        data = read_file(file)
        found.append(NewPicture(data, _ask_for_alt(file) if alt is None else alt))
    return found


def read_file(file: str) -> bytes:
    """A picture's file.

    Raises:
        LocalError: it can't be read, or is far too large.
    """
    try:
        with open(file, "rb") as opened:
            data = opened.read(PICTURE_FILE_MAX_BYTES + 1)
    except FileNotFoundError:
        raise LocalError(f"There is no file {printable(file)}: check its name.") from None
    except IsADirectoryError:
        raise LocalError(f"{printable(file)} is a folder: name a picture in it.") from None
    except (OSError, ValueError) as error:  # the latter: a name with a NUL
        reason = getattr(error, "strerror", None) or str(error)
        raise LocalError(f"The file {printable(file)} can't be read: {reason}.") from None
    if len(data) > PICTURE_FILE_MAX_BYTES:
        raise PictureError(
            f"{printable(file)} has more than {PICTURE_FILE_MAX_BYTES >> 20} MiB: make the picture smaller."
        )
    return data


def _ask_for_alt(file: str) -> str:
    if not sys.stdin.isatty():
        raise LocalError(
            f"Say what {printable(file)} shows, for those who can't see it: give --alt TEXT after its --picture, or "
            '--alt "" on purpose.'
        )
    question = f"What does {printable(Path(file).name)} show, for those who can't see it? (Enter: nothing to say) "
    print(question, end="", file=sys.stderr, flush=True)
    return sys.stdin.readline(_LINE_MAX).strip()


# --- Shown ---


def picture_line(picture: Picture) -> str:
    """A picture in a list of messages: what it shows, in its author's words."""
    return f"[picture: {printable(picture.alt)}]" if picture.alt else "[picture]"


def picture_json(picture: Picture) -> dict[str, Any]:
    """A picture as every command prints it: as its author describes it."""
    return {
        "hash": picture.hash.hex(),
        "type": picture.type,
        "bytes": picture.size_bytes,
        "alt": picture.alt,
    }


def picture(args: Namespace) -> None:
    """Show what is known of a picture, wait for it, and save it."""
    path = None if args.save is None else Path(args.save)
    with open_home(args) as node:
        if path is not None:
            check_place(path, node.home.path, node.home.state)
        opened = _open(node, args.whose, args.number)
        deadline = time.monotonic() + args.wait
        while opened.data is None and time.monotonic() < deadline and node.is_running():
            time.sleep(_LOOK_AGAIN_S)
            if node.is_here(opened.picture):
                opened = _open(node, args.whose, args.number)
        running = node.is_running()
    if path is not None:
        if opened.data is None:
            raise LocalError(_absence(running))
        with new_file(path) as file:
            file.write(opened.data)
    facts = None if opened.data is None else look(opened.data)
    if args.json:
        print_json(
            {
                **picture_json(opened.picture),
                "here": opened.data is not None,
                "width": None if facts is None else facts.width,
                "height": None if facts is None else facts.height,
                "saved": None if path is None else str(path),
            }
        )
        return
    print(printable(opened.picture.alt) if opened.picture.alt else dim("(its author does not say what it shows)"))
    print(dim(_described(opened, facts)))
    if path is not None:
        print(f"Saved as {printable(str(path))}.")
    elif facts is None:
        print(_absence(running))
    else:
        print("It is here: --save FILE gets it out.")


def _open(node: "LocalNode", whose: str, number: int | None) -> OpenedPicture:
    if "/" in whose:
        return node.picture(whose, 1 if number is None else number)
    if number is not None:
        raise LocalError("A person has one picture: leave the number out, or name a message.")
    found = node.avatar(node.find_account(whose))
    if found is None:
        raise LocalError("This person shows no picture, as far as is known here.")
    return found


def _described(opened: OpenedPicture, facts: Facts | None) -> str:
    kind = printable(opened.picture.type.removeprefix("image/").upper())
    pixels = "" if facts is None else f", {facts.width} × {facts.height} pixels"
    frames = f", {facts.frames} frames" if facts is not None and facts.frames > 1 else ""
    return f"{kind}{pixels}{frames}, {size(opened.picture.size_bytes)}"


def _absence(running: bool) -> str:
    hint = "try again later" if running else "start it with `p2pmicro run`"
    return f"The picture is not here yet. Your node asks for it when it meets one that has it: {hint}."

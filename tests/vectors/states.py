"""The picture of a session's states, made from the table of the code. Source: protocol/sync.md, "States"."""

from p2pmicro.sync.message import Hello, Interest, RangeGiven, Resume
from p2pmicro.sync.state import TABLE, State

_NAMES: dict[type, str] = {RangeGiven: "given"}


def name_of(kind: type) -> str:
    """A message's name as the pages have it."""
    plain = _NAMES.get(kind, kind.__name__)
    return "".join("-" + letter.lower() if letter.isupper() else letter for letter in plain).lstrip("-")


def picture() -> str:
    """The way through the states, and what each takes."""
    way = State.AWAIT_HELLO.value
    state = State.AWAIT_HELLO
    for kind in (Hello, Resume, Interest):
        state = TABLE[state][kind]
        way += f" --{name_of(kind)}--> {state.value}"
    kinds = [kind for takes in TABLE.values() for kind in takes]
    names = sorted({name_of(kind) for kind in kinds}, key=[name_of(kind) for kind in kinds].index)
    width = max(len(name) for name in names)
    states = [state for state in State if TABLE[state]]
    lines = [way, "", " " * width + "".join(f"  {state.value:<14}" for state in states).rstrip()]
    for name in names:
        cells = []
        for state in states:
            after = {name_of(kind): after for kind, after in TABLE[state].items()}.get(name)
            cells.append("-" if after is None else "stays" if after is state else after.value)
        lines.append(f"{name:<{width}}" + "".join(f"  {cell:<14}" for cell in cells).rstrip())
    return "\n".join(lines) + "\n"

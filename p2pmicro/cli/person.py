"""How people are named to people: by petname, or name and the end of the account, so that no name stands alone."""

from typing import TYPE_CHECKING, Any

from ..ids import AccountId, format_account, short
from ..views.names import Closeness, Known
from ..views.person import Person
from .output import printable_name

if TYPE_CHECKING:
    from ..node.local import LocalNode


def called(node: "LocalNode", account: AccountId) -> str:
    """What to call somebody in a sentence.

    Anybody may take anybody's name: the letters behind it are of the account, and tell who it is.
    """
    return called_by(node.named([account])[account])


def called_by(one: Known | Person) -> str:
    """The same for somebody whose names are at hand."""
    name = one.petname or one.name
    return f"{printable_name(name)} ({short(one.account)})" if name else short(one.account)


def warning(node: "LocalNode", one: Known | Person) -> str | None:
    """What to say of a stranger whose name looks like that of somebody whom one knows; None if nothing."""
    if one.looks_like is None:
        return None
    whom = "you call yourself" if one.looks_like == node.account else f"{called(node, one.looks_like)} is called"
    return f"Careful: {called_by(one)} is somebody else than that name may make you think: {whom} nearly so."


def relation(person: Person) -> str:
    """How oneself and somebody stand to each other, in a few words."""
    if person.you_follow and person.follows_you:
        words = ["you follow each other"]
    else:
        words = ["you follow"] * person.you_follow + ["follows you"] * person.follows_you
    words += ["muted"] * person.muted + ["blocked"] * person.blocked
    return ", ".join([*words, *["looks like somebody else"] * (person.looks_like is not None)])


def person_json(person: Person) -> dict[str, Any]:
    """Somebody, as every command prints them."""
    return {
        "account": format_account(person.account),
        "petname": person.petname,
        "name": person.name,
        "known": _KNOWN[person.closeness],
        "looks_like": None if person.looks_like is None else format_account(person.looks_like),
        "you_follow": person.you_follow,
        "follows_you": person.follows_you,
        "muted": person.muted,
        "blocked": person.blocked,
    }


_KNOWN = {
    Closeness.PETNAME: "named",
    Closeness.FOLLOWED: "followed",
    Closeness.HOP: "near",
    Closeness.OTHER: "stranger",
}

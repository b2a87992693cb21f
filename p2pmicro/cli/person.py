"""How people are named to people: by petname, or name and the end of the account, so that no name stands alone."""

from ..ids import AccountId, short
from ..node.local import LocalNode
from .output import printable_name


def called(node: LocalNode, account: AccountId) -> str:
    """What to call somebody in a sentence.

    Anybody may take anybody's name: the letters behind it are of the account, and tell who it is.
    """
    petname = node.petnames().get(account)
    name = petname or node.names([account])[account]
    return f"{printable_name(name)} ({short(account)})" if name else short(account)

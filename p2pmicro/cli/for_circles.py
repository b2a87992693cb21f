"""How the commands about circles and conversations are called."""

from .counts import count
from .for_people import Add, Group


def declare(add: Add, group: Group) -> None:
    """Declare them."""
    circles = group("circle", "keep named sets of people, to write to them alone",
                    'p2pmicro circle create "hill walkers" Ben Cleo\np2pmicro circle add "hill walkers" Dan\n'
                    'p2pmicro circle list')  # fmt: skip
    for name, text in (
        ("create", "make a circle"),
        ("add", "put people into a circle"),
        ("remove", "take people out of a circle: they can't read what follows"),
    ):
        one = add(name, "circles", name, text, f'p2pmicro circle {name} "hill walkers" Ben', circles)
        one.add_argument("name", metavar="CIRCLE", help="its name; nobody else sees it")
        many = "*" if name == "create" else "+"
        one.add_argument("people", metavar="ACCOUNT|NAME", nargs=many, help="who")
    one = add("delete", "circles", "delete", "forget a circle", 'p2pmicro circle delete "hill walkers"', circles)
    one.add_argument("name", metavar="CIRCLE", help="its name")
    one = add("list", "circles", "show", "list your circles and who belongs to them",
              'p2pmicro circle list\np2pmicro circle list "hill walkers"', circles)  # fmt: skip
    one.add_argument("name", metavar="CIRCLE", nargs="?", help="only this one")

    inbox = add("inbox", "circles", "inbox", "list what people wrote to you alone, or read a conversation",
                "p2pmicro inbox\np2pmicro inbox Ben\np2pmicro inbox Ben Cleo\n"
                'p2pmicro inbox "hill walkers" --limit 10')  # fmt: skip
    inbox.add_argument("people", metavar="CIRCLE|NAME", nargs="*", help="with whom; without, all are listed")
    inbox.add_argument("--limit", type=count, default=50, metavar="N", help="at most (default: 50)")
    inbox.add_argument("--keep-unread", action="store_true", help="don't mark what is shown as read")

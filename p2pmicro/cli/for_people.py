"""How the commands about people are called."""

import argparse
from collections.abc import Callable
from typing import Any, TypeAlias

from .counts import count

Add: TypeAlias = Callable[..., argparse.ArgumentParser]
"""Declares a command: its name, the module and function that do it, its text, examples, and among which it is."""
Group: TypeAlias = Callable[[str, str, str], Any]
"""Declares a command of several: its name, text and examples."""


def declare(add: Add, group: Group) -> None:
    """Declare them."""
    profile = add("profile", "account", "profile", "show or change what others see of you",
                  'p2pmicro profile\np2pmicro profile --name Ada --bio "Bread, boats, bad puns"\n'
                  'p2pmicro profile --avatar me.jpg\np2pmicro profile --link ""')  # fmt: skip
    profile.add_argument("--name", help="your name (at most 50 characters)")
    profile.add_argument("--bio", help="some words about you (at most 500 characters); empty: none")
    profile.add_argument("--link", metavar="URL", help="a page of yours, https:// or http://; empty: none")
    profile.add_argument("--avatar", metavar="FILE", help="a picture of at most 256 KiB; empty: none")

    follow = add("follow", "people", "follow", "follow somebody; follows are public",
                 "p2pmicro follow did:key:z6Mk…\np2pmicro follow Ada")  # fmt: skip
    follow.add_argument(
        "account", metavar="ACCOUNT|NAME", help="as their `whoami` shows it, or by name where it is known"
    )
    unfollow = add("unfollow", "people", "unfollow", "follow somebody no longer",
                   "p2pmicro unfollow did:key:z6Mk…\np2pmicro unfollow Ada")  # fmt: skip
    unfollow.add_argument("account", metavar="ACCOUNT|NAME", help="as `following` shows it")
    for name, text in (
        ("following", "list those whom you follow, or somebody else does"),
        ("followers", "list those who follow you, or somebody else"),
    ):
        some = add(name, "people", name, text, f"p2pmicro {name}\np2pmicro {name} Ada")
        some.add_argument("account", metavar="ACCOUNT|NAME", nargs="?", help="whose (default: yours)")

    who = add("who", "people", "who", "show somebody with all that is known of them",
              "p2pmicro who Ada\np2pmicro who did:key:z6Mk… --petname Mum")  # fmt: skip
    who.add_argument("account", metavar="ACCOUNT|NAME", help="whom")
    who.add_argument("--petname", metavar="NAME", help="call them so from now on; empty: by their own name")
    petname = add("petname", "people", "petname", "give somebody a name that nobody else sees; alone, list those",
                  'p2pmicro petname did:key:z6Mk… Mum\np2pmicro petname Mum ""\np2pmicro petname')  # fmt: skip
    petname.add_argument("account", metavar="ACCOUNT|NAME", nargs="?", help="whom")
    petname.add_argument("name", metavar="NEW", nargs="?", help="the name; empty: none")

    _declare_quiet(add)
    _declare_lists(add, group)
    _declare_search(add)


def _declare_quiet(add: Add) -> None:
    mute = add("mute", "quiet", "mute", "see nothing more of somebody, or of a word or tag; alone, list what is muted",
               'p2pmicro mute Ada --until 2030-12-31\np2pmicro mute --word "ferry was late"\n'
               "p2pmicro mute --tag ferry\np2pmicro mute --tag ferry --off\np2pmicro mute")  # fmt: skip
    mute.add_argument("account", metavar="ACCOUNT|NAME", nargs="?", help="whose messages")
    mute.add_argument("--word", metavar="WORD", help="messages with a word or phrase (whole words, in any case)")
    mute.add_argument("--tag", metavar="TAG", help="messages with a tag")
    mute.add_argument("--until", metavar="DATE", help="see it again from this day on, as 2030-12-31")
    mute.add_argument("--off", action="store_true", help="see it again now")
    block = add("block", "quiet", "block", "have nothing more to do with somebody; alone, list who is blocked",
                "p2pmicro block Ada\np2pmicro block Ada --off\np2pmicro block did:key:z6Mk…\np2pmicro block"
                )  # fmt: skip
    block.add_argument("account", metavar="ACCOUNT|NAME", nargs="?", help="who; what is here of them is dropped")
    block.add_argument("--off", action="store_true", help="let them in again")


def _declare_lists(add: Add, group: Group) -> None:
    lists = group("list", "keep lists of people, each with a timeline of its own; nobody else sees them",
                  "p2pmicro list create Hills\np2pmicro list add Hills Ada Ben\np2pmicro list show Hills\n"
                  "p2pmicro list all")  # fmt: skip
    add("all", "lists", "show_all", "show your lists with who is on them", "p2pmicro list all", lists)
    for name, text in (("create", "make an empty list"), ("delete", "take a list away")):
        one = add(name, "lists", name, text, f"p2pmicro list {name} Hills", lists)
        one.add_argument("name", metavar="LIST", help="its name")
    for name, text in (("add", "put people on a list"), ("remove", "take people off a list")):
        some = add(name, "lists", name, text, f"p2pmicro list {name} Hills Ada", lists)
        some.add_argument("name", metavar="LIST", help="its name")
        some.add_argument("account", metavar="ACCOUNT|NAME", nargs="+", help="whom")
    show = add("show", "lists", "show", "show the newest messages of those on a list",
               "p2pmicro list show Hills --limit 10", lists)  # fmt: skip
    show.add_argument("name", metavar="LIST", help="its name")
    show.add_argument("--limit", type=count, default=50, metavar="N", help="messages at most (default: 50)")


def _declare_search(add: Add) -> None:
    search = add("search", "search", "search", "find messages, or people, among what you hold",
                 'p2pmicro search ferry late\np2pmicro search \'"ferry was" fer* -early\'\n'
                 "p2pmicro search 'from:Ada #harbour since:2024-05 until:2024-06-15 has:picture'\n"
                 "p2pmicro search --people ada #bread")  # fmt: skip
    search.add_argument("query", metavar="QUERY", nargs="+", help="words, and what the examples show")
    search.add_argument("--people", action="store_true", help="people, by names, what they say, and #tags they use")
    search.add_argument("--limit", type=count, default=50, metavar="N", help="at most so many (default: 50)")

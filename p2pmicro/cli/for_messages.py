"""How the commands about messages are called."""

import argparse
from typing import Any

from .counts import count
from .for_people import Add

_PICTURE = "PNG, JPEG, WebP or GIF, at most 1 MiB; where it was taken and the like is stripped; up to 4 times"
_REF = "as `timeline` shows it, or with the last letters of the feed alone: …6EesfvYe/12"


def declare(add: Add) -> None:
    """Declare them."""
    _declare_writing(add)
    _declare_reading(add)
    _declare_reacting(add)


def _declare_writing(add: Add) -> None:
    post = add("post", "write", "post", "write a message of at most 140 characters",
               'p2pmicro post "Hello, hills"\np2pmicro post -- "-20 °C this morning"\n'
               'p2pmicro post "Seen the ferry, @Ben? #harbour"\necho "From a script" | p2pmicro post -\n'
               'p2pmicro post --to "hill walkers" "Sunday at nine"\n'
               'p2pmicro post "The hill today" --picture hill.jpg --alt "A hill in snow"\n'
               'p2pmicro post --replace z6Mk…/12 "Hello, hills, without a typo"')  # fmt: skip
    _takes_text(post)
    post.add_argument(
        "--to", metavar="CIRCLE|NAME", action="append", default=[],
        help="only for a circle of yours, or a person; can be repeated",
    )  # fmt: skip
    post.add_argument(
        "--replace", metavar="REF", help="a message of yours that is deleted, and whose place in its thread this takes"
    )
    reply = add("reply", "write", "reply", "answer a message", 'p2pmicro reply z6Mk…/12 "I have"')
    reply.add_argument("ref", metavar="REF", help=_REF)
    _takes_text(reply)
    quote = add("quote", "write", "quote", "write a message that shows another one",
                'p2pmicro quote z6Mk…/12 "What she says"')  # fmt: skip
    quote.add_argument("ref", metavar="REF", help=_REF)
    _takes_text(quote)
    delete = add("delete", "write", "delete", "delete a message of yours, here and at every honest node",
                 "p2pmicro delete z6Mk…/12")  # fmt: skip
    delete.add_argument("ref", metavar="REF", help=_REF)


def _takes_text(command: argparse.ArgumentParser) -> None:
    command.add_argument("text", metavar="TEXT", help="the message; - reads standard input")
    command.add_argument("--lang", metavar="TAG", help="its language, as en or pt-BR")
    command.add_argument("--picture", metavar="FILE", dest="pictures", action=_AddPicture, default=(), help=_PICTURE)
    command.add_argument("--alt", metavar="TEXT", action=_AddAlt, help="what the picture before it shows, in words")


def _declare_reading(add: Add) -> None:
    timeline = add("timeline", "read", "timeline",
                   "show the newest messages of those you follow, and your own; or the page of one person",
                   "p2pmicro timeline\np2pmicro timeline --limit 10 --json\np2pmicro timeline Ada")  # fmt: skip
    timeline.add_argument("account", metavar="ACCOUNT|NAME", nargs="?", help="whose page: what they pinned first")
    _takes_limit(timeline)
    show = add("show", "read", "show", "show one message and all that is known of it", "p2pmicro show z6Mk…/12")
    show.add_argument("ref", metavar="REF", help=_REF)
    thread = add("thread", "read", "thread", "show the whole conversation around a message",
                 "p2pmicro thread z6Mk…/12\np2pmicro thread …6EesfvYe/12 --json")  # fmt: skip
    thread.add_argument("ref", metavar="REF", help=_REF)
    tag = add("tag", "tags", "tag", "show the messages of a tag; alone, list the tags that you follow",
              "p2pmicro tag harbour\np2pmicro tag 東京 --follow\n"
              "p2pmicro tag harbour --unfollow\np2pmicro tag")  # fmt: skip
    tag.add_argument("name", metavar="NAME", nargs="?", help="with or without its #")
    either = tag.add_mutually_exclusive_group()
    either.add_argument("--follow", action="store_true", help="see messages with it in your timeline too")
    either.add_argument("--unfollow", action="store_true", help="see them there no longer")
    _takes_limit(tag)
    notices = add("notices", "notices", "notices", "show who answered, mentioned, liked or followed you, and the like",
                  "p2pmicro notices\np2pmicro notices --read")  # fmt: skip
    notices.add_argument("--read", action="store_true", help="mark all as read, on your other devices too")
    _takes_limit(notices)
    bookmarks = add("bookmarks", "read", "bookmarks", "show the messages that you keep", "p2pmicro bookmarks")
    _takes_limit(bookmarks)


def _takes_limit(command: argparse.ArgumentParser) -> None:
    command.add_argument("--limit", type=count, default=50, metavar="N", help="messages at most (default: 50)")


def _declare_reacting(add: Add) -> None:
    repost = add("repost", "react", "repost", "pass a message on to those who follow you, under its author's name",
                 "p2pmicro repost z6Mk…/12\np2pmicro repost z6Mk…/12 --undo")  # fmt: skip
    repost.add_argument("ref", metavar="REF", help=_REF)
    repost.add_argument("--undo", action="store_true", help="pass it on no longer")
    like = add("like", "react", "like", "like a message; whoever can read it can see that", "p2pmicro like z6Mk…/12")
    like.add_argument("ref", metavar="REF", help=_REF)
    unlike = add("unlike", "react", "unlike", "like a message no longer", "p2pmicro unlike z6Mk…/12")
    unlike.add_argument("ref", metavar="REF", help=_REF)
    pin = add("pin", "react", "pin", "have a message of yours first on your page",
              "p2pmicro pin z6Mk…/12\np2pmicro pin z6Mk…/12 --remove")  # fmt: skip
    pin.add_argument("ref", metavar="REF", help=_REF)
    pin.add_argument("--remove", action="store_true", help="have it first no longer")
    bookmark = add("bookmark", "react", "bookmark", "keep a message for later; nobody learns of it",
                   "p2pmicro bookmark z6Mk…/12\np2pmicro bookmark z6Mk…/12 --remove")  # fmt: skip
    bookmark.add_argument("ref", metavar="REF", help=_REF)
    bookmark.add_argument("--remove", action="store_true", help="keep it no longer")


class _AddPicture(argparse.Action):
    """One more picture; its alternative text may follow."""

    def __call__(self, parser: Any, namespace: argparse.Namespace, value: Any, option: str | None = None) -> None:
        namespace.pictures = (*namespace.pictures, (value, None))


class _AddAlt(argparse.Action):
    """The alternative text of the picture before it."""

    def __call__(self, parser: Any, namespace: argparse.Namespace, value: Any, option: str | None = None) -> None:
        *before, last = namespace.pictures or ((None, None),)
        if last[0] is None or last[1] is not None:
            parser.error("--alt comes after the --picture that it describes")
        namespace.pictures = (*before, (last[0], value))

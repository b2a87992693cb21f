"""`notices`."""

from argparse import Namespace

from ..ids import format_feed
from ..views.message import Who
from ..views.notice import Notice, Why
from .message import message_json, message_lines, ref_text, who_json, who_text
from .opening import open_home
from .output import bold, dim, local_time, print_json, printable, rfc3339

_SAID = {
    Why.MESSAGE: "wrote to you",
    Why.REPLY: "answered you",
    Why.MENTION: "mentioned you",
    Why.QUOTE: "quoted you",
    Why.REPOST: "passed on your message",
    Why.LIKE: "likes your message",
    Why.FOLLOW: "follows you",
}
_CUT = 60  # characters of one's own message


def notices(args: Namespace) -> None:
    """Show what concerns oneself, and mark it as read where that is asked for."""
    with open_home(args) as node:
        found = node.notices(args.limit)
        if args.read:
            node.mark_notices_read()
        own = node.account
    for notice in found:
        if args.json:
            print_json(notice_json(notice))
        else:
            print(f"{bold('*') if notice.unread else ' '} {notice_line(notice, notice.who.account == own)}")
            if notice.message is not None:
                print("\n".join("  " + line for line in message_lines(notice.message)[1:]))
    if not found and not args.json:
        print("Nothing yet: answers, mentions, likes and the like are shown here.")
    elif args.read and not args.json:
        print("All of it is read now.")


def notice_line(notice: Notice, own: bool = False) -> str:
    """A notice in a sentence."""
    when = dim(local_time(notice.place.time_ms))
    if notice.why is Why.FORK:
        whose = "A feed of yours" if own else f"A feed of {who_text(notice.who)}"
        return f"{whose} is forked: its key was stolen or its home copied. What follows the fork is not shown. {when}"
    about = f": {_cut(notice.about.text)}" if notice.about is not None and notice.message is None else ""
    return f"{who_text(notice.who)} {_SAID[notice.why]}{about} {when}"


def _cut(text: str) -> str:
    shown = printable(text)
    return shown if len(shown) <= _CUT else shown[: _CUT - 1] + "…"


def notice_json(notice: Notice) -> dict[str, object]:
    """A notice as a line of JSON."""
    return {
        "why": notice.why.name.lower(),
        **who_json(Who(notice.who.account, notice.who.name)),
        "time": rfc3339(notice.place.time_ms),
        "seen": rfc3339(notice.seen_ms),
        "unread": notice.unread,
        "message": None if notice.message is None else message_json(notice.message),
        "about": None if notice.about is None else ref_text(notice.about.ref),
        "feed": None if notice.feed is None else format_feed(notice.feed),
    }

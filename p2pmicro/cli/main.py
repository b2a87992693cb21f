"""`p2pmicro`: the commands, their help, and what becomes of errors.

Each command's module is imported when it is called: a post takes a moment, and should.
"""

import argparse
import os
import sys
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any, NoReturn, cast

from . import for_circles, for_messages, for_people

EXIT_FAILED = 1  # something is wrong with the store, the network or the machine
EXIT_USAGE = 2  # what was asked for can't be done as asked: nothing was written

_QUICK = frozenset(("like", "post", "quote", "reply", "repost", "timeline"))  # what people do all day
_SHOWN_MAX = 60  # characters of what was typed, to say it back

_ABOUT = """\
Micro-blogging with no server. Your node keeps your messages (at most 140 characters) in a signed
log of its own, and exchanges logs with the nodes of the people you follow, on your network."""

_EXAMPLES = """\
examples:
  p2pmicro run --name Ada               start your node; leave it running
  p2pmicro post "Hello, hills"          write a message, in another terminal
  p2pmicro whoami                       show your account, for others to follow
  p2pmicro follow did:key:z6Mk…         follow somebody
  p2pmicro timeline                     read

The home is --home, P2PMICRO_HOME, or your platform's data folder."""


class _Formatter(argparse.RawDescriptionHelpFormatter):
    """Help with our longest name beside its text: argparse forgets how far commands are indented."""

    def __init__(self, prog: str) -> None:
        super().__init__(prog)
        self._action_max_length = len("following") + 4


class _Parser(argparse.ArgumentParser):
    """A parser that says what to do, in a sentence."""

    def error(self, message: str) -> NoReturn:
        print(f"p2pmicro: {message[:1].upper()}{message[1:]}. Try `{self.prog} --help`.", file=sys.stderr)
        raise SystemExit(EXIT_USAGE)

    def _check_value(self, action: argparse.Action, value: Any) -> None:
        if isinstance(action, argparse._SubParsersAction) and value not in action.choices:
            from difflib import get_close_matches

            near = get_close_matches(value, action.choices, n=1)
            meant = f"; perhaps `{near[0]}` was meant" if near else ""
            self.error(f"there is no command {value[:_SHOWN_MAX]!r}{meant}")
        super()._check_value(action, value)


def _lazy(module: str, function: str) -> Callable[[argparse.Namespace], int]:
    def call(args: argparse.Namespace) -> int:
        from importlib import import_module

        result = getattr(import_module(f".{module}", __package__), function)(args)
        return int(result or 0)

    return call


class _Unused:
    """Stands for the parser of a command that was not called: to make all of them takes longer than to post."""

    def __getattr__(self, name: str) -> Any:
        return lambda *args, **kwargs: self


def make_parser(only: str | None = None) -> argparse.ArgumentParser:
    """The whole command line, or what of it one command needs."""
    parser = _Parser(prog="p2pmicro", description=_ABOUT, epilog=_EXAMPLES, formatter_class=_Formatter)
    parser.add_argument("--home", metavar="DIR", help="the folder of your account (default: P2PMICRO_HOME)")
    parser.add_argument("--version", action="store_true", help="show the version")
    parser.add_argument("--debug", action="store_true", help=argparse.SUPPRESS)
    commands = parser.add_subparsers(title="commands", metavar="COMMAND", dest="command")

    def describe(text: str, examples: str) -> dict[str, Any]:
        return {
            "help": text,
            "description": text[:1].upper() + text[1:] + ".",
            "epilog": "examples:\n" + "\n".join("  " + line for line in examples.splitlines()),
            "formatter_class": _Formatter,
        }

    def add(
        name: str, module: str, function: str, text: str, examples: str, among: Any = commands
    ) -> argparse.ArgumentParser:
        if only is not None and among is commands and name != only:
            return cast("argparse.ArgumentParser", _Unused())
        command: argparse.ArgumentParser = among.add_parser(name, **describe(text, examples))
        # Also after the command, where people put it. SUPPRESS: absent there, the one before counts.
        command.add_argument("--home", metavar="DIR", default=argparse.SUPPRESS, help=argparse.SUPPRESS)
        command.add_argument("--debug", action="store_true", default=argparse.SUPPRESS, help=argparse.SUPPRESS)
        command.add_argument("--json", action="store_true", help="print JSON, an object a line")
        command.set_defaults(call=_lazy(module, function))
        return command

    def group(name: str, text: str, examples: str) -> Any:
        """A command of several: what stands after its name is one of them."""
        if only is not None and name != only:
            return _Unused()
        several = commands.add_parser(name, **describe(text, examples))
        return several.add_subparsers(metavar="COMMAND", dest="subcommand", required=True)

    run = add(
        "run", "run", "run", "start your node and keep it running",
        'p2pmicro run --name Ada\np2pmicro run --peer 192.168.1.7:4000\np2pmicro run --listen 127.0.0.1:4000 --no-mdns',
    )  # fmt: skip
    run.add_argument("--name", help="your name, shown to others (at most 50 characters)")
    run.add_argument("--listen", metavar="HOST:PORT", default=":0", help="where to listen (default: any free port)")
    run.add_argument("--no-mdns", action="store_true", help="don't announce the node on the LAN, nor look for others")
    run.add_argument(
        "--peer", metavar="HOST:PORT", action="append", default=[], help="a node to connect to; can be repeated"
    )

    init = add("init", "account", "init", "make an account without starting the node, or change your name",
               "p2pmicro init --name Ada\np2pmicro init --recover")  # fmt: skip
    init.add_argument("--name", help="your name, shown to others")
    init.add_argument("--recover", action="store_true", help="bring an account back from its 24 words")
    add("whoami", "account", "whoami", "show your account, feed and name", "p2pmicro whoami")
    words = add("words", "account", "words", "show the 24 words that are your account: keep them secret and safe",
                "p2pmicro words")  # fmt: skip
    words.add_argument("--yes", action="store_true", help="don't ask first")

    for_messages.declare(add)

    picture = add("picture", "pictures", "picture", "show a picture's description, or save it",
                  "p2pmicro picture z6Mk…/12\np2pmicro picture z6Mk…/12 2 --save hill.jpg\n"
                  "p2pmicro picture Ada --save ada.png")  # fmt: skip
    picture.add_argument("whose", metavar="REF|NAME", help="of a message, or of a person's profile")
    picture.add_argument("number", metavar="N", type=_place, nargs="?", help="which of a message's pictures")
    picture.add_argument("--save", metavar="FILE", help="write it into this file")
    picture.add_argument(
        "--wait", metavar="SECONDS", type=_seconds, default=10, help="for one that your node has still to fetch"
    )

    for_people.declare(add, group)

    for_circles.declare(add, group)

    drafts = group("draft", "keep texts that you have begun, and post them later",
                   'p2pmicro draft save "Hello, h"\np2pmicro draft list\np2pmicro draft post 1')  # fmt: skip
    save = add("save", "drafts", "save", "keep a text, on this computer alone",
               'p2pmicro draft save "Hello, h"\np2pmicro draft save --number 1 "Hello, hills"', drafts)  # fmt: skip
    save.add_argument("text", metavar="TEXT", help="the text, of any length; - reads standard input")
    save.add_argument("--number", type=_number, metavar="N", help="in place of this draft")
    add("list", "drafts", "show", "list your drafts", "p2pmicro draft list", drafts)
    for name, text in (("post", "post a draft, and drop it"), ("delete", "drop a draft")):
        one = add(name, "drafts", name, text, f"p2pmicro draft {name} 1", drafts)
        one.add_argument("number", type=_number, metavar="N", help="as `draft list` shows it")

    export = add("export", "export", "export", "write everything of yours into a file",
                 "p2pmicro export me.p2pb\np2pmicro export me.json --private --drafts\n"
                 "p2pmicro export --all --yes hills.p2pb")  # fmt: skip
    export.add_argument("file", metavar="FILE", help="me.json: plain JSON; me.p2pb: signed, for another node")
    export.add_argument("--as", dest="form", choices=("json", "bundle"), help="which, where the name does not say")
    export.add_argument("--all", action="store_true", help="also what you hold of others")
    export.add_argument("--private", action="store_true", help="with mutes, circles, messages to some … (JSON only)")
    export.add_argument("--drafts", action="store_true", help="with drafts (JSON only)")
    export.add_argument("--no-pictures", action="store_true", help="without pictures")
    export.add_argument("--yes", action="store_true", help="don't ask first")

    add("feeds", "state", "feeds", "list the feeds that are held here", "p2pmicro feeds --json")
    add("peers", "state", "peers", "list the nodes that yours is connected to, or has met", "p2pmicro peers")
    add("status", "state", "status", "show how your node is", "p2pmicro status")
    add("verify", "state", "verify", "read everything again and check every signature", "p2pmicro verify")
    add("rebuild", "state", "rebuild", "compute timelines and search again from the log", "p2pmicro rebuild")
    return parser


def _place(text: str) -> int:
    if text not in ("1", "2", "3", "4"):
        raise argparse.ArgumentTypeError("a message has pictures 1 to 4")
    return int(text)


def _seconds(text: str) -> int:
    if not (text.isascii() and text.isdecimal()) or len(text) > 5:
        raise argparse.ArgumentTypeError("a number of seconds is wanted")
    return int(text)


def _number(text: str) -> int:
    if not (text.isascii() and text.isdecimal()) or len(text) > 10:
        raise argparse.ArgumentTypeError("the number of a draft is wanted")
    return int(text)


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; its exit status: 0, 1 (failed) or 2 (can't be done as asked)."""
    _open_streams()
    parser = make_parser(_quick(sys.argv[1:] if argv is None else list(argv)))
    args, left = parser.parse_known_args(argv)
    if left:
        _refuse_rest(args.command, left)
    if args.version:
        from importlib.metadata import version

        print(f"p2pmicro {version('p2pmicro')}")
        return 0
    if args.command is None:
        parser.print_help()
        return EXIT_USAGE
    return _call(args)


def _quick(argv: Sequence[str]) -> str | None:
    """The command that is called, if it is one of those that should take an instant."""
    rest = argv[2:] if argv[:1] == ["--home"] else argv
    return rest[0] if rest and rest[0] in _QUICK else None


def _refuse_rest(command: str | None, left: Sequence[str]) -> NoReturn:
    """Say what to do about arguments that no command takes."""
    parser = _Parser(prog=f"p2pmicro {command}" if command else "p2pmicro")
    if command in ("post", "reply", "quote") and not left[0].startswith("--"):
        parser.error('the message is one argument: put quotes around it, as in `p2pmicro post "Hello, hills"`')
    parser.error(f"unrecognized arguments: {' '.join(left)}")


def _open_streams() -> None:
    """Make all three usable: closed ones (`>&-`) are empty, and messages in every script are UTF-8 in every locale."""
    if sys.stdin is None:
        sys.stdin = open(os.devnull)  # noqa: SIM115
    if sys.stdout is None:
        sys.stdout = open(os.devnull, "w")  # noqa: SIM115
    for stream, errors in ((sys.stdin, "replace"), (sys.stdout, "backslashreplace"), (sys.stderr, "backslashreplace")):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(encoding="utf-8", errors=errors)


def _call(args: Any) -> int:
    import logging

    from ..errors import P2PMicroError, StoreDamagedError

    logging.basicConfig(level=logging.DEBUG if args.debug else logging.WARNING)
    for handler in logging.getLogger().handlers:
        handler.setFormatter(line_formatter())
    try:
        status = int(args.call(args))
        sys.stdout.flush()  # here, where a full disk behind it can be told
        return status
    except P2PMicroError as error:
        return _fail(args, error.code, str(error))
    except BrokenPipeError:  # `p2pmicro timeline | head`
        _drop_output()
        return 0
    except KeyboardInterrupt:
        return 130
    except OSError as error:
        if args.debug:
            raise
        _drop_output()  # in case that it is the one
        return _fail(args, "os", f"The system refused: {error}.")
    except Exception as error:  # no traceback reaches a user
        if args.debug:
            raise
        from ..node.local import is_damaged

        if is_damaged(args.home):  # then nothing can be relied on, and it is no bug
            text = "The database is damaged: run `p2pmicro verify`, or move it away and fetch its feeds again."
            return _fail(args, StoreDamagedError.code, text)
        text = f"A bug in p2pmicro: {type(error).__name__}: {error}. Run again with `p2pmicro --debug` and report it."
        return _fail(args, "bug", text)


def line_formatter() -> Any:
    """Log lines as events, one each: what a peer sent can't forge another, nor move the cursor. Source: threats C6."""
    import logging

    from .output import printable

    class Lines(logging.Formatter):
        def formatMessage(self, record: logging.LogRecord) -> str:
            return printable(super().formatMessage(record))

    return Lines("p2pmicro: %(message)s")


def _drop_output() -> None:
    """Nobody reads, or the disk is full: what is still to be printed would fail again at the end of the program."""
    with suppress(OSError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _fail(args: Any, code: str, text: str) -> int:
    if getattr(args, "json", False):
        import json

        print(json.dumps({"error": code, "message": text}, ensure_ascii=False), file=sys.stderr)
    else:
        from .output import printable

        print(f"p2pmicro: {printable(text)}", file=sys.stderr)
    usage = code.startswith(("local", "config", "entry"))
    return EXIT_USAGE if usage else EXIT_FAILED


def entry() -> None:
    """The installed command."""
    sys.exit(main())

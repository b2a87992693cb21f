"""What strangers write can't move the cursor, hide, or speak in another's place; it is shown as marks."""

import logging
import unicodedata

import pytest

from p2pmicro.cli.main import line_formatter
from p2pmicro.cli.output import printable, printable_name
from p2pmicro.feed.content import post, write
from tests.cli.conftest import Shell
from tests.cli.others import bring, says
from tests.made import MadeFeed

HOSTILE = {
    "clear": "before \x1b[2J\x1b[H after",
    "title": "\x1b]0;owned\x07",
    "c1": "\x9b2J",
    "return": "good\rbad",
    "backspace": "evil\x08\x08\x08\x08good",
    "bidi": "\u202eevil\u202c \u2066x\u2069 \u200fy",
    "delete": "a\x7fb",
    "newline": "first\nAda …6EesfvYe 20:39\n  forged",
}
UNSAFE = set("\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")


def harmful(text: str) -> list[str]:
    return [letter for letter in text if (unicodedata.category(letter) == "Cc" and letter != "\n") or letter in UNSAFE]


@pytest.mark.parametrize("name", HOSTILE)
def test_text_and_name_of_a_stranger_leave_the_terminal_alone(ada: Shell, name: str) -> None:
    made = MadeFeed(1)
    says(made, "profile", name=HOSTILE[name][:50], rev=1)
    says(made, "post", text=HOSTILE[name])
    account = bring(ada.person, made)
    ref = next((m["ref"] for m in ada.json("timeline")), None)
    lines = [ada("timeline"), ada("following"), ada("feeds"), *([ada("show", ref)] if ref else [])]
    assert [harmful(said.out + said.err) for said in lines] == [[]] * len(lines)
    assert account in lines[1].out
    # Whatever the text, a message has three lines: who, what, and its ref.
    assert not ref or len(lines[0].out.splitlines()) == 3


def test_text_that_turns_around_is_shown_without_its_turns(ada: Shell) -> None:
    made = MadeFeed(1)
    says(made, "post", text=HOSTILE["bidi"])
    bring(ada.person, made)
    assert "  evil x y\n" in ada("timeline").out
    assert ada.json("timeline")[0]["text"] == HOSTILE["bidi"]  # programs get what was signed


def test_newline_of_a_message_is_shown_as_a_mark(ada: Shell) -> None:
    ada.json("post", "two\nlines")
    assert "  two ⏎ lines\n" in ada("timeline").out


def test_claim_from_the_future_is_marked(ada: Shell) -> None:
    made = MadeFeed(1)
    made.append(write(2**52, "post", post("later")))
    bring(ada.person, made)
    assert ada.json("timeline")[0]["marks"] == ["from the future"]
    assert "[from the future]" in ada("timeline").out


def test_every_control_point_and_separator_is_a_mark() -> None:
    """C6: whatever a stranger sends, the terminal gets one line of what can be seen."""
    for code in (*range(0x20), *range(0x7F, 0xA0), 0x2028, 0x2029):
        shown = printable(f"a{chr(code)}b")
        assert shown == ("a ⏎ b" if code == 0x0A else f"a<U+{code:04X}>b")


@pytest.mark.parametrize(
    "text", ["\x1b[31mred", "\x1b]0;title\x07", "\x1bP1$r\x1b\\", "\x9b2J", "\x1b[?1049h", "a\r\nb"]
)
def test_log_lines_are_one_event_each(text: str, capsys: pytest.CaptureFixture[str]) -> None:
    handler = logging.StreamHandler()
    handler.setFormatter(line_formatter())
    handler.handle(logging.makeLogRecord({"msg": "peer said %s", "args": (text,), "levelno": logging.WARNING}))
    written = capsys.readouterr().err
    assert harmful(written) == []
    assert written.count("\n") == 1


def test_marks_piled_on_a_letter_do_not_reach_other_lines() -> None:
    assert printable("a" + "\u0301" * 500 + "b") == "a" + "\u0301" * 8 + "b"
    assert printable("กี่ที่นี่") == "กี่ที่นี่"


def test_names_are_shown_without_what_nobody_sees() -> None:
    assert printable_name("A\u200bd\u2060a\u202e 🏃🏿‍♂️\x1b") == "Ada 🏃🏿‍♂️<U+001B>"
    assert printable_name("\u200b \u2060") == "?"


def test_message_that_hides_something_is_marked(ada: Shell) -> None:
    made = MadeFeed(1)
    says(made, "post", text="plain\u200b text")
    says(made, "post", text="a family 👨‍👩‍👧‍👦")
    bring(ada.person, made)
    assert [m["marks"] for m in ada.json("timeline")] == [[], ["contains hidden characters"]]
    assert "[contains hidden characters]" in ada("timeline").out

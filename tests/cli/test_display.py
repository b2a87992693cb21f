"""What strangers write can't move the cursor, hide, or speak in another's place; it is shown as marks."""

import unicodedata

import pytest

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

"""What nobody sees: none in names, a mark on messages; what emoji and scripts need. Source: threats C2, C4, C5."""

import re
import unicodedata

import pytest

from p2pmicro.feed.content import TextError, clean_name, clean_text
from p2pmicro.feed.hidden import has_hidden, hidden_in_name, without_hidden
from tests.texts import SENTENCES
from tests.unicode_data import lines

IGNORABLE = [
    code
    for first, last in re.findall(
        "(.)(?:-(.))?",
        "\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u202a-\u202e\u2060-\u206f\u3164\ufe00-\ufe0f"
        "\ufeff\uffa0\ufff0-\ufff8\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U000e0fff",
    )
    for code in map(chr, range(ord(first), ord(last or first) + 1))
]
# Family, waving hand of a tone, England, keycap, rainbow flag, heart that is red, a country, a man who runs.
EMOJI = [
    "👨‍👩‍👧‍👦",
    "👋🏽",
    "🏴\U000e0067\U000e0062\U000e0065\U000e006e\U000e0067\U000e007f",
    "7️⃣",
    "🏳️‍🌈",
    "❤️",
    "🇩🇪",
    "🏃🏿‍♂️",
]


def test_every_ignorable_point_is_refused_in_names_and_marked_in_messages() -> None:
    assert len(IGNORABLE) == 4174
    for code in IGNORABLE:
        for name in (f"A{code}da", f"Ada{code}", f"{code}Ada", f"🦉{code}Ada"):
            if code in "\ufe0e\ufe0f" and name.startswith("🦉"):
                continue  # it belongs to the owl
            assert hidden_in_name(name) == code
            assert without_hidden(name) in ("Ada", "🦉Ada")
            with pytest.raises(TextError, match="nobody sees"):
                clean_name(name, 50)
        assert has_hidden(f"a{code}b")


def test_the_list_is_unicodes() -> None:
    found: set[str] = set()
    for line in lines("DerivedCoreProperties.txt"):
        codes, _, name = line.partition(";")
        if name.split("#")[0].strip() == "Default_Ignorable_Code_Point":
            first, _, last = codes.strip().partition("..")
            found.update(map(chr, range(int(first, 16), int(last or first, 16) + 1)))
    assert found == set(IGNORABLE)


@pytest.mark.parametrize("emoji", EMOJI)
def test_emoji_are_whole_in_names_and_no_mark_on_messages(emoji: str) -> None:
    name = f"Ada {emoji} L"
    assert clean_name(name, 50) == without_hidden(name) == name
    assert not has_hidden(f"look {emoji}!")


def test_every_emoji_of_unicode_is_whole() -> None:
    count = 0
    for line in lines("emoji/emoji-test.txt"):
        codes, _, kind = line.partition(";")
        if "fully-qualified" in kind.split("#")[0]:
            emoji = "".join(chr(int(code, 16)) for code in codes.split())
            assert hidden_in_name(emoji) is None, emoji
            count += 1
    assert count > 3000


@pytest.mark.parametrize("text", ["می‌خواهم", "क्‍ष", "葛󠄀城", *(text for text in SENTENCES if "\u200c" in text)])
def test_joiners_that_change_what_is_seen_are_no_mark(text: str) -> None:
    assert not has_hidden(text)


@pytest.mark.parametrize(
    "text", ["a\u200db", "🦉\u200d", "🦉\u200da", "\u200d🦉", "می\u200c", "a\ufe0f", "🏴\U000e0067", "𝐚\u2060b"]
)
def test_the_same_characters_elsewhere_are(text: str) -> None:
    assert has_hidden(text)
    assert hidden_in_name(text)


def test_names_have_one_line_and_one_space_between_words() -> None:
    assert clean_name("  Ada \n L ", 50) == "Ada L"


def test_messages_are_nfc_and_stay_so() -> None:
    """C4: all rows of Unicode's own test; where Python knows the characters, the form is Unicode's too."""
    rows = [line.split(";")[:5] for line in lines("NormalizationTest.txt") if line.count(";") >= 5]
    assert len(rows) > 19_000
    for row in rows:
        columns = ["".join(chr(int(code, 16)) for code in column.split()) for column in row]
        known = all(unicodedata.category(letter) != "Cn" for text in columns for letter in text)
        for text in columns:
            if not text.strip():
                continue
            clean = clean_text(text)
            assert unicodedata.is_normalized("NFC", clean)
            assert clean_text(clean) == clean
            if known:
                assert clean == columns[1 if text in columns[:3] else 3]


SCRIPTS = (  # noqa: SIM905 - a word each, of thirty
    "Latin Ελληνικά Кириллица Հայերեն עברית العربية ܣܘܪܝܝܐ ދިވެހި हिन्दी বাংলা ਪੰਜਾਬੀ ગુજરાતી ଓଡ଼ିଆ தமிழ் తెలుగు ಕನ್ನಡ "
    "മലയാളം සිංහල ไทย ລາວ བོད་སྐད မြန်မာ ქართული 한국어 አማርኛ ᏣᎳᎩ ខ្មែរ ᠮᠣᠩᠭᠣᠯ 日本語 ꦗꦮ"
).split()


def test_140_code_points_of_any_script_are_taken_and_141_are_not() -> None:
    assert len(SCRIPTS) == 30
    assert len({unicodedata.name(word[0]).split()[0] for word in SCRIPTS}) == 30
    for word in SCRIPTS:
        text = unicodedata.normalize("NFC", (word + "·") * 140)
        assert clean_text(text[:140]) == text[:140]
        with pytest.raises(TextError, match="141 characters"):
            clean_text(text[:141])

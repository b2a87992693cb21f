"""Characters that are not seen: they hide a text within a text, and make twins of names.

They are Unicode's default-ignorable code points. Three kinds of places need some of them: emoji sequences, which they
join and colour; between letters of joining scripts the joiners change what is seen; after Han a variation selector
chooses a form. Names of one's own have them in emoji alone. Source: protocol/content.md, "Text".
"""

import re

# Default_Ignorable_Code_Point of DerivedCoreProperties.txt; the property never loses a code point (Unicode Character
# Encoding Stability), and those that are still unassigned are listed as well.
_IGNORABLE = (
    "\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u202a-\u202e\u2060-\u206f\u3164\ufe00-\ufe0f"
    "\ufeff\uffa0\ufff0-\ufff8\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U000e0fff"
)
_HIDDEN = re.compile(f"[{_IGNORABLE}]")

# What emoji are made of: more than there are, as new ones come in these blocks.
_PICTURE = (
    "\u00a9\u00ae\u203c\u2049\u2122\u2139\u2194-\u21aa\u231a-\u23ff\u24c2\u25aa-\u27bf\u2934\u2935\u2b05-\u2b55\u3030\u303d"
    "\u3297\u3299\U0001f000-\U0001faff"
)
_ONE = f"(?:[{_PICTURE}][\ufe0e\ufe0f]?[\U0001f3fb-\U0001f3ff]?\u20e3?)"
_FLAG = "\U0001f3f4[\U000e0020-\U000e007e]+\U000e007f"  # of England and the like
_EMOJI = re.compile(f"{_FLAG}|[0-9#*]\ufe0f\u20e3|{_ONE}(?:\u200d{_ONE})*")

_JOINING = (
    "\u0600-\u07ff\u0840-\u0dff"  # Arabic, Syriac, Thaana, Nko, Mandaic; Devanagari to Sinhala
    "\u0f00-\u109f\u1700-\u18af\u1900-\u1aaf\u1b00-\u1bff\ua800-\ua8ff\ua900-\ua9ff"  # Tibetan to Javanese
)
_JOINED = re.compile(f"(?<=[{_JOINING}])[\u200c\u200d](?=[{_JOINING}])")
_HAN = "\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U000323af"
_HAN_FORM = re.compile(f"(?<=[{_HAN}])[\ufe00-\ufe0f\U000e0100-\U000e01ef]")


def hidden_in_name(name: str) -> str | None:
    """The first character of a name that is not seen, those within emoji apart; None if there is none."""
    found = _HIDDEN.search(_EMOJI.sub(" ", name))
    return None if found is None else found.group()


def has_hidden(text: str) -> bool:
    """Whether a text hides something: a character that is not seen where none is needed."""
    if text.isascii() or not _HIDDEN.search(text):
        return False
    return _HIDDEN.search(_JOINED.sub("", _HAN_FORM.sub("", _EMOJI.sub(" ", text)))) is not None


def without_hidden(name: str) -> str:
    """A name without what is not seen, emoji as they are."""
    if name.isascii() or not _HIDDEN.search(name):
        return name
    parts: list[str] = []
    end = 0
    for emoji in _EMOJI.finditer(name):
        parts += (_HIDDEN.sub("", name[end : emoji.start()]), emoji.group())
        end = emoji.end()
    return "".join((*parts, _HIDDEN.sub("", name[end:])))

"""The texts that tests and benchmarks post are what they say: real sizes, many scripts, all of them sendable."""

import unicodedata

from p2pmicro.feed.content import clean_text
from p2pmicro.limits import TEXT_MAX_CODE_POINTS
from tests.texts import SENTENCES, message

MANY = 2500


def _scripts(text: str) -> set[str]:
    """The scripts of a text's letters, by the first word of their names."""
    return {unicodedata.name(letter).split()[0] for letter in text if unicodedata.category(letter)[0] == "L"}


def _mean_size(texts: list[str]) -> float:
    return sum(len(text.encode()) for text in texts) / len(texts)


def test_there_are_enough_different_sentences() -> None:
    assert len(set(SENTENCES)) == len(SENTENCES) >= 340


def test_at_least_fourteen_scripts_have_several_sentences() -> None:
    counts: dict[str, int] = {}
    for sentence in SENTENCES:
        for script in _scripts(sentence):
            counts[script] = counts.get(script, 0) + 1
    named = {"LATIN", "CYRILLIC", "GREEK", "ARABIC", "HEBREW", "DEVANAGARI", "BENGALI", "TAMIL", "THAI", "GEORGIAN"}
    named |= {"ARMENIAN", "CJK", "HIRAGANA", "KATAKANA", "HANGUL", "ETHIOPIC"}
    assert all(counts[script] >= 5 for script in named)


def test_hashtags_and_joined_emoji_are_among_them() -> None:
    joined = "".join(SENTENCES)
    assert joined.count("#") >= 50
    for sequence in ("\u200d", "\ufe0f", "\U0001f3fd"):  # joiner, emoji presentation, a skin tone
        assert sequence in joined


def test_every_message_can_be_sent_as_it_is() -> None:
    for text in map(message, range(MANY)):
        assert len(text) <= TEXT_MAX_CODE_POINTS
        assert clean_text(text) == text


def test_messages_differ_and_are_the_same_each_time() -> None:
    texts = [message(number) for number in range(MANY)]
    assert len(set(texts)) == MANY
    assert texts == [message(number) for number in range(MANY)]
    assert len({message(10**9 + number) for number in range(400)}) == 400


def test_sizes_are_those_of_mixed_scripts() -> None:
    assert 210 <= _mean_size(list(SENTENCES)) <= 240
    assert 210 <= _mean_size([message(number) for number in range(MANY)]) <= 240

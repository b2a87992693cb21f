"""Full text: words, phrases, prefixes, scripts without spaces, and what must not be found."""

from pathlib import Path

import pytest

from p2pmicro.feed.content import Entry
from p2pmicro.store.db import open_database, read_transaction
from p2pmicro.store.feeds import Role
from p2pmicro.store.view import Row
from p2pmicro.views import SEARCH
from p2pmicro.views import find as find_module
from p2pmicro.views.find import find_messages, keys_of
from p2pmicro.views.query import read_query
from p2pmicro.views.words import spaced
from tests.unit.views.shelf import NOW_MS, Shelf, said


def _found(shelf: Shelf, query: str, limit: int = 50) -> list[str]:
    return [message.text for message in find_messages(shelf.connection, query, limit).messages]


@pytest.mark.parametrize(
    ("text", "query"),
    [
        ("The ferry was late", "ferry"),
        ("The ferry was late", "FERRY late"),
        ("The ferry was late", "late ferry"),
        ("The ferry was late", "fer*"),
        ("The ferry was late", '"ferry was"'),
        ("The ferry was late", '"the fer"*'),
        ("The ferry was late", '"ferry was'),
        ("ferry, was late", '"ferry was"'),
        ("don't panic", "don't"),
        ("don't panic", "don*"),
        ("a quiet café", "cafe"),
        ("a quiet cafe", "café"),
        ("a quiet cafe\u0301", "café"),
        ("Tiếng Việt", "tieng viet"),
        ("Ξεκίνησα στην ΑΘΉΝΑ", "αθηνα"),
        ("БАБУШКА связала", "бабушка"),
        ("हिन्दी में लिखो", "हिन्दी"),
        ("مرحبا بالعالم", "بالعالم"),
        ("今天天气很好", "天气"),
        ("今天天气很好", "天天气很"),
        ("今天天气很好", "今天 很好"),
        ("東京タワーに行った", "タワー"),
        ("東京タワーに行った", "タワ"),
        ("新しいiPhoneを買った", "iphone"),
        ("新しいiPhoneを買った", "しい"),
        ("ＡＢＣ店", "abc"),
        ("안녕하세요 여러분", "하세"),
        ("เมื่อคืนทั้งหมู่บ้าน", "คืน"),
        ("เมื่อคืนทั้งหมู่บ้าน", "หมู่บ้าน"),
        ("ສະບາຍດີ", "ບາຍ"),
        ("អរគុណដល់អ្នក", "គុណ"),
        ("မင်္ဂလာပါ", "လာပါ"),
        ("水", "水"),
        ("水が好き", "水"),
        ("#night walk", "#night"),
        ("100% sure", "100%"),
        ("good morning🙂", "morning"),
        ("good morning☔", "morning"),
        ("good🫐morning 🙂", "good morning"),
        ("good morning", "good morning 🙂"),
        ("مُحَمَّد", "محمد"),
        ("שָׁלוֹם", "שלום"),
        ("ёлка", "елка"),
    ],
)
def test_found(shelf: Shelf, text: str, query: str) -> None:
    shelf.feed("alice")
    shelf.say("alice", "something else", text)
    assert _found(shelf, query) == [text]


@pytest.mark.parametrize(
    ("text", "query"),
    [
        ("The ferry was late", "ferry early"),
        ("The ferry was late", "fer"),
        ("The ferry was late", '"was ferry"'),
        ("The ferry was late", '"ferry late"'),
        ("don't panic", "t'don"),
        ("今天天气很好", "好很"),
        ("天气今天", "今天天气"),
        ("anything", ""),
        ("anything", "   "),
        ("anything", '""'),
        ("anything", '" "'),
        ("anything", "*"),
        ("anything", "...!?"),
    ],
)
def test_not_found(shelf: Shelf, text: str, query: str) -> None:
    shelf.feed("alice")
    shelf.say("alice", text)
    assert _found(shelf, query) == []


@pytest.mark.parametrize(
    "query",
    [
        'ferry"',
        "'",
        "ferry AND",
        "NOT ferry",
        "text:ferry",
        "ferry OR (",
        "^ferry",
        "ferry + late",
        "NEAR(a b)",
        "\x00",
        "a\x00b",
        "-",
        '"a" "',
        "\ud800",
        "*" * 500,
        "a " * 5000,
    ],
)
def test_no_query_is_an_error(shelf: Shelf, query: str) -> None:
    shelf.feed("alice")
    shelf.say("alice", "The ferry was late")
    _found(shelf, query)


def test_newest_first_by_place_in_time_and_not_by_feed(shelf: Shelf) -> None:
    for name, seconds in (("alice", 2), ("bob", 3), ("carol", 1)):
        shelf.feed(name)
        shelf.say(name, f"ferry of {name}", time_ms=NOW_MS + seconds)
    assert _found(shelf, "ferry") == ["ferry of bob", "ferry of alice", "ferry of carol"]
    assert _found(shelf, "ferry", 1) == ["ferry of bob"]


def test_pages_follow_each_other(shelf: Shelf) -> None:
    shelf.feed("alice")
    for number in range(7):
        shelf.say("alice", f"ferry {number}", time_ms=NOW_MS + number)
    shown: list[str] = []
    before = None
    while page := find_messages(shelf.connection, "ferry", 3, before).messages:
        shown += [message.text for message in page]
        before = page[-1].place
    assert shown == [f"ferry {number}" for number in reversed(range(7))]


@pytest.mark.parametrize(("few", "many"), [(1000, 2000), (1, 2000), (1, 2)], ids=["looked up", "walked", "read"])
@pytest.mark.parametrize("query", ["ferry", '"late ferry"', "ferry la*"])
def test_common_and_rare_words_are_found_alike(
    shelf: Shelf, monkeypatch: pytest.MonkeyPatch, few: int, many: int, query: str
) -> None:
    monkeypatch.setattr(find_module, "_FEW", few)
    monkeypatch.setattr(find_module, "_MANY", many)
    for place, name in enumerate(("followed", "hop", "guest", "stranger")):
        shelf.feed(name, role=(Role.FOLLOWED, Role.HOP, Role.GUEST, Role.NONE)[place])
        shelf.say(name, f"late ferry, {name}", "no ship", f"ferry late, {name}", time_ms=NOW_MS + place)
    found = ["late ferry, hop", "late ferry, followed"]
    if query != '"late ferry"':
        found = ["ferry late, hop", "late ferry, hop", "ferry late, followed", "late ferry, followed"]
    assert _found(shelf, query) == found


def test_guests_and_strangers_are_never_found(shelf: Shelf) -> None:
    shelf.feed("guest", role=Role.GUEST)
    shelf.say("guest", "ferry of a guest")
    assert _found(shelf, "ferry") == []
    shelf.set_role("guest", Role.FOLLOWED)
    assert _found(shelf, "ferry") == ["ferry of a guest"]
    shelf.set_role("guest", Role.NONE)
    assert _found(shelf, "ferry") == []


def test_erased_text_is_not_found_and_its_words_are_gone_from_the_index(shelf: Shelf) -> None:
    shelf.feed("alice")
    shelf.say("alice", "secretword one", "kept two", "秘密文字")
    for _ in range(20):  # other segments, so that there is something to merge
        shelf.say("alice", "filler")
        shelf.connection.execute("COMMIT")
        shelf.connection.execute("BEGIN")
    shelf.erase("alice", 2, 4)
    assert _found(shelf, "secretword") == []
    assert _found(shelf, "秘密") == []
    assert _found(shelf, "kept") == ["kept two"]
    for view in shelf.views:
        view.erase_text(shelf.connection)
    shelf.connection.execute("COMMIT")
    pages = b"".join(block for (block,) in shelf.connection.execute("SELECT block FROM search_data"))
    for word in ("cretword", "秘密", "密文"):  # a term may share its first letters with the one before it
        assert word.encode() not in pages
    assert b"kept" in pages or b"ept" in pages


def test_merge_steps_end_with_few_segments(shelf: Shelf) -> None:
    shelf.feed("alice")
    for number in range(40):
        shelf.say("alice", f"ferry {number}")
        shelf.connection.execute("COMMIT")
        shelf.connection.execute("BEGIN")
    steps = 0
    while SEARCH.merge_step(shelf.connection, 1):
        steps += 1
    assert 0 < steps < 200
    (segments,) = shelf.connection.execute("SELECT count(DISTINCT segid) FROM search_idx").fetchone()
    assert segments < 8
    assert len(_found(shelf, "ferry")) == 40


def test_unspaced_scripts_are_cut_into_pairs() -> None:
    assert spaced("plain text") == "plain text"
    assert spaced("été") == "été"
    assert spaced("日本語").split() == ["日本", "本語"]
    assert spaced("日本").split() == ["日本"]
    assert spaced("水").split() == ["水"]
    assert spaced("買うiPhone水").split() == ["買う", "iPhone", "水"]
    assert spaced("日本、中国。").split() == ["日本", "、", "中国", "。"]


def test_message_that_came_later_as_a_hole_is_not_shown(shelf: Shelf) -> None:
    shelf.feed("alice")
    shelf.put("alice", 1, said("ferry one"))
    shelf.connection.execute("UPDATE entries SET payload = NULL")
    assert _found(shelf, "ferry") == []


def test_long_feeds_are_found_as_short_ones(shelf: Shelf) -> None:
    number = shelf.feed("alice")
    seqs = (1, 2**16 - 1, 2**16, 2**16 + 1, 2**32 - 1)
    rows = [
        Row(number << 32 | seq, 1, Role.FOLLOWED, NOW_MS, NOW_MS, Entry(NOW_MS, "post", {"text": f"ferry {seq}"}))
        for seq in seqs
    ]
    for view in shelf.views:
        view.add(shelf.connection, rows)
    shelf.connection.executemany(
        "INSERT INTO entries (key, seen_ms, payload) VALUES (?, ?, ?)",
        [(row.key, NOW_MS, said(row.entry.content["text"])) for row in rows],
    )
    for row in rows:
        assert list(keys_of(shelf.connection, read_query(shelf.connection, row.entry.content["text"]))) == [row.key]
    SEARCH.remove(shelf.connection, rows[2:])
    assert list(keys_of(shelf.connection, read_query(shelf.connection, "ferry"))) == [row.key for row in rows[1::-1]]


def test_one_batch_is_one_segment_whatever_its_order(shelf: Shelf) -> None:
    shelf.feed("alice")
    shelf.feed("bob")
    for name in ("bob", "alice"):
        shelf.put_many(name, {seq: said(f"ferry {seq}") for seq in range(9, 0, -1)})
    rows = [row for name in ("bob", "alice") for row in shelf.rows(name, range(9, 0, -1))]
    SEARCH.clear(shelf.connection)
    SEARCH.add(shelf.connection, rows)
    shelf.connection.execute("COMMIT")
    assert shelf.connection.execute("SELECT count(DISTINCT segid) FROM search_idx").fetchone() == (1,)


def test_reader_without_the_right_to_write_searches_too(shelf: Shelf, tmp_path: Path) -> None:
    shelf.feed("alice")
    shelf.say("alice", "The ferry was late", "今天天气很好")
    shelf.connection.execute("COMMIT")
    reader = open_database(tmp_path / "store.db", read_only=True)
    try:
        for query in ("ferry", '"ferry was"', "天天气"):
            with read_transaction(reader):
                assert len(find_messages(reader, query, 5).messages) == 1
    finally:
        reader.close()


def test_no_word_of_a_message_goes_to_a_temporary_file(shelf: Shelf) -> None:
    shelf.feed("alice")
    shelf.say("alice", "The ferry was late")
    _found(shelf, '"ferry was"')
    assert shelf.connection.execute("PRAGMA temp_store").fetchone() == (2,)
    (path,) = (row[2] for row in shelf.connection.execute("PRAGMA database_list") if row[1] == "temp")
    assert path == ""


def test_phrase_is_looked_for_in_so_many_texts_and_no_more(shelf: Shelf, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(find_module, "_CHECKED_MAX", 3)
    shelf.feed("alice")
    shelf.say("alice", "ferry late")
    for number in range(5):
        shelf.say("alice", f"late ferry {number}", time_ms=NOW_MS + 1)
    assert _found(shelf, '"ferry late"') == []
    assert len(_found(shelf, '"late ferry"')) == 3
    assert len(_found(shelf, "late ferry")) == 6

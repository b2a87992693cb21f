"""Which entry names which picture, and which are wanted. Source: protocol/content.md, "Pictures"."""

from hashlib import sha256

import pytest

from p2pmicro import cbor
from p2pmicro.feed.content import Entry, post, profile, write
from p2pmicro.feed.picture import PictureError, look, seal
from p2pmicro.limits import AVATAR_OF_HOPS_MAX_BYTES
from p2pmicro.store import media
from p2pmicro.store.feeds import Role
from p2pmicro.store.media import State
from p2pmicro.store.view import Row
from p2pmicro.views import PICTURES
from p2pmicro.views.message import Picture
from p2pmicro.views.pictures import open_picture, pictures_of
from p2pmicro.views.rebuild import rebuild
from tests import pictures
from tests.unit.views.shelf import NOW_MS, Shelf, account_id, named, picture_hash, shown

DATA = pictures.png()
NAME = sha256(DATA).digest()
SECRET = bytes(range(32))


def wanted(shelf: Shelf) -> set[bytes]:
    return {name for name, _ in media.wanted(shelf.connection, None, (), 1000, chosen=False)}


def known(shelf: Shelf) -> dict[bytes, int]:
    return dict(shelf.connection.execute("SELECT hash, state FROM media"))


def fits(shelf: Shelf, name: bytes, data: bytes) -> bool:
    """As the intake asks: with what the bytes are by themselves."""
    try:
        facts = look(data)
    except PictureError:
        facts = None
    return PICTURES.fits(shelf.connection, name, data, facts)


def hashes(*names: str) -> set[bytes]:
    return {picture_hash(name) for name in names}


# --- What is wanted ---


def test_pictures_of_those_one_follows_are_wanted_and_no_others(shelf: Shelf) -> None:
    for name, role in (("friend", Role.FOLLOWED), ("me", Role.OWN), ("hop", Role.HOP), ("guest", Role.GUEST)):
        shelf.feed(name, role=role)
        shelf.put(name, 2, shown([name, "both"]))
    assert wanted(shelf) == hashes("friend", "me", "both")
    assert shelf.connection.execute("SELECT count(*) FROM pictures").fetchone() == (8,)


def test_of_an_excerpt_nothing_is_fetched_unasked(shelf: Shelf) -> None:
    number = shelf.feed("friend")
    entry = Entry(NOW_MS, "post", {"text": "look", "media": [[NAME, "image/png", 9, ""]]})
    PICTURES.add(shelf.connection, [Row(number << 32 | 7, 1, Role.FOLLOWED, NOW_MS, NOW_MS, entry, alone=True)])
    assert wanted(shelf) == set()
    assert shelf.connection.execute("SELECT count(*) FROM pictures").fetchone() == (1,)


def test_who_is_followed_later_has_the_newest_pictures_fetched(shelf: Shelf) -> None:
    shelf.feed("hop", role=Role.HOP)
    shelf.put_many("hop", {seq: shown([f"p{seq}"]) for seq in range(2, 302)})
    assert wanted(shelf) == set()
    shelf.set_role("hop", Role.FOLLOWED)
    assert wanted(shelf) == hashes(*(f"p{seq}" for seq in range(46, 302)))


def test_who_is_followed_no_longer_has_none_fetched_but_those_asked_for(shelf: Shelf) -> None:
    shelf.feed("friend")
    shelf.feed("other")
    shelf.put("friend", 2, shown(["one", "two"]))
    shelf.put("other", 2, shown(["three"]))
    media.choose(shelf.connection, media.Wish(picture_hash("two"), 100, shelf.key("friend", 2), NOW_MS, False))
    shelf.set_role("friend", Role.HOP)
    assert wanted(shelf) == hashes("two", "three")


def test_avatars_are_wanted_of_hops_too_if_they_are_small(shelf: Shelf) -> None:
    for name, role in (("friend", Role.FOLLOWED), ("hop", Role.HOP), ("guest", Role.GUEST), ("none", Role.NONE)):
        shelf.feed(name, role=role)
        shelf.put(name, 2, named("A", picture=name))
    assert wanted(shelf) == hashes("friend", "hop")
    large: cbor.Value = [picture_hash("large"), "image/png", AVATAR_OF_HOPS_MAX_BYTES + 1]
    for name in ("hop", "guest"):
        shelf.put(name, 3, write(NOW_MS, "profile", profile(2, "A", avatar=large)))
    assert wanted(shelf) == hashes("friend")
    shelf.set_role("hop", Role.FOLLOWED)
    assert wanted(shelf) == hashes("friend", "large")
    shelf.set_role("none", Role.HOP)
    assert wanted(shelf) == hashes("friend", "large", "none")


# --- What goes ---


def test_what_is_erased_takes_its_pictures_along_unless_others_have_them(shelf: Shelf) -> None:
    shelf.feed("friend")
    shelf.put("friend", 2, shown(["one", "both", "one"]))
    shelf.put("friend", 3, shown(["both"]))
    shelf.connection.execute("UPDATE media SET state = 1")
    shelf.erase("friend", 2)
    assert known(shelf).keys() == hashes("both")
    assert [name for (name,) in shelf.connection.execute("SELECT hash FROM media_erasures")] == [picture_hash("one")]
    shelf.erase("friend", 3)
    assert known(shelf) == {}
    assert media.erasures_pending(shelf.connection) == 2


def test_an_avatar_that_is_replaced_goes_and_comes_back_with_its_profile(shelf: Shelf) -> None:
    shelf.feed("friend")
    shelf.put("friend", 2, named("A", 1, "old"))
    shelf.put("friend", 3, named("A", 2, "new"))
    assert known(shelf).keys() == hashes("new")
    shelf.put("friend", 4, named("A", 1, "late"))
    assert known(shelf).keys() == hashes("new"), "the rev decides"
    shelf.erase("friend", 3)
    assert known(shelf).keys() == hashes("late")
    shelf.put("friend", 5, named("A", 3))
    assert known(shelf) == {}
    assert PICTURES.avatar(shelf.connection, account_id("friend")) is None


def test_a_repeated_profile_keeps_its_picture(shelf: Shelf) -> None:
    shelf.feed("friend")
    shelf.put("friend", 2, named("A", 1, "face"))
    shelf.connection.execute("UPDATE media SET state = 1")
    shelf.put("friend", 3, named("A", 1, "face"))
    assert known(shelf) == {picture_hash("face"): State.HERE}
    assert media.erasures_pending(shelf.connection) == 0
    found = PICTURES.avatar(shelf.connection, account_id("friend"))
    assert found == (Picture(picture_hash("face"), "image/png", 100, ""), shelf.key("friend", 3))


def test_a_rebuild_wants_nothing_that_was_pruned_or_refused(shelf: Shelf) -> None:
    shelf.feed("friend")
    for seq, name in enumerate(("pruned", "refused", "here", "wanted"), 2):
        shelf.put("friend", seq, shown([name]))
    shelf.put("friend", 9, named("A", picture="pruned"))
    for name, state in (("pruned", 2), ("refused", 3), ("here", 1)):
        shelf.connection.execute("UPDATE media SET state = ? WHERE hash = ?", (state, picture_hash(name)))
    before = shelf.connection.execute("SELECT * FROM media").fetchall()
    tables = shelf.tables()
    rebuild(shelf.connection, shelf.views, lambda done, total: None)
    assert shelf.tables() == tables
    assert shelf.connection.execute("SELECT * FROM media").fetchall() == before


# --- What came ---


def named_as(kind: str = "image/png", size: int = len(DATA), name: bytes = NAME) -> bytes:
    media_rows: list[cbor.Value] = [[name, kind, size, "a hill"]]
    return write(NOW_MS, "post", post("look", media=media_rows))


def test_what_came_must_be_what_some_entry_says(shelf: Shelf) -> None:
    shelf.feed("friend")
    assert not fits(shelf, NAME, DATA), "nothing names it"
    shelf.put("friend", 2, named_as("image/gif"))
    shelf.put("friend", 3, named_as(size=len(DATA) + 1))
    assert not fits(shelf, NAME, DATA)
    shelf.put("friend", 4, named_as())
    assert fits(shelf, NAME, DATA)
    for data in (b"<html>", pictures.gif(), pictures.png(20_000, 1)):
        name = sha256(data).digest()
        shelf.put("friend", 5 + data[0], named_as("image/png", len(data), name))
        assert not fits(shelf, name, data)


def test_an_avatar_fits_as_a_profile_says(shelf: Shelf) -> None:
    shelf.feed("friend")
    avatar: cbor.Value = [NAME, "image/png", len(DATA)]
    shelf.put("friend", 2, write(NOW_MS, "profile", profile(1, "A", avatar=avatar)))
    assert fits(shelf, NAME, DATA)


def test_a_sealed_picture_fits_by_what_is_in_it(shelf: Shelf) -> None:
    number = shelf.feed("friend")
    for plain, good in ((DATA, True), (pictures.gif(), False), (b"<svg/>", False)):
        sealed = seal(plain, SECRET)
        name = sha256(sealed).digest()
        for key, as_said in ((SECRET, good), (bytes(32), False)):
            entry = Entry(NOW_MS, "post", {"text": "", "media": [[name, "image/png", len(sealed), "", key]]})
            row = Row(number << 32 | 7, 1, Role.FOLLOWED, NOW_MS, NOW_MS, entry, sealed=True)
            PICTURES.add(shelf.connection, [row])
            assert fits(shelf, name, sealed) is as_said
            PICTURES.remove(shelf.connection, [row])
    assert known(shelf) == {}


def test_a_picture_opens_only_as_what_its_entry_says() -> None:
    (one,) = pictures_of({"text": "", "media": [[NAME, "image/png", len(DATA), "a hill"]]})
    assert open_picture(one, DATA) == DATA
    sealed = seal(DATA, SECRET)
    assert open_picture(Picture(NAME, "image/png", len(sealed), "", SECRET), sealed) == DATA
    assert DATA not in sealed
    for wrong in (
        Picture(NAME, "image/gif", len(DATA), "", None),
        Picture(NAME, "image/png", len(DATA) - 1, "", None),
        Picture(NAME, "image/png", len(DATA), "", SECRET),
    ):
        with pytest.raises(PictureError, match="not the picture"):
            open_picture(wrong, DATA)
    with pytest.raises(PictureError, match="not the picture"):
        open_picture(Picture(NAME, "image/png", len(sealed), "", bytes(32)), sealed)

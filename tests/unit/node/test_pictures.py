"""Pictures through the embedding API, without and with trio."""

from hashlib import sha256
from pathlib import Path

import pytest
import trio

import p2pmicro
from p2pmicro.errors import LocalError
from p2pmicro.feed.picture import PictureError, strip, unseal
from p2pmicro.node.home import Home
from p2pmicro.node.housework import Housework
from p2pmicro.node.newpicture import keep_pictures, strip_pictures
from p2pmicro.node.offline import Node
from p2pmicro.store import media
from p2pmicro.store.db import transaction
from tests import pictures

FILE = pictures.png_chatty()


@pytest.fixture
def local(tmp_path: Path) -> p2pmicro.LocalNode:
    return p2pmicro.LocalNode.open(Home(tmp_path / "home", tmp_path / "state"), create=True)


def test_a_program_posts_and_opens_pictures(local: p2pmicro.LocalNode) -> None:
    with local:
        ref = local.post("look", [p2pmicro.NewPicture(FILE, "A hill"), p2pmicro.NewPicture(pictures.gif(), "")])
        opened = local.picture(ref)
        assert (opened.data, opened.picture.alt) == (strip(FILE), "A hill")
        assert local.picture(ref, 2).data == pictures.gif()
        with pytest.raises(LocalError, match="2 pictures"):
            local.picture(ref, 3)


def test_which_picture_is_at_fault_is_said(local: p2pmicro.LocalNode) -> None:
    with local:
        good, bad = p2pmicro.NewPicture(FILE, ""), p2pmicro.NewPicture(b"<svg/>", "")
        with pytest.raises(PictureError, match=r"^Picture 2 can't be posted"):
            local.post("look", [good, bad])
        with pytest.raises(PictureError, match=r"^The picture can't be posted"):
            local.post("look", [bad])
        assert local.timeline() == []


def test_what_a_failed_append_wrote_is_swept(local: p2pmicro.LocalNode) -> None:
    with local:
        ready = strip_pictures([p2pmicro.NewPicture(FILE, "")])

        def fails(connection: object) -> list[tuple[str, dict[str, object]]]:
            keep_pictures(local.connection, local.folder, ready, 1)
            raise ZeroDivisionError

        with pytest.raises(ZeroDivisionError):
            local.append(fails)
        assert media.counted(local.connection).here == 0
        with transaction(local.connection):
            media.sweep(local.connection, local.folder)
        assert local.folder.names() == []


def test_housework_unlinks_what_is_due_and_what_nobody_knows(local: p2pmicro.LocalNode) -> None:
    with local:
        local.post("look", [p2pmicro.NewPicture(FILE, "")])
        due, kept = pictures.gif(), sha256(strip(FILE)).digest()
        with transaction(local.connection):
            media.release(local.connection, [media.keep_own(local.connection, local.folder, due, 1)])
        (local.home.media / "unknown").write_bytes(b"a")
        work = Housework(local.views, local.folder)
        assert len(local.folder.names()) == 3
        while work.step(local.connection, 0.0):
            pass
        assert local.folder.names() == [kept.hex()]
        assert media.erasures_pending(local.connection) == 0


def test_pictures_of_a_sealed_message_are_kept_and_named_encrypted(local: p2pmicro.LocalNode) -> None:
    with local:
        ready = strip_pictures([p2pmicro.NewPicture(FILE, "A hill")] * 2, sealed=True)
        with transaction(local.connection):
            rows = keep_pictures(local.connection, local.folder, ready, 1, sealed=True)
        assert rows is not None
        names, keys = set(), set()
        for row in rows:
            assert isinstance(row, list)
            name, kind, size, alt, key = row
            assert (kind, alt) == ("image/png", "A hill")
            assert isinstance(name, bytes)
            assert isinstance(key, bytes)
            data = local.folder.load(name)
            assert data is not None
            assert len(data) == size
            assert strip(FILE) not in data
            assert unseal(data, key) == strip(FILE)
            names.add(name)
            keys.add(key)
        assert len(names) == len(keys) == 2, "each has a key of its own, though the pictures are equal"


def test_a_sealed_picture_leaves_room_for_its_tag() -> None:
    def of_size(size: int) -> bytes:
        rest = size - len(pictures.png(extra=[pictures.chunk(b"IDAT", b"")]))
        return pictures.png(extra=[pictures.chunk(b"IDAT", bytes(rest))])

    largest = p2pmicro.NewPicture(of_size(1 << 20), "")
    assert len(largest.data) == 1 << 20
    assert strip_pictures([largest])
    with pytest.raises(PictureError, match="can be sent"):
        strip_pictures([largest], sealed=True)
    assert strip_pictures([p2pmicro.NewPicture(of_size((1 << 20) - 16), "")], sealed=True)


async def test_waiting_for_a_picture_ends_when_it_comes_or_time_is_up(local: p2pmicro.LocalNode) -> None:
    with local:
        ref = local.post("look", [p2pmicro.NewPicture(FILE, "")])
        one = local.picture(ref).picture
        local.folder.remove(one.hash)
        node = Node(local)
        assert (await node.picture(ref, wait_s=0.01)).data is None
        async with trio.open_nursery() as nursery:

            async def come() -> None:
                await trio.sleep(0.05)

                def work() -> None:
                    with transaction(local.connection):
                        media.keep(local.connection, local.folder, one.hash, strip(FILE))

                await node._do(work)

            nursery.start_soon(come)
            with trio.fail_after(10):
                assert (await node.picture(ref, wait_s=10)).data == strip(FILE)

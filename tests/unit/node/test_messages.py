"""What a person does with messages, on one home with what others wrote: done as asked, or refused in a sentence."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import trio
import trio.testing

from p2pmicro import cbor
from p2pmicro.errors import LocalError
from p2pmicro.feed.content import Content, delete, post, profile, reaction, read, reply, write
from p2pmicro.feed.device import check_device_proof
from p2pmicro.ids import EntryId, FeedId, Ref, format_ref
from p2pmicro.node.home import Home
from p2pmicro.node.local import LocalNode
from p2pmicro.node.offline import Node
from p2pmicro.store.db import transaction
from p2pmicro.store.feeds import Role, add_feed, set_role
from p2pmicro.store.ingest import ingest
from p2pmicro.views.counts import Counts
from p2pmicro.views.tree import State
from tests.made import NOW_MS, MadeFeed
from tests.store.home import checked


@pytest.fixture
def node(tmp_path: Path) -> Iterator[LocalNode]:
    with LocalNode.open(Home(tmp_path / "home", tmp_path / "state"), create=True) as opened:
        yield opened


@pytest.fixture
def bob(node: LocalNode) -> MadeFeed:
    """Bob, who is followed and has written one message."""
    made = MadeFeed(1, "bob", "bob")
    made.append(write(NOW_MS, "profile", profile(1, "Bob")))
    made.append(write(NOW_MS, "post", post("Who has seen the ferry?")))
    _bring(node, made)
    return made


def _bring(node: LocalNode, made: MadeFeed, role: Role = Role.FOLLOWED) -> None:
    """All that a feed has, as a peer brings it."""
    with transaction(node.connection):
        set_role(node.connection, node.views, made.account, role)
        state = add_feed(node.connection, node.changes, check_device_proof(made.proof))
        first = 1 if state.newest is None else state.newest.end.seq + 1
        ingest(node.connection, node.views, node.changes, [checked(made.range(first, made.last))], NOW_MS)


def _say(node: LocalNode, made: MadeFeed, kind: str, content: Content) -> Ref:
    made.append(write(NOW_MS + made.last, kind, content))
    _bring(node, made)
    return _ref(made, made.last)


def _ref(made: MadeFeed, seq: int) -> Ref:
    return Ref(made.feed, seq, EntryId(made.links[seq].id))


def _texts(node: LocalNode) -> list[str]:
    return [message.text for message in node.timeline()]


def _content(node: LocalNode, ref: Ref) -> Content:
    """What was really written."""
    (payload,) = node.connection.execute(
        "SELECT payload FROM entries JOIN feeds ON number = key >> 32 WHERE feed = ? AND key & 4294967295 = ?",
        (ref.feed, ref.seq),
    ).fetchone()
    return read(payload).content


class TestWriting:
    def test_answer_names_the_root_and_the_parent(self, node: LocalNode, bob: MadeFeed) -> None:
        first = node.reply(_ref(bob, 3), "I have")
        second = node.reply(first, "and again")
        assert _content(node, first)["reply"] == reply(_ref(bob, 3), _ref(bob, 3))
        assert _content(node, second)["reply"] == reply(_ref(bob, 3), first)
        assert [slot.depth for slot in node.thread(second).slots] == [0, 1, 2]

    def test_mention_is_bound_to_the_account(self, node: LocalNode, bob: MadeFeed) -> None:
        ref = node.post("So @Bob and @nobody")
        assert _content(node, ref)["mentions"] == [[3, 4, bob.account]]

    def test_quote_shows_what_it_quotes(self, node: LocalNode, bob: MadeFeed) -> None:
        ref = node.quote(_ref(bob, 3), "This!", lang="en-GB")
        message = node.find_message(ref)
        assert (message.quote, message.lang) == (_ref(bob, 3), "en-GB")
        assert node.originals([_ref(bob, 3)])[_ref(bob, 3)].text == "Who has seen the ferry?"

    @pytest.mark.parametrize("lang", ["", "e n", "-en", "x" * 36, "en-", "日本"])
    def test_language_that_is_none_is_refused(self, node: LocalNode, lang: str) -> None:
        height = node.height()
        with pytest.raises(LocalError, match="no language"):
            node.post("Hello", lang=lang)
        assert node.height() == height

    @pytest.mark.parametrize("seq", [1, 2, 9])
    def test_what_is_no_message_or_not_here_can_not_be_answered(self, node: LocalNode, bob: MadeFeed, seq: int) -> None:
        height = node.height()
        ways: list[Callable[[str], object]] = [
            lambda ref: node.reply(ref, "yes"),
            lambda ref: node.quote(ref, "yes"),
            node.repost,
            node.like,
            node.bookmark,
            node.thread,
        ]
        for way in ways:
            with pytest.raises(LocalError, match="not here"):
                way(format_ref(bob.feed, seq))
        assert node.height() == height

    def test_deleted_message_is_said_to_be_deleted(self, node: LocalNode, bob: MadeFeed) -> None:
        ref = _ref(bob, 3)
        _say(node, bob, "delete", delete(ref))
        for way in (node.like, node.repost, node.thread):
            with pytest.raises(LocalError, match="deleted it"):
                way(format_ref(ref.feed, ref.seq))

    def test_sealed_message_is_passed_on_to_nobody(self, node: LocalNode, bob: MadeFeed) -> None:
        ref = _ref(bob, 3)
        # As if it had been sealed to this account and opened.
        key = node.connection.execute("SELECT number << 32 | 3 FROM feeds WHERE feed = ?", (bob.feed,)).fetchone()[0]
        slots = [bytes(72)] * 4
        sealed = {"salt": bytes(16), "commit": bytes(32), "slots": slots, "body": bytes(272)}
        node.connection.execute("UPDATE entries SET payload = ? WHERE key = ?", (write(NOW_MS, "sealed", sealed), key))
        node.connection.execute(
            "INSERT INTO sealed (key, state, salt, plain) VALUES (?, 2, ?, ?)",
            (key, bytes(16), cbor.encode(["post", {"text": "psst"}])),
        )
        assert node.message(bob.feed, 3) is not None
        name = format_ref(ref.feed, ref.seq)
        for way in (node.repost, lambda given: node.quote(given, "look")):
            with pytest.raises(LocalError, match="for some only"):
                way(name)


class TestReplacing:
    def test_correction_keeps_place_answers_quote_and_pictures(self, node: LocalNode, bob: MadeFeed) -> None:
        old = node.append(
            lambda _: [
                (
                    "post",
                    post("tpyo", reply=reply(_ref(bob, 3), _ref(bob, 3)), media=[[bytes(32), "image/png", 9, "x"]]),
                )
            ]
        )[0]
        answer = _say(node, bob, "post", post("what?", reply=reply(_ref(bob, 3), old)))
        new = node.post("typo", replace=old)
        assert node.message(old.feed, old.seq) is None
        content = _content(node, new)
        assert (content["replaces"], content["media"]) == (
            [[old.feed, old.seq, old.id]],
            [[bytes(32), "image/png", 9, "x"]],
        )
        drawn = [(slot.ref, slot.depth) for slot in node.thread(answer).slots]
        assert drawn == [(_ref(bob, 3), 0), (new, 1), (answer, 2)]
        again = node.post("Typo.", replace=new)
        drawn = [(slot.ref, slot.depth) for slot in node.thread(answer).slots]
        assert drawn == [(_ref(bob, 3), 0), (again, 1), (answer, 2)]
        assert "typo" not in _texts(node)

    def test_both_are_in_one_transaction(self, node: LocalNode) -> None:
        old = node.post("one")
        new = node.post("two", replace=format_ref(old.feed, old.seq))
        assert (new.seq, node.height()) == (old.seq + 1, old.seq + 2)

    def test_many_corrections_still_fit(self, node: LocalNode) -> None:
        ref = node.post("0")
        for number in range(1, 20):
            ref = node.post(f"{number}", replace=ref)
        assert len(_content(node, ref)["replaces"]) == 16
        assert _texts(node) == ["19"]

    def test_others_messages_are_not_replaced(self, node: LocalNode, bob: MadeFeed) -> None:
        with pytest.raises(LocalError, match="Only your own"):
            node.post("mine now", replace=_ref(bob, 3))


class TestDeleting:
    def test_deleted_is_gone_at_once_and_from_the_disk(self, node: LocalNode) -> None:
        ref = node.post("quartzword")
        assert node.delete(ref) is not None
        assert _texts(node) == []
        files = b"".join(path.read_bytes() for path in node.home.path.rglob("*") if path.is_file())
        assert b"uartzword" not in files
        assert node.delete(ref) is None

    def test_only_ones_own_and_only_what_others_can_do_without(self, node: LocalNode, bob: MadeFeed) -> None:
        gone = node.delete(node.post("x"))
        assert gone is not None
        for ref, why in (
            (_ref(bob, 3), "Only your own"),
            (gone, "others need it"),
            (f"{format_ref(node.feed, 1)}", "others need it"),
            (f"{format_ref(node.feed, 99)}", "no such entry"),
            (Ref(FeedId(bytes(32)), 5, EntryId(bytes(32))), "nothing of its author"),
        ):
            with pytest.raises(LocalError, match=why):
                node.delete(ref)


class TestReacting:
    def test_like_and_unlike(self, node: LocalNode, bob: MadeFeed) -> None:
        ref = _ref(bob, 3)
        assert node.like(ref) is not None
        assert node.like(ref) is None
        assert node.timeline()[-1].counts == Counts(0, 0, 1, reposted=False, liked=True)
        assert [who.account for who in node.reacted(ref).likes] == [node.account]
        assert node.unlike(ref) is not None
        assert node.unlike(ref) is None
        liked_again = node.like(ref)
        assert liked_again is not None
        assert _content(node, liked_again)["rev"] == 3

    def test_repost_of_a_repost_names_the_original(self, node: LocalNode, bob: MadeFeed) -> None:
        carol = MadeFeed(1, "carol", "carol")
        said = _say(node, carol, "post", post("far away"))
        passed_on = _say(node, bob, "repost", reaction(said, 1, True))
        mine = node.repost(format_ref(passed_on.feed, passed_on.seq))
        assert mine is not None
        assert _content(node, mine)["ref"] == [said.feed, said.seq, said.id]
        (top, *_) = node.timeline()
        assert top.relay is not None
        assert (top.ref, top.relay.by[0].account, len(top.relay.by)) == (said, node.account, 2)
        assert node.unrepost(said) is not None
        assert node.unrepost(said) is None

    def test_like_of_what_was_deleted_since_can_be_taken_back(self, node: LocalNode, bob: MadeFeed) -> None:
        ref = _ref(bob, 3)
        node.like(ref)
        _say(node, bob, "delete", delete(ref))
        assert node.unlike(ref) is not None

    def test_bookmarks_are_private_and_newest_first(self, node: LocalNode, bob: MadeFeed) -> None:
        height = node.height()
        second = _say(node, bob, "post", post("second"))
        assert node.bookmark(_ref(bob, 3))
        assert not node.bookmark(_ref(bob, 3))
        assert node.bookmark(format_ref(second.feed, second.seq))
        assert ([message.ref for message in node.bookmarks()[0]], node.bookmarks()[1]) == ([second, _ref(bob, 3)], 0)
        _say(node, bob, "delete", delete(second))
        assert ([message.ref for message in node.bookmarks()[0]], node.bookmarks()[1]) == ([_ref(bob, 3)], 1)
        assert node.remove_bookmark(second)
        assert not node.remove_bookmark(second)
        assert node.height() == height


class TestRefs:
    def test_last_letters_of_a_feed_do(self, node: LocalNode, bob: MadeFeed) -> None:
        whole = format_ref(bob.feed, 3)
        feed, _, seq = whole.partition("/")
        for text in (whole, f"…{feed[-8:]}/{seq}", f"{feed[-5:]}/{seq}"):
            assert node.find_ref(text) == _ref(bob, 3)

    def test_letters_that_fit_no_feed_are_refused(self, node: LocalNode) -> None:
        with pytest.raises(LocalError, match="No feed here ends with"):
            node.find_ref("2222222222/3")

    def test_letters_that_fit_several_are_refused(self, node: LocalNode, bob: MadeFeed) -> None:
        # All feeds have the same letters at the front; so many that two end alike.
        twin = bytes(31) + bytes([bob.feed[-1]])
        number = (int.from_bytes(bob.feed) - int.from_bytes(twin)) % 58**4
        twin = (int.from_bytes(twin) + number).to_bytes(32)
        node.connection.execute(
            "INSERT INTO feeds (feed, account, device, device_head, change) VALUES (?, 1, x'00', x'00', 99)", (twin,)
        )
        with pytest.raises(LocalError, match="Several feeds"):
            node.find_ref(f"{format_ref(bob.feed, 3).partition('/')[0][-4:]}/3")


def test_programs_with_trio_have_the_same(tmp_path: Path) -> None:
    async def run() -> None:
        with LocalNode.open(Home(tmp_path / "home", tmp_path / "state"), create=True) as local:
            node = Node(local)
            heard: list[str] = []
            all_heard = trio.Event()

            async def listen() -> None:
                async for message in node.arrivals():
                    heard.append(message.text)
                    if len(heard) == 3:
                        all_heard.set()

            async with trio.open_nursery() as nursery:
                nursery.cancel_scope.deadline = trio.current_time() + 10
                nursery.start_soon(listen)
                await trio.testing.wait_all_tasks_blocked()
                ref = await node.post("one")
                assert await node.find_ref(format_ref(ref.feed, ref.seq)) == ref
                await node.post("two", replace=ref)
                answer = await node.reply((await node.timeline())[0].ref, "three")
                states = [slot.state for slot in (await node.thread(answer)).slots]
                await all_heard.wait()
                nursery.cancel_scope.cancel()
        assert states == [State.HERE, State.HERE]
        assert heard == ["one", "two", "three"]

    trio.run(run)

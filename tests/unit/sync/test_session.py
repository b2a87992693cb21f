"""One conversation: states, queues and deadlines. Source: protocol/sync.md, "States"."""

from collections.abc import Callable
from typing import get_args

import pytest

from p2pmicro.errors import AuthError, FrameError, LimitError, MessageError, StateError
from p2pmicro.ids import Ref
from p2pmicro.limits import (
    FRAME_MAX_BYTES,
    FRAME_MIN_RATE,
    FRAME_TIMEOUT_S,
    HANDSHAKE_TIMEOUT_S,
    HELLO_MAX_BYTES,
    INTEREST_MAX_STRANGER,
    MEDIA_QUEUE_MAX,
    MEDIA_WANT_MAX_ITEMS,
    PING_AFTER_S,
    STALL_TIMEOUT_S,
    UNSENT_MAX_BYTES,
    WANT_MAX_ITEMS,
    WANT_QUEUE_MAX,
)
from p2pmicro.sync.coding import decode_message_untrusted, encode_message
from p2pmicro.sync.frame import frame
from p2pmicro.sync.message import (
    Ask,
    AskIds,
    Close,
    ExcerptGiven,
    Gone,
    Have,
    Hello,
    Ids,
    Interest,
    Media,
    Message,
    Ping,
    Pong,
    RangeGiven,
    Resume,
    Want,
    WantMedia,
    Wants,
)
from p2pmicro.sync.session import Session
from p2pmicro.sync.state import TABLE, State
from tests.unit.sync.samples import CERTIFICATES, NEWER, SALT, VERSION, hello, made, samples

NOW = 1000.0
PICTURE = bytes(range(32))
WAY: list[Message] = [
    Resume(None, 0, None, None),
    Interest(None, VERSION, SALT, [], []),
]


def give(session: Session, *messages: Message, now: float = NOW) -> list[Message]:
    """Let the peer say something; what is left for the owner."""
    session.receive_data(b"".join(frame(encode_message(message)) for message in messages), now)
    found = []
    while (event := session.next_event(now)) is not None:
        found.append(event)
    return found


def said(session: Session) -> list[Message]:
    """What the session has to send, as messages; as if it left at once."""
    data = session.data_to_send()
    session.sent(len(data), NOW)
    found = []
    while data:
        size = int.from_bytes(data[:4])
        found.append(decode_message_untrusted(data[4 : 4 + size]))
        data = data[4 + size :]
    return found


def in_state(state: State, initiator: bool = False) -> Session:
    """A session that has come as far as `state`, and has said hello where it could."""
    session = Session(initiator, CERTIFICATES, NOW)
    if not initiator:
        session.send(hello(False), NOW)
    if state is State.CLOSED:
        session.close("bye", "", NOW)
        return session
    for message in [hello(not initiator), *WAY]:
        if session.state is state:
            break
        give(session, message)
        if initiator and isinstance(message, Hello):
            session.send(hello(True), NOW)
    assert session.state is state
    said(session)
    return session


@pytest.fixture
def opened() -> Session:
    return in_state(State.OPEN)


class TestStates:
    @pytest.mark.parametrize("initiator", [False, True])
    @pytest.mark.parametrize("state", [state for state in State if state is not State.CLOSED])
    @pytest.mark.parametrize("kind", get_args(Message))
    def test_each_message_in_each_state(self, state: State, kind: type[Message], initiator: bool) -> None:
        after = TABLE[state].get(kind)
        for sample in samples()[kind]:
            session = in_state(state, initiator)
            number = getattr(sample, "number", None)
            if isinstance(number, int):
                ref = Ref(made().feed, 1, made().links[1].id)
                asked = Ask(number, ref) if kind is ExcerptGiven else Want(number, made().feed, 1, 1, None)
                session._asked[number] = asked
            if isinstance(sample, Ids):
                session._asked_ids.append(AskIds(sample.feed, [seq for seq, _ in sample.ids]))
            if isinstance(sample, Media):
                session._asked_media.add(sample.name)
            if isinstance(sample, Hello) and after is not None:
                sample = hello(not initiator)
            if after is None:
                large = state is State.AWAIT_HELLO and len(encode_message(sample)) > HELLO_MAX_BYTES
                with pytest.raises(FrameError if large else StateError):
                    give(session, sample)
            else:
                give(session, sample)
                more = isinstance(sample, Interest) and not sample.last
                assert session.state is (state if more else after)

    def test_a_closed_session_takes_nothing(self) -> None:
        session = in_state(State.CLOSED)
        for kind in get_args(Message):
            assert give(session, *samples()[kind]) == []
        session.send(Ping(), NOW)
        assert said(session) == [hello(False), Close("bye", "")]
        assert session.next_timeout() is None
        session.handle_timeout(NOW + 1e6)

    def test_table_names_every_state_and_close_is_the_only_way_out(self) -> None:
        assert set(TABLE) == set(State)
        for state, takes in TABLE.items():
            if state is not State.CLOSED:
                assert [kind for kind, after in takes.items() if after is State.CLOSED] == [Close]

    def test_close_is_told_to_the_owner_and_ends(self, opened: Session) -> None:
        assert give(opened, Close("busy", "later"), Ping()) == [Close("busy", "later")]
        assert opened.state is State.CLOSED
        assert said(opened) == []


class TestHello:
    def test_initiator_sends_nothing_before_a_checked_hello(self) -> None:
        session = Session(True, CERTIFICATES, NOW)
        for message in (hello(True), Resume(None, 0, None, None), Ping()):
            with pytest.raises(AssertionError):
                session.send(message, NOW)
        assert session.data_to_send() == b""
        give(session, hello(False))
        session.send(hello(True), NOW)
        assert [type(message) for message in said(session)] == [Hello]

    @pytest.mark.parametrize(
        ("wrong", "error"),
        [
            (hello(True), AuthError),  # its own kind sent back
            (hello(False, (b"another", b"session")), AuthError),
            (Resume(None, 0, None, None), StateError),
        ],
    )
    def test_initiator_says_nothing_at_all_to_who_did_not_prove_itself(
        self, wrong: Message, error: type[Exception]
    ) -> None:
        session = Session(True, CERTIFICATES, NOW)
        with pytest.raises(error):
            give(session, wrong)
        session.close("remote.auth", "No.", NOW)
        assert session.data_to_send() == b""
        assert session.state is State.CLOSED

    def test_responder_says_hello_first_and_why_it_closes(self) -> None:
        session = Session(False, CERTIFICATES, NOW)
        with pytest.raises(AssertionError):
            session.send(Ping(), NOW)
        session.send(hello(False), NOW)
        with pytest.raises(AuthError):
            give(session, hello(False))
        session.close(AuthError.code, "x" * 300, NOW)
        assert said(session) == [hello(False), Close("remote.auth", "x" * 200)]

    def test_stranger_has_little_room_for_its_first_frame(self) -> None:
        session = Session(False, CERTIFICATES, NOW)
        session.receive_data((HELLO_MAX_BYTES + 1).to_bytes(4), NOW)
        with pytest.raises(FrameError):
            session.next_event(NOW)

    def test_who_has_proven_itself_has_room(self) -> None:
        session = in_state(State.AWAIT_RESUME)
        session.receive_data(FRAME_MAX_BYTES.to_bytes(4), NOW)
        assert session.next_event(NOW) is None

    def test_what_follows_a_hello_in_one_piece_is_read(self) -> None:
        session = Session(False, CERTIFICATES, NOW)
        found = give(session, hello(True), *WAY)
        assert [type(message) for message in found] == [Hello, Resume, Interest]


class TestInterest:
    def test_parts_become_one(self) -> None:
        session = in_state(State.AWAIT_INTEREST)
        one, two, three = (bytes([number]) * 16 for number in range(3))
        assert give(session, Interest(VERSION, NEWER, None, [one], [two], False)) == []
        assert session.state is State.AWAIT_INTEREST
        whole = give(session, Interest(VERSION, NEWER, None, [three], [], True))
        assert whole == [Interest(VERSION, NEWER, None, [one, three], [two], True)]

    @pytest.mark.parametrize(
        "part",
        [
            Interest(VERSION, VERSION, None, [], []),
            Interest(NEWER, NEWER, None, [], []),
            Interest(None, NEWER, SALT, [], []),
        ],
    )
    def test_parts_that_do_not_belong_together_are_refused(self, opened: Session, part: Interest) -> None:
        give(opened, Interest(VERSION, NEWER, None, [], [], False))
        with pytest.raises(MessageError):
            give(opened, part)

    def test_of_a_strangers_long_interest_the_first_elements_are_kept(self, opened: Session) -> None:
        elements = [number.to_bytes(16) for number in range(INTEREST_MAX_STRANGER + 9)]
        (whole,) = give(
            opened,
            Interest(None, VERSION, SALT, elements[:-10], [], False),
            Interest(None, VERSION, SALT, elements[-10:-5], [], False),
            Interest(None, VERSION, SALT, elements[-5:], []),
        )
        assert isinstance(whole, Interest)
        assert list(whole.added) == elements[:INTEREST_MAX_STRANGER]


class TestWants:
    def test_wants_wait_for_the_owner_in_order(self, opened: Session) -> None:
        wants = [Want(number, made().feed, 1, number, None) for number in range(1, 4)]
        assert give(opened, Wants(wants[:1]), Wants(wants[1:])) == [Wants(wants[:1]), Wants(wants[1:])]
        assert [opened.next_want() for _ in range(4)] == [*wants, None]

    def test_too_many_waiting_wants_end_the_session(self, opened: Session) -> None:
        want = Want(1, made().feed, 1, 1, None)
        for _ in range(WANT_QUEUE_MAX // WANT_MAX_ITEMS):
            give(opened, Wants([want] * WANT_MAX_ITEMS))
        give(opened, Wants([]))
        with pytest.raises(LimitError):
            give(opened, Wants([want]))

    def test_answered_wants_make_room(self, opened: Session) -> None:
        want = Want(1, made().feed, 1, 1, None)
        for _ in range(3 * WANT_QUEUE_MAX):
            give(opened, Wants([want]))
            assert opened.next_want() == want

    def test_production_stops_while_much_is_unsent(self, opened: Session) -> None:
        give(opened, Wants([Want(number, made().feed, 1, 1, None) for number in range(9)]))
        assert opened.next_want() is not None
        sent = RangeGiven(None, made().range(1, 70))
        while opened.unsent_bytes < UNSENT_MAX_BYTES:
            opened.send(sent, NOW)
        assert opened.next_want() is None
        data = opened.data_to_send()
        assert opened.next_want() is None, "taken is not sent"
        opened.sent(len(data), NOW)
        assert opened.unsent_bytes == 0
        assert opened.bytes_out >= len(data)
        assert opened.next_want() is not None

    def test_answers_are_matched_by_their_numbers(self, opened: Session) -> None:
        feed = made().feed
        opened.send(Wants([Want(1, feed, 1, 3, None), Want(2, feed, 4, 9, None)]), NOW)
        assert opened.asked == 2
        assert give(opened, Gone(2), RangeGiven(1, made().range(1, 3)))
        assert opened.asked == 0

    @pytest.mark.parametrize(
        "answer",
        [Gone(1), RangeGiven(1, made().range(1, 3)), Ids(made().feed, []), Media(PICTURE, None)],
    )
    def test_answer_that_nobody_asked_for_ends_the_session(self, opened: Session, answer: Message) -> None:
        with pytest.raises(StateError):
            give(opened, answer)

    def test_answer_given_twice_ends_the_session(self, opened: Session) -> None:
        opened.send(Wants([Want(1, made().feed, 1, 3, None)]), NOW)
        give(opened, Gone(1))
        with pytest.raises(StateError):
            give(opened, Gone(1))

    def test_pushed_range_needs_no_want(self, opened: Session) -> None:
        pushed = RangeGiven(None, made().range(1, 3))
        assert give(opened, pushed) == [pushed]

    def test_ids_come_in_order_and_only_those_asked_for(self, opened: Session) -> None:
        feed, other, entry_id = made().feed, made().account, made().links[5].id
        opened.send(AskIds(feed, [5, 7]), NOW)
        give(opened, Ids(feed, [(5, entry_id)]))
        opened.send(AskIds(feed, [5, 7]), NOW)
        with pytest.raises(MessageError):
            give(opened, Ids(feed, [(6, entry_id)]))
        opened = in_state(State.OPEN)
        opened.send(AskIds(feed, [5]), NOW)
        with pytest.raises(StateError):
            give(opened, Ids(type(feed)(other), []))


class TestMedia:
    def test_pictures_wait_for_the_owner_in_order_while_little_is_unsent(self, opened: Session) -> None:
        names = [bytes([number]) * 32 for number in range(3)]
        assert give(opened, WantMedia(names[:2]), WantMedia([]), WantMedia(names[2:])) == [
            WantMedia(names[:2]),
            WantMedia(names[2:]),
        ]
        assert opened.next_media_want() == names[0]
        opened.send(Media(names[0], bytes(UNSENT_MAX_BYTES)), NOW)
        assert opened.next_media_want() is None, "one large picture after the other"
        opened.sent(len(opened.data_to_send()), NOW)
        assert [opened.next_media_want() for _ in range(3)] == [*names[1:], None]

    def test_too_many_waiting_pictures_end_the_session(self, opened: Session) -> None:
        for _ in range(MEDIA_QUEUE_MAX // MEDIA_WANT_MAX_ITEMS):
            give(opened, WantMedia([PICTURE] * MEDIA_WANT_MAX_ITEMS))
        with pytest.raises(LimitError):
            give(opened, WantMedia([PICTURE]))

    def test_each_picture_is_answered_once_in_any_order(self, opened: Session) -> None:
        opened.send(WantMedia([PICTURE, bytes(32)]), NOW)
        answers: list[Message] = [Media(bytes(32), None), Media(PICTURE, b"whatever: the owner checks the hash")]
        assert give(opened, *answers) == answers
        with pytest.raises(StateError):
            give(opened, Media(PICTURE, None))

    def test_a_picture_comes_within_thirty_seconds_and_one_under_way_takes_its_time(self, opened: Session) -> None:
        opened.send(WantMedia([PICTURE, bytes(32)]), NOW)
        said(opened)
        give(opened, Media(PICTURE, b"a"), now=NOW + 20)
        data = frame(encode_message(Media(bytes(32), bytes(1 << 20))))
        for second in range(21, 80):
            opened.receive_data(data[(second - 21) * 16_000 : (second - 20) * 16_000], NOW + second)
            assert opened.next_event(NOW + second) is None
            opened.handle_timeout(NOW + second)
        ends(opened, NOW + 21 + FRAME_TIMEOUT_S + (len(data) - 4) / FRAME_MIN_RATE)


def ends(session: Session, at: float) -> None:
    """Nothing happens until `at`, and then a deadline has passed."""
    due = session.next_timeout()
    assert due is not None
    assert due <= at
    session.handle_timeout(at - 0.01)
    with pytest.raises(LimitError):
        session.handle_timeout(at)


class TestDeadlines:
    @pytest.mark.parametrize("initiator", [False, True])
    def test_hello_comes_within_five_seconds(self, initiator: bool) -> None:
        ends(Session(initiator, CERTIFICATES, NOW), NOW + HANDSHAKE_TIMEOUT_S)

    def test_bytes_do_not_put_the_handshake_off(self) -> None:
        session = Session(False, CERTIFICATES, NOW)
        session.receive_data(b"\x00\x00", NOW + 4)
        ends(session, NOW + HANDSHAKE_TIMEOUT_S)

    @pytest.mark.parametrize("state", [State.AWAIT_RESUME, State.AWAIT_INTEREST])
    def test_peer_says_what_it_wants_within_thirty_seconds(self, state: State) -> None:
        ends(in_state(state), NOW + STALL_TIMEOUT_S)

    def test_frame_that_has_begun_is_whole_in_time(self, opened: Session) -> None:
        opened.receive_data(b"\x00", NOW)
        opened.receive_data(b"\x00", NOW + 9)
        assert opened.next_event(NOW + 9) is None
        ends(opened, NOW + FRAME_TIMEOUT_S)

    def test_silent_peer_is_pinged_after_a_minute_and_left_half_a_minute_later(self, opened: Session) -> None:
        assert opened.next_timeout() == NOW + PING_AFTER_S
        opened.handle_timeout(NOW + PING_AFTER_S - 1)
        assert said(opened) == []
        opened.handle_timeout(NOW + PING_AFTER_S)
        assert said(opened) == [Ping()]
        opened.handle_timeout(NOW + PING_AFTER_S + 1)
        assert said(opened) == [], "one ping is enough"
        ends(opened, NOW + PING_AFTER_S + STALL_TIMEOUT_S)

    def test_pong_keeps_the_session(self, opened: Session) -> None:
        opened.handle_timeout(NOW + PING_AFTER_S)
        said(opened)
        later = NOW + PING_AFTER_S + 20
        give(opened, Pong(), now=later)
        assert opened.next_timeout() == later + PING_AFTER_S

    def test_ping_is_answered(self, opened: Session) -> None:
        assert give(opened, Ping()) == []
        assert said(opened) == [Pong()]

    def test_want_is_answered_within_thirty_seconds(self, opened: Session) -> None:
        opened.send(Wants([Want(1, made().feed, 1, 3, None)]), NOW)
        said(opened)
        ends(opened, NOW + STALL_TIMEOUT_S)

    def test_ids_are_answered_within_thirty_seconds(self, opened: Session) -> None:
        opened.send(AskIds(made().feed, [1]), NOW)
        said(opened)
        ends(opened, NOW + STALL_TIMEOUT_S)

    def test_each_answer_gives_the_next_its_time(self, opened: Session) -> None:
        opened.send(Wants([Want(number, made().feed, 1, 3, None) for number in range(2)]), NOW)
        said(opened)
        give(opened, Gone(0), now=NOW + 20)
        ends(opened, NOW + 20 + STALL_TIMEOUT_S)

    def test_other_talk_is_no_answer(self, opened: Session) -> None:
        opened.send(Wants([Want(1, made().feed, 1, 3, None)]), NOW)
        said(opened)
        for second in range(5, 30, 5):
            give(opened, Have([], second), Ping(), now=NOW + second)
            said(opened)
        ends(opened, NOW + STALL_TIMEOUT_S)

    def test_late_question_does_not_inherit_an_old_time(self, opened: Session) -> None:
        give(opened, Have([], 1), now=NOW + 50)
        opened.send(AskIds(made().feed, [1]), NOW + 50)
        opened.sent(len(opened.data_to_send()), NOW + 50)
        ends(opened, NOW + 50 + STALL_TIMEOUT_S)

    def test_peer_that_does_not_read_is_left(self, opened: Session) -> None:
        opened.send(Have([], 1), NOW)
        assert opened.data_to_send()
        ends(opened, NOW + STALL_TIMEOUT_S)

    def test_peer_that_reads_slowly_is_kept(self, opened: Session) -> None:
        opened.send(Have([], 1), NOW)
        count = len(opened.data_to_send())
        opened.sent(count - 1, NOW + 25)
        opened.handle_timeout(NOW + 54)
        ends(opened, NOW + 25 + STALL_TIMEOUT_S)


def test_every_step_gives_the_same_whole_or_byte_by_byte() -> None:
    messages: list[Message] = [hello(True), *WAY, Ping(), Have([], 3), Close("bye", "")]
    data = b"".join(frame(encode_message(message)) for message in messages)
    feeds: list[Callable[[Session], list[Message]]] = [
        lambda session: give(session, *messages),
        lambda session: [event for at in range(len(data)) for event in _fed(session, data[at : at + 1])],
    ]
    outcomes = []
    for feed in feeds:
        session = Session(False, CERTIFICATES, NOW)
        session.send(hello(False), NOW)
        outcomes.append((feed(session), said(session), session.state, session.bytes_in))
    assert outcomes[0] == outcomes[1]


def _fed(session: Session, data: bytes) -> list[Message]:
    session.receive_data(data, NOW)
    event = session.next_event(NOW)
    return [] if event is None else [event]

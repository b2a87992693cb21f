"""Stories of meetings, told with whole nodes: what a meeting costs, forks, revokes, copies, and peers that lie."""

from hashlib import sha256

import pytest

from p2pmicro import cbor
from p2pmicro.errors import RemoteError, SignatureError, StateError
from p2pmicro.feed import content
from p2pmicro.feed.chain import Range
from p2pmicro.feed.device import DeviceProof, make_revoke, revoke_content
from p2pmicro.limits import PAYLOAD_MAX_BYTES
from p2pmicro.store.feeds import shown_end
from p2pmicro.sync.message import Have, HaveItem, Interest, RangeGiven, Want, Wants
from tests.made import NOW_MS, MadeFeed, flipped
from tests.property.pipe import End, Party, Pipe, World, lacking


def meet(world: World, one: Party, other: Party) -> Pipe:
    """A meeting that lasts until nothing is left to say."""
    pipe = world.join(one, other)
    world.settle()
    world.check_no_errors()
    return pipe


def assert_equal(one: Party, other: Party) -> None:
    assert not lacking(one, other)
    assert not lacking(other, one)


def job_of(end: End) -> None:
    """Run one question of a session to the store, and tell it the answer."""
    end._run()
    end._tell()


class TestMeetingAgain:
    @pytest.mark.parametrize("feeds", [10, 300])
    def test_quiet_meeting_costs_at_most_a_kilobyte(self, world: World, feeds: int) -> None:
        alice, bob = world.add("alice"), world.add("bob")
        for number in range(feeds):
            alice.hold(MadeFeed(1, f"feed {number}", account=f"account {number}"), 1, 1)
        bob.follow(alice.account)
        world.cut(meet(world, alice, bob))
        assert_equal(alice, bob)
        assert len(bob.states()) == feeds + 2
        world.cut(meet(world, alice, bob))  # what each brought the other was news to tell, once
        quiet = meet(world, alice, bob)
        assert quiet.bytes <= 1024
        assert quiet.bytes == 790, "the same for any number of feeds"

    def test_after_a_restore_everything_is_told_again(self, world: World) -> None:
        alice, bob = world.add("alice"), world.add("bob")
        bob.follow(alice.account)
        alice.post(100)
        world.cut(meet(world, bob, alice))
        alice.new_epoch()
        world.restart(alice)
        alice.post(3)
        heard = meet(world, bob, alice).ends[0].heard
        assert alice.feed in [item.feed for have in heard if isinstance(have, Have) for item in have.items]
        assert_equal(alice, bob)

    def test_what_was_told_and_not_fetched_is_fetched_at_the_next_meeting(self, world: World) -> None:
        alice, bob = world.add("alice"), world.add("bob")
        bob.follow(alice.account)
        alice.post(500)
        pipe = world.join(bob, alice)
        while not bob.connection.execute("SELECT count(*) FROM offers").fetchone()[0]:
            world.run(1)
        world.cut(pipe)
        world.settle()
        assert bob.end_of(alice.feed) == 0
        (again,) = (meet(world, bob, alice),)
        assert not any(isinstance(message, Have) and message.items for message in again.ends[0].heard[:4])
        assert_equal(alice, bob)

    def test_offer_of_one_peer_outlives_what_another_has(self, world: World) -> None:
        author = MadeFeed(300, "author", account="author")
        alice, bob, carol = world.add("alice"), world.add("bob"), world.add("carol")
        for party, last in ((alice, 100), (carol, 300)):
            party.hold(author, 1, last)
        bob.follow(author.account)
        pipe = world.join(bob, carol)
        while not bob.connection.execute("SELECT count(*) FROM offers").fetchone()[0]:
            world.run(1)
        world.cut(pipe)
        meet(world, bob, alice)
        assert bob.end_of(author.feed) == 100
        meet(world, bob, carol)
        assert bob.end_of(author.feed) == 300

    def test_unfollowed_and_followed_again_while_nobody_looked(self, world: World) -> None:
        alice, bob = world.add("alice"), world.add("bob")
        author = MadeFeed(50, "author", account="author")
        bob.follow(author.account)
        pipe = meet(world, bob, alice)
        bob.follow(author.account, on=False)
        bob.own_due = False  # alice does not hear of it
        alice.hold(author, 1, 50)
        world.settle()
        assert bob.end_of(author.feed) == 0
        bob.follow(author.account)
        world.settle()
        assert bob.end_of(author.feed) == 50
        assert pipe in world.pipes

    def test_feed_of_an_account_that_was_told_is_told_with_its_proof_to_who_follows_it_later(
        self, world: World
    ) -> None:
        alice, bob = world.add("alice"), world.add("bob")
        author = MadeFeed(50, "author", account="author")
        bob.follow(author.account)
        alice.hold(author, 1, 50)
        pipe = world.join(bob, alice)
        while not alice.replicator.talks or author.feed not in alice.replicator.talks[bob.feed].told:
            world.run(1)
        bob.follow(author.account, on=False)  # the news of it crosses what alice says
        world.settle()
        assert author.feed not in bob.states()
        bob.follow(author.account)
        world.settle()
        assert bob.end_of(author.feed) == 50
        assert pipe in world.pipes

    def test_two_changes_of_an_interest_close_together_follow_each_other(self, world: World) -> None:
        alice, bob = world.add("alice"), world.add("bob")
        pipe = meet(world, bob, alice)
        for name in ("one", "two"):
            bob.follow(MadeFeed(1, name, account=name).account)
            bob._look()
            bob._tell()
        assert len(pipe.ends[0].talk.jobs) == 2
        world.settle()
        assert len(alice.replicator.talks[bob.feed].interest) == 5  # a guest is in it twice
        world.check_no_errors()


class TestLive:
    def test_post_reaches_an_open_session_without_being_asked_for(self, world: World) -> None:
        alice, bob = world.add("alice"), world.add("bob")
        bob.follow(alice.account)
        pipe = meet(world, bob, alice)
        wants = sum(isinstance(message, Wants) for message in pipe.ends[1].heard)
        alice.post()
        world.settle()
        assert_equal(alice, bob)
        assert sum(isinstance(message, Wants) for message in pipe.ends[1].heard) == wants
        assert bob.arrived[-1].feed == alice.feed

    def test_entry_that_comes_back_is_no_sign_of_a_copied_home(self, world: World) -> None:
        alice, bob, carol = world.add("alice"), world.add("bob"), world.add("carol")
        for party in (bob, carol):
            party.follow(alice.account)
        for one, other in ((alice, bob), (bob, carol), (alice, carol)):
            world.cut(meet(world, one, other))
        for one, other in ((alice, bob), (bob, carol), (alice, carol)):
            meet(world, one, other)
        for _ in range(5):
            alice.post()
            world.run(30)
        world.settle()
        assert alice.own_ahead == 0
        assert bob.end_of(alice.feed) == carol.end_of(alice.feed) == alice.end_of(alice.feed)

    def test_nothing_but_interest_is_said_before_interest(self, world: World) -> None:
        alice, bob = world.add("alice"), world.add("bob")
        bob.follow(alice.account)
        world.cut(meet(world, bob, alice))
        pipe = world.join(bob, alice)
        mine = pipe.ends[1]
        while alice.feed not in bob.replicator.talks or not mine.talk.interest_version:
            steps = [step for step in world.steps() if getattr(step, "__self__", None) is not mine]
            others = [step for step in mine.steps() if step.__name__ not in ("_run", "_tell") or not mine.greeted]
            world.rng.choice(steps + others)()
        alice.post()
        alice._look()
        alice._tell()
        world.settle()
        world.check_no_errors()
        assert_equal(alice, bob)

    def test_delete_that_arrives_late_takes_the_text_away(self, world: World) -> None:
        alice, bob, carol = world.add("alice"), world.add("bob"), world.add("carol")
        for party in (bob, carol):
            party.follow(alice.account)
        [ref] = alice.post()
        world.cut(meet(world, alice, bob))
        alice.delete(ref)
        world.cut(meet(world, alice, carol))
        meet(world, bob, carol)
        assert bob.payloads(alice.feed)[ref.seq] is None
        assert carol.payloads(alice.feed)[ref.seq] is None
        assert bob.end_of(alice.feed) == alice.end_of(alice.feed)

    def test_entries_that_a_gap_divides_are_joined(self, world: World) -> None:
        author = MadeFeed(2500, "author", account="author")
        alice, bob, carol = world.add("alice"), world.add("bob"), world.add("carol")
        bob.hold(author, 1, 70)
        alice.hold(author, 2400, 2450)
        carol.hold(author, 1, 2500)
        meet(world, bob, alice)
        state = bob.state(author.feed)
        assert [(run.before.seq + 1, run.end.seq) for run in state.runs] == [(2400, 2450), (1, 70)]
        meet(world, bob, carol)
        assert [(run.before.seq, run.end.seq) for run in bob.state(author.feed).runs] == [(0, 2500)]

    def test_newest_run_grows_while_a_gap_stays(self, world: World) -> None:
        author = MadeFeed(400, "author", account="author")
        alice, bob = world.add("alice"), world.add("bob")
        bob.hold(author, 1, 70)
        bob.hold(author, 200, 250)
        alice.hold(author, 180, 400)
        meet(world, bob, alice)
        state = bob.state(author.feed)
        assert [(run.before.seq + 1, run.end.seq) for run in state.runs] == [(180, 400), (1, 70)]

    def test_older_run_grows_while_a_gap_stays(self, world: World) -> None:
        author = MadeFeed(400, "author", account="author")
        alice, bob = world.add("alice"), world.add("bob")
        bob.hold(author, 1, 70)
        bob.hold(author, 200, 250)
        alice.hold(author, 60, 150)
        meet(world, bob, alice)
        state = bob.state(author.feed)
        assert [(run.before.seq + 1, run.end.seq) for run in state.runs] == [(200, 250), (1, 150)]


class TestForks:
    @pytest.mark.parametrize(
        ("fork", "one_end", "other_end"), [(90, 100, 120), (2, 30, 31), (64, 64, 64), (65, 90, 200)]
    )
    def test_fork_is_proven_at_the_smallest_seq_and_nobody_is_blamed(
        self, world: World, fork: int, one_end: int, other_end: int
    ) -> None:
        author = MadeFeed(one_end, "author", account="author")
        branch = author.branch(fork, other_end - fork + 1)
        alice, bob, carol = world.add("alice"), world.add("bob"), world.add("carol")
        alice.hold(author, 1, author.last)
        bob.hold(branch, 1, branch.last)
        carol.follow(author.account)
        pipe = meet(world, alice, bob)
        for party in (alice, bob):
            state = party.state(author.feed)
            assert state.fork_seq == fork
            assert shown_end(state) == fork - 1
        assert pipe in world.pipes
        meet(world, bob, carol)
        state = carol.state(author.feed)
        assert state.fork_seq == fork
        assert shown_end(state) == fork - 1, "who comes later has what may be shown"

    def test_what_comes_after_a_known_fork_is_not_fetched(self, world: World) -> None:
        author = MadeFeed(500, "author", account="author")
        branch = author.branch(90, 300)
        alice, bob, carol = world.add("alice"), world.add("bob"), world.add("carol")
        alice.hold(author, 1, author.last)
        bob.hold(branch, 1, branch.last)
        carol.follow(author.account)
        meet(world, alice, bob)
        meet(world, bob, carol)
        assert shown_end(carol.state(author.feed)) == 89
        assert carol.end_of(author.feed) == 128, "up to the next head"

    def test_fork_below_the_newest_run_is_found_when_the_gap_is_filled(self, world: World) -> None:
        author = MadeFeed(50, "author", account="author")
        branch = author.branch(40, 400)
        alice, bob = world.add("alice"), world.add("bob")
        alice.hold(author, 1, 50)
        bob.hold(branch, 1, branch.last)
        meet(world, alice, bob)
        assert alice.state(author.feed).fork_seq == bob.state(author.feed).fork_seq == 40

    def test_third_branch_lowers_the_fork(self, world: World) -> None:
        author = MadeFeed(130, "author", account="author")
        late, early = author.branch(100, 20), author.branch(30, 150, start=50_000)
        alice, bob, carol = world.add("alice"), world.add("bob"), world.add("carol")
        for party, made in ((alice, author), (bob, late), (carol, early)):
            party.hold(made, 1, made.last)
        world.cut(meet(world, alice, bob))
        assert alice.state(author.feed).fork_seq == 100
        meet(world, bob, carol)
        meet(world, alice, carol)
        assert {party.state(author.feed).fork_seq for party in (alice, bob, carol)} == {30}

    def test_revoke_settles_which_branch_counts(self, world: World) -> None:
        author = MadeFeed(100, "author", account="author")
        branch = author.branch(70, 60)
        revoke = make_revoke(author.account_key, author.feed, branch.links[110])
        second = MadeFeed(1, "second feed", account="author")
        second.append(content.write(NOW_MS, "revoke", revoke_content(revoke)))
        alice, bob, carol = world.add("alice"), world.add("bob"), world.add("carol")
        alice.hold(author, 1, author.last)
        bob.hold(branch, 1, branch.last)
        carol.follow(author.account)
        meet(world, alice, bob)
        bob.hold(second, 1, 2)
        world.settle()
        meet(world, alice, carol)
        world.check_no_errors()
        for party in (alice, bob, carol):
            state = party.state(author.feed)
            assert state.revoke == revoke
            assert shown_end(state) == 110
            payloads = party.payloads(author.feed)
            assert [payloads[seq] for seq in range(1, 111)] == branch.payloads[:110]

    def test_own_feed_ahead_at_a_peer_is_noticed(self, world: World) -> None:
        alice, bob = world.add("alice"), world.add("bob")
        copied = alice.connection.serialize()
        alice.post(3)
        bob.hold(_continued(alice), 1, alice.end_of(alice.feed))
        alice.synced = copied
        world.restart(alice, power_cut=True)
        assert alice.end_of(alice.feed) == 1
        meet(world, alice, bob)
        assert alice.own_ahead >= 1
        assert alice.end_of(alice.feed) == 1, "it is not written to, not by peers either"

    def test_own_feed_forked_by_a_copy_is_noticed(self, world: World) -> None:
        alice, bob = world.add("alice"), world.add("bob")
        alice.post(5)
        copy = MadeFeed.branch(_continued(alice), 4, 2)
        bob.hold(copy, 1, copy.last)
        meet(world, alice, bob)
        assert alice.state(alice.feed).fork_seq == bob.state(alice.feed).fork_seq == 4


def _continued(party: Party) -> MadeFeed:
    """A node's own feed as it stands."""
    made = party.made.branch(2, 0)
    payloads = party.payloads(party.feed)
    for seq in range(2, party.end_of(party.feed) + 1):
        payload = payloads[seq]
        assert payload is not None
        made.append(payload)
    return made


class TestLargestMessages:
    def test_range_of_full_payloads_and_many_holes_fits_a_frame(self, world: World) -> None:
        author = MadeFeed(1920, "author", account="author")
        for number in range(127):
            author.append(bytes([number]) * PAYLOAD_MAX_BYTES)
        alice = world.add("alice")
        alice.hold(author, 1, author.last, holes=range(2, 1921))
        asker = Liar(world, alice)
        assert asker.say(Wants([Want(999, author.feed, 1, author.last, None)])) is None
        (given,) = [
            message.range for message in asker.end.heard if isinstance(message, RangeGiven) and message.number == 999
        ]
        assert (given.before.seq, given.last_seq) == (0, 2047)
        assert sum(len(item) for item in given.items if isinstance(item, bytes)) > 127 * PAYLOAD_MAX_BYTES

    def test_have_of_feeds_with_large_proofs_is_split(self, world: World) -> None:
        alice, bob = world.add("alice"), world.add("bob")
        for number in range(150):
            alice.hold(_padded(number), 1, 1)
        bob.follow(alice.account)
        meet(world, alice, bob)
        assert_equal(alice, bob)
        assert len(bob.states()) == 152


def _padded(number: int) -> MadeFeed:
    """A feed whose entry 1 is as large as it may be: what a reader does not know in it is kept."""
    made = MadeFeed(1, f"padded {number}", account=f"padded account {number}")
    content_ = dict(content.read(made.proof.payload).content)
    content_["pad"] = bytes(PAYLOAD_MAX_BYTES - len(made.proof.payload) - 7)
    del content_["sig"]
    content_["sig"] = made.account_key.sign(b"p2pmicro device 1" + sha256(cbor.encode(content_)).digest())
    payload = content.write(NOW_MS, "device", content_)
    assert len(payload) == PAYLOAD_MAX_BYTES
    made.payloads, made.links = [], made.links[:1]
    made.append(payload)
    made.proof = DeviceProof(payload, made.head(1))
    return made


class Liar:
    """A node that says what a test tells it to, under its own name."""

    def __init__(self, world: World, victim: Party) -> None:
        self.world, self.victim = world, victim
        self.party = world.add("liar")
        self.pipe = world.join(victim, self.party)
        self.end = self.pipe.ends[1]
        world.settle()
        world.check_no_errors()

    def say(self, *messages: object) -> RemoteError | str | None:
        """What the victim makes of messages: its error, or the code with which it closed."""
        for message in messages:
            self.end.session.send(message, 1000.0)  # type: ignore[arg-type]
        self.world.settle()
        theirs = self.pipe.ends[0]
        if theirs.error is not None:
            return theirs.error
        closes = [message for message in self.end.heard if hasattr(message, "code")]
        return closes[-1].code if closes else None


@pytest.fixture
def author() -> MadeFeed:
    return MadeFeed(200, "author", account="author")


@pytest.fixture
def victim(world: World, author: MadeFeed) -> Party:
    alice = world.add("alice")
    alice.follow(author.account)
    return alice


def item(made: MadeFeed, last: int, **extras: object) -> HaveItem:
    return HaveItem(made.feed, made.account, 1, [(1, 1, last)], bytes(16), **{"device": made.proof, **extras})  # type: ignore[arg-type]


class TestPeersThatLie:
    def test_false_head_is_asked_for_and_forgotten(self, world: World, victim: Party, author: MadeFeed) -> None:
        liar = Liar(world, victim)
        assert liar.say(Have([item(author, 2**32 - 1)], 5)) is None
        assert not victim.end_of(author.feed)
        assert victim.connection.execute("SELECT count(*) FROM offers").fetchone() == (0,)
        asked = sum(len(message.items) for message in liar.end.heard if isinstance(message, Wants))
        assert asked < 20, "a liar is not asked for four million pages"
        honest = world.add("bob")
        honest.hold(author, 1, 200)
        meet(world, victim, honest)
        assert victim.end_of(author.feed) == 200

    def test_bad_signature_ends_the_session_and_nothing_is_stored(
        self, world: World, victim: Party, author: MadeFeed
    ) -> None:
        liar = Liar(world, victim)
        assert liar.say(Have([item(author, 0 + 5)], None)) is None
        good = author.range(1, 5)
        bad = Range(good.feed, good.before, good.items, {**good.heads, 5: flipped(good.heads[5], 3)})
        assert liar.say(RangeGiven(None, bad)) == SignatureError.code
        assert victim.end_of(author.feed) == 0

    def test_device_proof_of_another_account_ends_the_session(
        self, world: World, victim: Party, author: MadeFeed
    ) -> None:
        other = MadeFeed(3, "other", account="other")
        liar = Liar(world, victim)
        claimed = HaveItem(other.feed, author.account, 1, [(1, 1, 3)], bytes(16), other.proof)
        assert liar.say(Have([claimed], 5)) == "entry.device"
        assert other.feed not in victim.states()

    def test_feed_without_its_proof_is_not_taken_in(self, world: World, victim: Party, author: MadeFeed) -> None:
        liar = Liar(world, victim)
        assert liar.say(Have([item(author, 5, device=None)], 5), RangeGiven(None, author.range(1, 5))) is None
        assert author.feed not in victim.states()

    def test_push_of_what_nobody_wants_is_not_stored(self, world: World, victim: Party) -> None:
        other = MadeFeed(3, "other", account="other")
        liar = Liar(world, victim)
        assert liar.say(Have([item(other, 3)], 5), RangeGiven(None, other.range(1, 3))) is None
        assert other.feed not in victim.states()

    def test_answer_to_no_want_ends_the_session(self, world: World, victim: Party, author: MadeFeed) -> None:
        liar = Liar(world, victim)
        error = liar.say(RangeGiven(7777, author.range(1, 5)))
        assert isinstance(error, StateError)
        assert author.feed not in victim.states()

    def test_other_range_than_asked_for_is_dropped(self, world: World, victim: Party, author: MadeFeed) -> None:
        liar = Liar(world, victim)
        answers = liar.party.replicator._answers
        answers.serve_job = lambda _, want: _Given(liar.end, want.number, author.range(70, 80))  # type: ignore
        assert liar.say(Have([item(author, 200)], 5)) is None
        assert victim.end_of(author.feed) == 0

    def test_base_that_is_not_held_ends_the_session(self, world: World, victim: Party) -> None:
        liar = Liar(world, victim)
        assert isinstance(liar.say(Interest(b"versions", b"another.", None, [], [])), StateError)


class _Given:
    """A job that answers with one range, whatever was asked."""

    def __init__(self, end: End, number: int, given: Range) -> None:
        self.run = lambda connection: None
        self.then = lambda result: end.session.send(RangeGiven(number, given), 1000.0)

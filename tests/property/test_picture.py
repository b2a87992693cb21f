"""Whatever a file holds: our own error or a picture, in which nothing but the picture is left."""

from hypothesis import given
from hypothesis import strategies as st

from p2pmicro.feed.picture import PictureError, look, strip
from tests.pictures import ANIMATED, CHATTY, MARKER, PLAIN

SAMPLES = [*PLAIN.values(), *CHATTY.values(), *ANIMATED.values()]


def check(data: bytes) -> None:
    """The rules that hold of every file."""
    try:
        facts = look(data)
    except PictureError:
        return
    stripped = strip(data)
    assert look(stripped) == facts
    assert strip(stripped) == stripped
    # A picture has at most its own bytes, an orientation and headers written in another way.
    assert len(stripped) <= len(data) + 64


@given(st.binary(max_size=400))
def test_any_bytes(data: bytes) -> None:
    check(data)


@given(st.sampled_from(SAMPLES), st.lists(st.tuples(st.floats(0, 1), st.integers(0, 255)), min_size=1, max_size=4))
def test_a_picture_with_changed_bytes(sample: bytes, changes: list[tuple[float, int]]) -> None:
    data = bytearray(sample)
    for place, value in changes:
        data[int(place * (len(data) - 1))] = value
    check(bytes(data))


@given(st.sampled_from(SAMPLES), st.sampled_from(SAMPLES), st.floats(0, 1), st.floats(0, 1))
def test_a_picture_cut_and_joined_to_another(one: bytes, two: bytes, end: float, start: float) -> None:
    check(one[: int(end * len(one))] + two[int(start * len(two)) :])


@given(st.sampled_from(SAMPLES), st.floats(0, 1), st.integers(1, 200))
def test_a_picture_with_a_part_taken_out(sample: bytes, place: float, count: int) -> None:
    at = int(place * len(sample))
    check(sample[:at] + sample[at + count :])


def test_a_picture_that_ends_early_is_refused_at_every_byte() -> None:
    for sample in PLAIN.values():
        for end in range(len(sample)):
            try:
                look(sample[:end])
            except PictureError:
                continue
            raise AssertionError(f"cut at {end} of {len(sample)}")


@given(st.sampled_from(list(CHATTY.values())), st.binary(max_size=100))
def test_nothing_that_follows_a_picture_is_kept(sample: bytes, after: bytes) -> None:
    assert strip(sample + after) == strip(sample)
    assert MARKER not in strip(sample + after)

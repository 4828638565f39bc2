from hypothesis import given
from hypothesis import strategies as st

from gateway.clock import Moment, middle
from gateway.times import Anchor, Span, find_anchor, place, settle

NOW_MS = 1_700_000_000_000


def test_an_answer_gives_the_true_time() -> None:
    asked, answered = Moment(5_000, 100 * 10**9), Moment(5_400, 100_400_000_000)
    anchor = find_anchor("boot", asked, answered, NOW_MS)
    assert anchor is not None
    assert anchor.true_ms(answered.boot_ns) == NOW_MS + 200
    assert anchor.round_trip_s == 0.4
    assert anchor.skew_ms == NOW_MS + 200 - 5_400
    assert not anchor.synchronised


def test_an_answer_that_took_ten_seconds_tells_nothing() -> None:
    assert find_anchor("boot", Moment(0, 0), Moment(10_000, 10 * 10**9), NOW_MS) is None
    assert find_anchor("boot", Moment(0, 0), Moment(9_999, 9_999_000_000), NOW_MS) is not None


@given(st.integers(-(10**12), 10**12), st.integers(0, 10**15), st.integers(-(10**12), 10**12))
def test_a_clock_that_is_right_is_left_alone_and_a_wrong_one_put_right(offset: int, boot_ns: int, wrong: int) -> None:
    true_ms = offset + boot_ns // 1_000_000
    final = settle(offset, true_ms + wrong, boot_ns)
    assert final == (true_ms + wrong if abs(wrong) <= 2000 else true_ms)


def test_an_anchor_grows_old() -> None:
    anchor = Anchor("boot", 0, 10**9, 0.1, 0)
    assert anchor.fresh_at(7200 * 10**9)
    assert not anchor.fresh_at(7202 * 10**9)


@given(st.integers(0, 10**12), st.integers(0, 10**9), st.integers(0, 10**9))
def test_the_middle_lies_between(ms: int, boot_ns: int, length_ns: int) -> None:
    one = middle(Moment(ms, boot_ns), Moment(ms + length_ns // 1_000_000, boot_ns + length_ns))
    assert ms <= one.ms <= ms + length_ns // 1_000_000
    assert boot_ns <= one.boot_ns <= boot_ns + length_ns


SPANS = st.lists(
    st.builds(Span, st.builds(Moment, st.integers(0, 10**7), st.integers(0, 10**15)), st.integers(0, 10**6)),
    min_size=1,
    max_size=6,
)


def times_of(spans: list[Span], after: int | None, before: int | None) -> list[int]:
    out = []
    for span, placed in zip(spans, place(spans, after, before), strict=True):
        step_ns = span.length_ms * 1_000_000 // 4
        out += [placed.time_of(span.first.boot_ns + part * step_ns) for part in range(5)]
    return out


@given(SPANS, st.none() | st.integers(0, 10**7), st.none() | st.integers(0, 10**7))
def test_lost_boots_lie_between_their_neighbours_in_order(
    spans: list[Span], after: int | None, room: int | None
) -> None:
    before = None if room is None else (after or 0) + room + 2
    times = times_of(spans, after, before)
    assert times == sorted(times)
    if after is not None:
        assert times[0] > after
    if before is not None:
        assert times[-1] < before


@given(SPANS, st.integers(0, 10**7))
def test_distances_stay_where_there_is_room(spans: list[Span], after: int) -> None:
    before = after + sum(span.length_ms for span in spans) + 3
    for span, placed in zip(spans, place(spans, after, before), strict=True):
        last = placed.time_of(span.first.boot_ns + span.length_ms * 1_000_000)
        assert last - placed.time_of(span.first.boot_ns) == span.length_ms


def test_a_boot_whose_own_clock_fits_stays_there() -> None:
    span = Span(Moment(5_000, 0), 1_000)
    assert place([span], 1_000, 9_000)[0].ms == 5_000


def test_a_clock_that_was_restored_to_before_the_last_reading_comes_after_it() -> None:
    span = Span(Moment(500, 0), 1_000)
    assert place([span], 1_000, 9_000)[0].ms == 1_001


def test_too_little_room_shrinks_evenly() -> None:
    span = Span(Moment(0, 0), 1_000)
    placed = place([span], 1_000, 1_502)[0]
    assert placed.time_of(0) == 1_001
    assert placed.time_of(500 * 1_000_000) == 1_251
    assert placed.time_of(1_000 * 1_000_000) == 1_501

"""How wide a bucket is, and what it says of the points in it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from store.buckets import bucket_width_ms, plain, thin

HOUR, DAY = 3_600_000, 86_400_000


@pytest.mark.parametrize(
    ("span_ms", "most", "width_ms"),
    [
        (HOUR, 360, 10_000),
        (DAY, 500, 3 * 60_000),
        (7 * DAY, 500, 30 * 60_000),
        (30 * DAY, 500, 2 * HOUR),
        (365 * DAY, 500, DAY),
        (50 * 365 * DAY, 10, 1825 * DAY),
        (10, 1, 100),
        (HOUR, 0, HOUR),
    ],
)
def test_widths_are_ones_that_people_know(span_ms: int, most: int, width_ms: int) -> None:
    assert bucket_width_ms(0, span_ms, most) == width_ms


@given(st.integers(0, 2 * 10**12), st.integers(1, 10**12), st.integers(1, 5000))
def test_a_span_never_makes_more_buckets_than_asked_for_and_one(start: int, span: int, most: int) -> None:
    width = bucket_width_ms(start, start + span, most)
    assert (start + span - 1) // width - start // width + 1 <= most + 1


points = st.lists(
    st.tuples(st.integers(0, 10_000), st.none() | st.floats(-1e6, 1e6), st.sampled_from([1, 2, 3, 4, 9])),
    unique_by=lambda row: row[0],
).map(sorted)


@given(points, st.integers(1, 3000))
def test_buckets_hold_what_their_points_say(rows: list[tuple[int, float | None, int]], width: int) -> None:
    history = thin(rows, width)
    assert history.time_ms == sorted({time_ms // width * width for time_ms, _, _ in rows})
    for at, start in enumerate(history.time_ms):
        inside = [row for row in rows if start <= row[0] < start + width]
        values = [value for _, value, _ in inside if value is not None]
        flags = [flag for _, _, flag in inside]
        low, mean, high = history.low[at], history.value[at], history.high[at]
        assert (low, high) == ((min(values), max(values)) if values else (None, None))
        if low is not None and mean is not None and high is not None:
            assert low - 1e-6 <= mean <= high + 1e-6
        assert (history.flag[at] == 9) == (set(flags) == {9})
        assert history.flag[at] in flags


@given(points)
def test_plain_history_is_the_points(rows: list[tuple[int, float | None, int]]) -> None:
    history = plain(rows)
    assert list(zip(history.time_ms, history.value, history.flag, strict=True)) == rows
    assert history.low == history.high == history.value
    assert history.bucket_ms == 0

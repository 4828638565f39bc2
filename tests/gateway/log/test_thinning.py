from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from gateway.log.thinning import HOUR_MS, Kept, drop, thin
from wire.names import thinned_from

T0 = 400_000 * HOUR_MS
EVER = 1 << 62


def kept(seq: int, ms: int, value: float | None = 1.0, flag: int = 1, sensor: str = "level") -> Kept:
    return Kept(seq, sensor, "level", "m", ms, value, 9 if value is None else flag)


def test_an_hour_becomes_its_mean_min_and_max() -> None:
    removal = thin([kept(n, T0 + n * 60_000, float(n)) for n in range(1, 61)], least=1, whole_until_ms=EVER)
    assert removal is not None
    assert removal.ranges == [(1, 59)], "the 60th is of the next hour"
    assert (removal.from_ms, removal.to_ms) == (T0 + 60_000, T0 + 59 * 60_000)
    assert [(ms, one.sensor, one.value, one.flag) for ms, one in removal.instead] == [
        (T0, "level.hourly_mean", 30.0, 1),
        (T0, "level.hourly_min", 1.0, 1),
        (T0, "level.hourly_max", 59.0, 1),
    ]


def test_failed_and_missing_values_have_no_part_and_suspect_ones_show() -> None:
    hour = [
        kept(1, T0, 1.0),
        kept(2, T0 + 1, 3.0, flag=3),
        kept(3, T0 + 2, None),
        kept(4, T0 + 3, 9_999.0, flag=4),
    ]
    removal = thin(hour, least=1, whole_until_ms=EVER)
    assert removal is not None
    assert [(one.value, one.flag) for _, one in removal.instead] == [(2.0, 3), (1.0, 3), (3.0, 3)]


def test_an_hour_that_failed_throughout_says_so() -> None:
    removal = thin([kept(n, T0 + n, 5.0, flag=4) for n in range(1, 9)], least=1, whole_until_ms=EVER)
    assert removal is not None
    assert {one.flag for _, one in removal.instead} == {4}
    nothing = thin([kept(n, T0 + n, None) for n in range(1, 9)], least=1, whole_until_ms=EVER)
    assert nothing is not None
    assert nothing.instead == []


def test_few_readings_are_not_worth_it_and_long_names_have_no_room() -> None:
    few = thin([kept(n, T0 + n) for n in range(1, 4)], least=1, whole_until_ms=EVER)
    long = thin([kept(n, T0 + n, sensor="x" * 60) for n in range(1, 9)], least=1, whole_until_ms=EVER)
    assert few is not None
    assert long is not None
    assert few.instead == long.instead == []


def test_the_hour_that_is_not_over_stays() -> None:
    readings = [kept(n, T0 + n * 60_000) for n in range(1, 61)]
    assert thin(readings, least=1, whole_until_ms=T0) is None
    removal = thin(readings, least=10_000, whole_until_ms=T0 + HOUR_MS)
    assert removal is not None
    assert removal.ranges == [(1, 59)]


def test_what_is_dropped_is_named() -> None:
    assert drop([]) is None
    removal = drop([kept(5, T0 + 9), kept(3, T0, sensor="other"), kept(4, T0 + 4)])
    assert removal is not None
    assert (removal.ranges, removal.from_ms, removal.to_ms) == ([(3, 5)], T0, T0 + 9)
    assert removal.sensors == ["level", "other"]


@given(
    st.lists(
        st.tuples(
            st.integers(0, 5 * HOUR_MS),
            st.floats(-1e6, 1e6) | st.none(),
            st.sampled_from("ab"),
            st.sampled_from([1, 3, 4]),
        ),
        max_size=60,
    ),
    st.integers(1, 30),
)
def test_the_oldest_go_and_what_is_kept_lies_within_them(
    made: list[tuple[int, float | None, str, int]], least: int
) -> None:
    readings = [
        kept(at, T0 + ms, value, flag, sensor) for at, (ms, value, sensor, flag) in enumerate(sorted(made, key=str), 1)
    ]
    removal = thin(readings, least=least, whole_until_ms=EVER)
    assert (removal is None) == (not readings)
    if removal is None:
        return
    gone = {seq for first, last in removal.ranges for seq in range(first, last + 1)}
    hours_gone = {one.hour_ms for one in readings if one.seq in gone}
    assert all(one.seq in gone for one in readings if one.hour_ms in hours_gone), "whole hours"
    assert max(hours_gone) < min({one.hour_ms for one in readings} - hours_gone, default=EVER), "the oldest"
    assert len(gone) >= min(least, len(readings))
    assert all(last + 1 < first for (_, last), (first, _) in pairwise(removal.ranges))
    for ms, one in removal.instead:
        values = [
            reading.value
            for reading in readings
            if reading.hour_ms == ms and reading.sensor == thinned_from(one.sensor) and reading.value is not None
        ]
        assert one.value is not None
        slack = 1e-6 * max(1.0, abs(one.value))
        assert min(values) - slack <= one.value <= max(values) + slack

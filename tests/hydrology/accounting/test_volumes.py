import itertools
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hydrology.accounting import Period, decade_period, integrate, volume_table
from hydrology.accounting.volumes import utc_seconds
from wire.flags import Flag

H = 3600.0
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
VECTOR = [(0 * H, 2.0), (1 * H, 2.0), (2 * H, 4.0), (6 * H, 4.0), (7 * H, 0.0)]


def window(hours: float, start: float = 0) -> Period:
    return Period("test", EPOCH + timedelta(hours=start), EPOCH + timedelta(hours=start + hours))


def test_irregular_volume_vector() -> None:
    volume = integrate(VECTOR, window(7), 3 * H)
    assert volume.volume_m3 == pytest.approx(25_200)
    assert volume.coverage_pct == pytest.approx(100 * 3 / 7)
    assert volume.longest_gap_s == 4 * H
    assert volume.flag is Flag.SUSPECT
    assert volume.mean_m3s == pytest.approx(1.0)
    assert volume.covered_mean_m3s == pytest.approx(25_200 / (3 * H))


def test_irregular_volume_vector_by_previous_value() -> None:
    assert integrate(VECTOR, window(7), 3 * H, previous_value=True).volume_m3 == pytest.approx(28_800)


@pytest.mark.parametrize(
    ("year", "month", "zone", "hm3"),
    [(2024, 2, "Asia/Oral", 0.9720), (2024, 2, "Asia/Almaty", 0.9765), (2024, 3, "Asia/Oral", 1.1880)],
)
def test_decade_volumes_of_a_steady_flow(year: int, month: int, zone: str, hm3: float) -> None:
    period = decade_period(year, month, 3, zone)
    start = period.start.timestamp()
    readings = [(start + H * k, 1.25) for k in range(-1, 280)]
    volume = integrate(readings, period, 3 * H)
    assert volume.volume_m3 == pytest.approx(hm3 * 1e6)
    assert volume.mean_m3s == pytest.approx(1.25)
    assert volume.flag is Flag.PASS
    assert volume.coverage_pct == pytest.approx(100)


def test_a_missing_reading_leaves_a_gap_on_both_sides() -> None:
    readings = [(0 * H, 2.0), (1 * H, None), (2 * H, 2.0), (3 * H, float("nan")), (4 * H, 2.0), (5 * H, 2.0)]
    volume = integrate(readings, window(5), 3 * H)
    assert volume.covered_s == H
    assert volume.volume_m3 == pytest.approx(7200)
    assert volume.longest_gap_s == 4 * H


def test_no_coverage_is_missing_not_zero() -> None:
    volume = integrate([], window(5), 3 * H)
    assert volume.volume_m3 is None
    assert volume.mean_m3s is None
    assert volume.covered_mean_m3s is None
    assert volume.flag is Flag.MISSING


def test_readings_that_do_not_rise_are_refused() -> None:
    with pytest.raises(ValueError, match="rise"):
        integrate([(1.0, 1.0), (1.0, 2.0)], window(1), H)
    with pytest.raises(ValueError, match="time zone"):
        utc_seconds(datetime(2025, 1, 1))


@given(
    st.lists(st.tuples(st.floats(0.1, 5.0), st.one_of(st.none(), st.floats(-5, 50))), min_size=2, max_size=30),
    st.lists(st.floats(0, 60), min_size=1, max_size=5),
    st.booleans(),
)
def test_the_volumes_of_parts_add_up_to_the_whole(
    steps: list[tuple[float, float | None]], cuts: list[float], previous: bool
) -> None:
    t = 0.0
    readings: list[tuple[float, float | None]] = []
    for hours, value in steps:
        t += hours * H
        readings.append((t, value))
    edges = [-1.0, *sorted(set(cuts)), 200.0]
    parts = volume_table(
        readings,
        [window(b - a, a) for a, b in itertools.pairwise(edges) if b - a > 1e-3],
        3 * H,
        previous_value=previous,
    )
    whole = integrate(readings, window(201, -1), 3 * H, previous_value=previous)
    assert sum(part.covered_s for part in parts) == pytest.approx(whole.covered_s, abs=20)
    assert sum(part.volume_m3 or 0 for part in parts) == pytest.approx(whole.volume_m3 or 0, abs=1000)

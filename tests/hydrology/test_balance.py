from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hydrology.balance import (
    end_of_period_mean,
    inflow,
    puls,
    rate_uncertainty_m3s,
    smoothed,
    storage_rate_m3s,
    value_at,
)
from wire.flags import Flag

H = 3600.0


def test_opendcs_inflow_example_1() -> None:
    release = end_of_period_mean([(H, 10), (2 * H, 20), (3 * H, 30)], 0, 3 * H)
    other = end_of_period_mean([(H, 2), (2 * H, 3), (3 * H, 4)], 0, 3 * H)
    rate = storage_rate_m3s([(0, 1000), (3 * H, 4600)], 0, 3 * H)
    answer = inflow(rate, release, window_s=3 * H, diversions_m3s=other)
    assert answer.value_m3s == pytest.approx(23.3333, abs=5e-5)
    assert answer.flag is Flag.PASS


def test_opendcs_irregular_end_of_period_example_2() -> None:
    assert end_of_period_mean([(0.5 * H, 10), (2 * H, 40), (3 * H, 70)], 0, 3 * H) == pytest.approx(45)


def test_opendcs_interpolated_window_example_3() -> None:
    rate = storage_rate_m3s([(0, 1000), (2 * H, 2200), (4 * H, 3400)], H, 3 * H)
    assert rate == pytest.approx(0.166667, abs=5e-7)


BLU_STORAGE_M3 = [
    (900, 5023680.998),
    (1800, 5023680.998),
    (2700, 5022440.909),
    (11700, 5013768.563),
    (12600, 5012530.838),
    (13500, 5011293.407),
]
BLU_TIMES = (
    "00:20 00:25 00:30 00:35 00:40 00:45 01:00 01:15 01:20 01:25 01:30 01:35 01:40 01:45 02:00 02:15 02:20 02:25 02:30 "
    "02:35 02:40 02:45 03:00 03:15 03:20 03:25 03:30 03:35 03:40 03:45"
)
BLU_LOW = ("00:20", "01:40", "02:25", "03:15", "03:45")


@pytest.mark.parametrize(("start", "inflow_m3s"), [(900, 7.72185), (1800, 7.61197), (2700, 7.60749)])
def test_opendcs_blu_three_hour_inflow(start: float, inflow_m3s: float) -> None:
    """OpenDCS's integration test InflowEstimationAlgo/3Hour, 2024-01-03 (read in its repository).

    Storage, release and evaporation end their period at their time. The answers are stored under the beginning of the last
    quarter of an hour of their window: that of 00:15 to 03:15 is its 03:00.
    """
    release = []
    for text in BLU_TIMES.split():
        hours, minutes = text.split(":")
        release.append((int(hours) * H + int(minutes) * 60, 7.749 if text in BLU_LOW else 7.834))
    evaporation = [(time, value - 7) for time, value in release]
    end = start + 3 * H
    answer = inflow(
        storage_rate_m3s(BLU_STORAGE_M3, start, end),
        end_of_period_mean(release, start, end),
        window_s=3 * H,
        evaporation_m3s=end_of_period_mean(evaporation, start, end),
    )
    assert answer.value_m3s == pytest.approx(inflow_m3s, abs=5e-6)
    assert answer.flag is Flag.PASS


def test_end_of_period_window_edges() -> None:
    samples = [(H, 10.0), (2 * H, 20.0)]
    assert end_of_period_mean(samples, H, 2 * H) == 20
    assert end_of_period_mean(samples, 0.5 * H, 1.5 * H) == 15
    with pytest.raises(ValueError, match="end before"):
        end_of_period_mean(samples, 0, 3 * H)
    with pytest.raises(ValueError, match="after it starts"):
        end_of_period_mean(samples, H, H)


def test_one_centimetre_on_fifty_square_kilometres_is_5_8_over_a_day() -> None:
    assert rate_uncertainty_m3s(50, 0.01, 86400) / 2**0.5 == pytest.approx(5.8, abs=0.05)


def test_negative_inflow_is_kept_flagged_and_clipped_in_display_only() -> None:
    answer = inflow(-5.0, 2.0, window_s=H, evaporation_m3s=0.5, bank_storage_rate_m3s=0.1, rain_m3s=0.6)
    assert answer.value_m3s == pytest.approx(-3.0)
    assert answer.shown_m3s == 0.0
    assert answer.flag is Flag.SUSPECT
    assert len(answer.notes) == 2


def test_interpolation_refuses_to_guess_outside() -> None:
    with pytest.raises(ValueError, match="outside"):
        value_at([(0, 1.0), (1, 2.0)], 1.5)
    with pytest.raises(ValueError, match="outside"):
        value_at([], 1.5)


def test_smoothing_takes_the_window_about_each_time() -> None:
    assert smoothed([(0, 0.0), (1, 3.0), (2, 0.0), (10, 5.0)], 2.0) == [(0, 1.5), (1, 1.0), (2, 1.5), (10, 5.0)]


LINEAR = [(k * 1000.0 * 4 * H, k * 1000.0) for k in range(2)]


def test_puls_linear_reservoir_vector() -> None:
    routed = puls([0, 10, 20, 10, 0, 0, 0], H, LINEAR)
    expected = [0, 1.1111, 4.1975, 6.5981, 6.2430, 4.8556, 3.7766]
    assert list(routed.outflow_m3s) == pytest.approx(expected, abs=5e-5)


@given(st.lists(st.floats(0, 500), min_size=2, max_size=40), st.floats(0, 1e5))
def test_puls_conserves_water(inflows: list[float], start: float) -> None:
    curve = [(0.0, 0.0), (1e5, 5.0), (1e6, 80.0), (1e8, 5000.0)]
    routed = puls(inflows, H, curve, start)
    came = sum((a + b) / 2 * H for a, b in pairwise(inflows))
    out = routed.outflow_m3s
    went = sum((a + b) / 2 * H for a, b in pairwise(out))
    assert start + came - went == pytest.approx(routed.storage_m3[-1], rel=1e-9, abs=1e-3)


@given(
    st.lists(st.tuples(st.floats(0, 500), st.floats(0, 500), st.floats(0, 5)), min_size=1, max_size=30),
    st.floats(1e6, 1e8),
)
def test_water_is_conserved_by_the_balance(hours: list[tuple[float, float, float]], start: float) -> None:
    """What came in, gone out and evaporated makes a storage; the balance of that storage gives what came in."""
    storage = [(0.0, start)]
    for at, (came, released, evaporated) in enumerate(hours, 1):
        storage.append((at * H, storage[-1][1] + (came - released - evaporated) * H))
    end = len(hours) * H
    released, evaporated = (sum(hour[part] for hour in hours) / len(hours) for part in (1, 2))
    found = inflow(storage_rate_m3s(storage, 0, end), released, window_s=end, evaporation_m3s=evaporated)
    assert found.value_m3s * end == pytest.approx(sum(hour[0] for hour in hours) * H, rel=1e-6, abs=10.0)


@pytest.mark.parametrize(
    ("curve", "dt", "match"),
    [([(0.0, 0.0)], H, "table"), ([(0.0, 1.0), (1.0, 0.0)], H, "table"), (LINEAR, 0.0, "dt_s")],
)
def test_puls_refuses(curve: list[tuple[float, float]], dt: float, match: str) -> None:
    with pytest.raises(ValueError, match=match):
        puls([0, 1], dt, curve)

import statistics
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hydrology.warnings import (
    Muskingum,
    Trend,
    best_lag,
    fit_stage_relation,
    lag_correlations,
    reaches,
    theil_sen,
    time_to_threshold,
    wave_lag_s,
)

TEN_MINUTES = [i * 600.0 for i in range(7)]
SPIKED = [7.00, 7.02, 7.05, 7.07, 7.50, 7.12, 7.14]
CLEAN = [7.00, 7.02, 7.05, 7.07, 7.10, 7.12, 7.14]
UP = [0, 0, 1, 4, 7, 5, 3, 2, 1, 0, 0, 0, 0, 0]
DOWN = [0.8 * value for value in [0, 0, 0, *UP[:-3]]]


def test_theil_sen_with_a_spike_as_scipy() -> None:
    trend = theil_sen(TEN_MINUTES, SPIKED)
    assert trend.slope_per_h == pytest.approx(0.1440, abs=5e-5)
    assert (trend.low_per_h, trend.high_per_h) == pytest.approx((0.120, 0.750), abs=5e-4)
    reach = time_to_threshold(7.14, 8.50, trend)
    assert reach.hours == pytest.approx(9.44, abs=5e-3)
    assert (reach.earliest_h, reach.latest_h) == pytest.approx((1.81, 11.33), abs=5e-3)


def test_least_squares_would_have_followed_the_spike() -> None:
    """The page's .2293 m/h beside Theil-Sen's .1440: why the trend is not fitted by least squares."""
    slope = statistics.linear_regression([t / 3600 for t in TEN_MINUTES], SPIKED).slope
    assert slope == pytest.approx(0.2293, abs=5e-5)


def test_theil_sen_without_the_spike_as_scipy() -> None:
    trend = theil_sen(TEN_MINUTES, CLEAN)
    assert trend.slope_per_h == pytest.approx(0.1440, abs=5e-5)
    assert (trend.low_per_h, trend.high_per_h) == pytest.approx((0.120, 0.150), abs=5e-4)
    reach = time_to_threshold(7.14, 8.50, trend)
    assert (reach.earliest_h, reach.hours, reach.latest_h) == pytest.approx((9.07, 9.44, 11.33), abs=5e-3)


@given(st.lists(st.sampled_from([7.0, 7.01, 7.02, 7.1, 7.3, 6.9]), min_size=2, max_size=25))
def test_theil_sen_agrees_with_scipy(values: list[float]) -> None:
    stats = pytest.importorskip("scipy.stats", reason="the extra `fitting` is not installed")
    times = [600.0 * i for i in range(len(values))]
    ours = theil_sen(times, values)
    theirs = stats.theilslopes(values, [t / 3600 for t in times], 0.95)
    assert (ours.slope_per_h, ours.low_per_h, ours.high_per_h) == pytest.approx(
        (theirs.slope, theirs.low_slope, theirs.high_slope), abs=1e-9
    )


def test_time_to_threshold_example() -> None:
    assert time_to_threshold(7.80, 8.50, Trend(0.05, 0.05, 0.05, 2)).hours == pytest.approx(14.0)


def test_time_to_threshold_is_capped_and_labelled() -> None:
    slow = time_to_threshold(7.0, 8.5, Trend(0.05, -0.01, 0.10, 10))
    assert (slow.hours, slow.latest_h) == (None, None)
    assert slow.earliest_h == pytest.approx(15)
    assert "not a forecast" in slow.label
    assert time_to_threshold(8.5, 8.5, Trend(-1, -1, -1, 3)).hours == 0.0


@pytest.mark.parametrize(
    ("times", "values"), [([0.0], [1.0]), ([0.0, 0.0], [1.0, 2.0]), ([0.0], [1.0, 2.0]), ([0.0] * 201, [0.0] * 201)]
)
def test_no_trend_without_two_times(times: list[float], values: list[float]) -> None:
    with pytest.raises(ValueError, match=r"match|two readings"):
        theil_sen(times, values)


def test_lag_correlation_vector() -> None:
    got = lag_correlations(UP, DOWN, 5)
    assert got == pytest.approx([-0.233, -0.133, 0.467, 1.000, 0.467, -0.134], abs=5e-4)
    assert best_lag(UP, DOWN, 5) == 3
    assert best_lag([1.0] * 14, DOWN, 5) is None
    with pytest.raises(ValueError, match="length"):
        lag_correlations(UP, DOWN[1:], 2)


def test_stage_relation_of_the_same_event() -> None:
    relation = fit_stage_relation(UP, DOWN, 3)
    assert (relation.a, relation.b) == pytest.approx((0, 0.8), abs=1e-12)
    assert relation.downstream(7) == pytest.approx(5.6)
    with pytest.raises(ValueError, match="never moved"):
        fit_stage_relation([1.0] * 14, DOWN, 3)


def test_wave_celerity() -> None:
    assert wave_lag_s(30_000, 1.5) == pytest.approx(12_000)
    with pytest.raises(ValueError, match="positive"):
        wave_lag_s(0, 1)


def test_muskingum_ponce_coefficients() -> None:
    assert Muskingum(1, 0.2, 1).coefficients() == pytest.approx((0.230769, 0.538462, 0.230769), abs=5e-7)


def test_muskingum_k_12_x_015_dt_4() -> None:
    assert Muskingum(12, 0.15, 4).coefficients() == pytest.approx((0.016393, 0.311475, 0.672131), abs=5e-7)


def test_muskingum_chow_maidment_mays_8_4_1() -> None:
    reach = Muskingum(2.3, 0.15, 1)
    assert reach.coefficients() == pytest.approx((0.0631, 0.3442, 0.5927), abs=5e-5)
    inflow = [93, 137, 208, 320, 442, 546, 630, 678, 691, 675, 634, 571, 477, 390, 329, 247, 184, 134, 108, 90]
    expected = [85, 91, 114, 159, 233, 324, 420, 509, 578, 623, 642, 635, 603, 546, 479, 413, 341, 274, 215, 170]
    assert reach.route(inflow, 85) == pytest.approx(expected, abs=1)


def test_muskingum_subramanya() -> None:
    reach = Muskingum(12, 0.20, 6)
    assert reach.coefficients() == pytest.approx((0.047619, 0.428571, 0.523810), abs=5e-7)
    out = reach.route([10, 20, 50, 60, 55, 45, 35, 27, 20, 15], 10)
    expected = [10, 10.48, 16.44, 32.90, 45.57, 49.58, 46.92, 40.86, 33.93, 27.06]
    assert out == pytest.approx(expected, abs=6e-3)


def test_muskingum_with_x_0_is_the_linear_reservoir() -> None:
    out = Muskingum(4, 0, 1).route([0, 10, 20, 10, 0, 0, 0])
    assert out == pytest.approx([0, 1.1111, 4.1975, 6.5981, 6.2430, 4.8556, 3.7766], abs=5e-5)


@pytest.mark.parametrize(("k", "x", "dt"), [(12, 0.4, 4), (2, 0.2, 4), (-1, 0.2, 1), (1, 0.6, 1)])
def test_muskingum_outside_its_bounds_is_refused(k: float, x: float, dt: float) -> None:
    with pytest.raises(ValueError, match=r"Kx|positive"):
        Muskingum(k, x, dt)


def test_a_long_reach_is_split() -> None:
    parts = reaches(12, 0.4, 4)
    assert parts == 3
    assert min(Muskingum(12 / parts, 0.4, 4).coefficients()) >= 0
    assert reaches(1, 0.0, 1) == 1
    with pytest.raises(ValueError, match="positive"):
        reaches(0, 0.2, 1)


@given(st.lists(st.floats(0, 1000), min_size=2, max_size=30), st.floats(0.05, 0.45))
def test_muskingum_conserves_water_and_never_goes_below_zero(inflow: list[float], x: float) -> None:
    reach = Muskingum(2.0, x, 1.9)
    quiet = [inflow[0], *inflow, *[inflow[0]] * 200]
    out = reach.route(quiet)
    assert min(out) >= -1e-9
    came = sum((a + b) / 2 for a, b in pairwise(quiet))
    went = sum((a + b) / 2 for a, b in pairwise(out))
    assert went == pytest.approx(came, rel=1e-9, abs=1e-6)

import csv
from pathlib import Path
from random import Random

import pytest

from hydrology.curve_tests import curve_tests
from hydrology.rating import PowerRating, Segment

pytest.importorskip("scipy", reason="the extra `fitting` is not installed")

from hydrology.fitting import Fit, FittingError, fit_rating

NORDURA = Path(__file__).with_name("nordura.csv")
"""35 gaugings of the Norðurá, from USGS's ratingcurve (CC0)."""


def nordura() -> tuple[list[float], list[float]]:
    with NORDURA.open() as file:
        rows = list(csv.DictReader(file))
    return [float(row["stage"]) for row in rows], [float(row["q"]) for row in rows]


def made(rating: PowerRating, stages: list[float]) -> list[float]:
    return [rating.flow_m3s(stage) for stage in stages]


def test_nordura_single_segment() -> None:
    fit = fit_rating(*nordura())
    (segment,) = fit.rating.segments
    assert segment.a == pytest.approx(15.140, rel=1e-3)
    assert segment.e_m == pytest.approx(0.87006, abs=1e-3)
    assert segment.b == pytest.approx(2.1791, rel=1e-3)
    assert fit.rms_ln == pytest.approx(0.0795, abs=1e-3)
    assert fit.standard_error_ln == pytest.approx(0.0832, abs=1e-3)
    assert fit.uncertainty_pct == pytest.approx(18.5, abs=0.5)
    assert fit.tests.bias_ok


def test_noise_free_two_segments_return_the_parameters() -> None:
    true = PowerRating((Segment(8, 0.2, 1.5), Segment(10.488783, 0.35, 5 / 3, 1.2)))
    stages = [0.3 + 0.05 * k for k in range(45)]
    fit = fit_rating(stages, made(true, stages), 2)
    low, high = fit.rating.segments
    assert (low.a, low.e_m, low.b) == pytest.approx((8, 0.2, 1.5), rel=1e-4)
    assert (high.a, high.e_m, high.b, high.start_m) == pytest.approx((10.488783, 0.35, 5 / 3, 1.2), rel=1e-3)
    assert fit.rms_ln < 1e-6


def test_noise_free_three_segments_return_the_parameters() -> None:
    q1 = 8 * (1.0 - 0.2) ** 1.5
    a2 = q1 / (1.0 - 0.5) ** 1.3
    q2 = a2 * (2.0 - 0.5) ** 1.3
    a3 = q2 / (2.0 - 0.9) ** 2.0
    true = PowerRating((Segment(8, 0.2, 1.5), Segment(a2, 0.5, 1.3, 1.0), Segment(a3, 0.9, 2.0, 2.0)))
    stages = [0.3 + 0.06 * k for k in range(50)]
    fit = fit_rating(stages, made(true, stages), 3)
    assert [segment.b for segment in fit.rating.segments] == pytest.approx([1.5, 1.3, 2.0], rel=1e-2)
    assert [segment.start_m for segment in fit.rating.segments[1:]] == pytest.approx([1.0, 2.0], abs=0.02)
    assert fit.rms_ln < 1e-4


def test_more_segments_never_fit_worse_and_stay_continuous() -> None:
    fits: list[Fit] = [fit_rating(*nordura(), segments=n) for n in (1, 2)]
    assert fits[1].rms_ln <= fits[0].rms_ln + 1e-9
    for below, above in zip(fits[1].rating.segments, fits[1].rating.segments[1:], strict=False):
        assert abs(PowerRating.step(below, above)) < 1e-9


def test_noise_gives_its_own_standard_error() -> None:
    draw = Random(5)
    true = PowerRating((Segment(8, 0.2, 1.5),))
    stages = [0.3 + 0.02 * k for k in range(100)]
    flows = [flow * (1 + draw.gauss(0, 0.05)) for flow in made(true, stages)]
    fit = fit_rating(stages, flows)
    assert fit.standard_error_ln == pytest.approx(0.05, abs=0.01)
    assert fit.rating.quality.max_gauged_m3s == max(flows)


@pytest.mark.parametrize(
    ("stages", "flows", "segments", "match"),
    [
        ([1.0, 2.0, 3.0], [1.0, 2.0, 3.0], 1, "need"),
        ([1.0] * 5, [1.0, 2.0, 3.0, 4.0, 5.0], 1, "one stage"),
        ([1.0, 2.0, 3.0, 4.0], [1.0, 0.0, 3.0, 4.0], 1, "positive"),
        ([1.0, 2.0], [1.0], 1, "number"),
        ([1.0], [1.0], 4, "1 to 3"),
    ],
)
def test_gaugings_that_carry_no_fit(stages: list[float], flows: list[float], segments: int, match: str) -> None:
    with pytest.raises(FittingError, match=match):
        fit_rating(stages, flows, segments)


def test_plot_is_a_picture() -> None:
    pytest.importorskip("matplotlib", reason="the extra `fitting` is not installed")
    from hydrology.fit_plot import plot_fit

    assert plot_fit(fit_rating(*nordura())).startswith(b"\x89PNG")


def test_curve_tests_find_a_bend_and_a_bias() -> None:
    bend = curve_tests([0.1] * 10 + [-0.1] * 10)
    assert bend.bias_ok
    assert bend.signs_ok
    assert not bend.runs_ok
    assert not bend.too_many_runs
    alternating = curve_tests([0.1, -0.1] * 10)
    assert not alternating.runs_ok
    assert alternating.too_many_runs
    bias = curve_tests([0.1, 0.08, 0.12, 0.1, 0.09, 0.11, 0.1])
    assert not bias.bias_ok
    assert not bias.signs_ok
    mixed = curve_tests([0.02, -0.03, 0.01, 0.02, -0.02, -0.01, 0.03, -0.02])
    assert mixed.bias_ok
    assert mixed.runs_ok
    with pytest.raises(ValueError, match="no residuals"):
        curve_tests([])

"""The true season: its volumes are the ones that a report must find again."""

from datetime import date
from itertools import pairwise

import pytest

from hydrology.registry import Registry
from simulator.example.season import season_days, true_points
from simulator.past import Past
from store.points import SeriesKey, SeriesPoints

UNTIL = date(2026, 4, 25)


@pytest.fixture(scope="module")
def season(registry: Registry) -> dict[SeriesKey, dict[int, float]]:
    out: dict[SeriesKey, dict[int, float]] = {}
    for portion in true_points(registry, UNTIL):
        for points in portion:
            assert isinstance(points, SeriesPoints)
            assert None not in points.value
            column = out.setdefault(points.key, {})
            column.update(zip(points.time_ms, points.value, strict=True))  # type: ignore[arg-type]
    return out


def volume_m3(column: dict[int, float]) -> float:
    return sum((column[a] + column[b]) / 2 * (b - a) / 1000 for a, b in pairwise(sorted(column)))


def test_it_has_levels_discharges_and_volumes_of_every_half_hour(season: dict[SeriesKey, dict[int, float]]) -> None:
    inflow = season[SeriesKey("discharge", "reservoir", "inflow")]
    assert {len(column) for column in season.values() if column is not inflow} == {25 * 48 + 1}
    assert len(inflow) == 25 * 48 + 1 - 11, "by balance, from when there has been a window"
    assert SeriesKey("level", "river-bridge", "bridge-level") in season
    assert SeriesKey("discharge", "turnout-a", "discharge") in season
    assert SeriesKey("volume", "reservoir", "volume") in season


def test_what_the_reservoir_gained_is_inflow_less_releases_and_evaporation(
    season: dict[SeriesKey, dict[int, float]],
) -> None:
    stored = season[SeriesKey("volume", "reservoir", "volume")]
    times = sorted(stored)
    gained = stored[times[-1]] - stored[times[0]]
    came = volume_m3(season[SeriesKey("discharge", "river-bridge", "discharge")])
    went = sum(
        volume_m3(season[SeriesKey("discharge", *meter)])
        for meter in (
            ("canal-head", "discharge"),
            ("power-house", "turbine-discharge"),
            ("reservoir", "outlet"),
            ("reservoir", "spillway"),
        )
    )
    # The rest is evaporation, a third of a cubic metre a second in April, and what is on its way from the bridge.
    assert 0.0 < (came - went - gained) / (25 * 86_400) < 0.6


def test_the_inflow_by_balance_is_what_came(season: dict[SeriesKey, dict[int, float]]) -> None:
    inflow = season[SeriesKey("discharge", "reservoir", "inflow")]
    came = season[SeriesKey("discharge", "river-bridge", "discharge")]
    missed = [came[t - 3 * 3_600_000] - value for t, value in inflow.items() if t - 3 * 3_600_000 in came]
    # Less what evaporates, a third of a cubic metre a second; the window of six hours looks back three in the mean.
    assert 0.0 < sum(missed) / len(missed) < 0.6


def test_a_canal_s_reach_loses_its_share(season: dict[SeriesKey, dict[int, float]]) -> None:
    def of(station: str) -> float:
        return volume_m3(season[SeriesKey("discharge", station, "discharge")])

    upper = of("canal-head") - of("turnout-a") - of("turnout-b") - of("canal-km8")
    assert 0.02 < upper / of("canal-head") < 0.05


def test_days_of_a_season() -> None:
    assert len(season_days(date(2026, 12, 1))) == 183
    assert season_days(date(2026, 3, 1)) == []


@pytest.mark.parametrize(
    ("asked", "told"),
    [
        (("canals", 1, 1, 7.0, None, "soon", False), "such as 2026-09-30"),
        (("example", 1, 1, 7.0, None, "2026-02-01", True), "begins on 1 April"),
        (("example", 1, 1, 7.0, "0", None, False), "not a duration"),
    ],
)
def test_what_is_asked_wrong_is_told(
    asked: tuple[str, int, int, float, str | None, str | None, bool], told: str
) -> None:
    with pytest.raises(ValueError, match=told):
        Past.of(*asked)


def test_a_step_that_does_not_divide_a_day_is_told(registry: Registry) -> None:
    with pytest.raises(ValueError, match="whole number"):
        next(true_points(registry, UNTIL, step_s=1000.0))


def test_the_past_ends_with_the_day_that_is_named() -> None:
    past = Past.of("canals", 1, 1, 0.05, "10min", "2026-09-30", False)
    (first, *_) = past.portions()
    points = first[0]
    assert isinstance(points, SeriesPoints)
    assert points.time_ms[-1] == 1_790_794_200_000, "23:50 of 30 September in Asia/Almaty"

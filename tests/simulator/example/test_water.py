"""Water is conserved, on the river, in the reservoir and in each reach, over days, and the same whoever asks first."""

from itertools import pairwise

import pytest

from hydrology.registry import Registry
from simulator.example import Water, always_july, true_season
from simulator.example.routing import GRID_S
from simulator.example.water import NODES, Columns
from simulator.physics.clock import local_day
from tests.simulator.example.conftest import SOME_DAY

DAYS = range(SOME_DAY, SOME_DAY + 12)


def days_of(water: Water) -> list[Columns]:
    return [water.day(day) for day in DAYS]


def total(days: list[Columns], name: str) -> float:
    return sum((a + b) / 2 * GRID_S for day in days for a, b in pairwise(day[name]))


def change(days: list[Columns], name: str) -> float:
    return days[-1][name][-1] - days[0][name][0]


def test_each_reach_conserves(water: Water) -> None:
    days = days_of(water)
    for reach in water.canal.reaches:
        out = sum(total(days, name) for name in (*reach.turnouts, reach.tail or "", f"loss:{reach.id}"))
        assert total(days, reach.head) == pytest.approx(out + change(days, f"stored:{reach.id}"), rel=1e-9)


def test_the_reservoir_conserves(water: Water) -> None:
    days = days_of(water)
    out = total(days, "canal-head") + total(days, "release") + total(days, "evaporation")
    assert change(days, "volume") == pytest.approx(total(days, "inflow") - out, abs=1.0)
    down = sum(total(days, name) for name in ("power-house", "reservoir/outlet", "reservoir/spillway"))
    assert down == pytest.approx(total(days, "release"), rel=1e-12)


@pytest.mark.parametrize(
    ("above", "below", "stored"),
    [("river-bridge", "inflow", "stored:river"), ("release", "river-below", "stored:below")],
)
def test_the_river_conserves(water: Water, above: str, below: str, stored: str) -> None:
    days = days_of(water)
    assert total(days, above) == pytest.approx(total(days, below) + change(days, stored), rel=1e-9)


def test_a_day_ends_where_the_next_one_begins(water: Water) -> None:
    days = days_of(water)
    for before, after in pairwise(days):
        for name in before:
            assert after[name][0] == pytest.approx(before[name][NODES], rel=1e-6, abs=1e-6), name


def test_whoever_asks_first_sees_the_same(registry: Registry, water: Water) -> None:
    other = Water(registry, always_july(registry, 1), 1)
    assert other.day(SOME_DAY + 3) == water.day(SOME_DAY + 3)
    assert Water(registry, always_july(registry, 2), 2).day(SOME_DAY + 3) != water.day(SOME_DAY + 3)


def test_no_flow_is_negative_and_the_outlet_can_pass_what_it_is_given(water: Water) -> None:
    for day in range(SOME_DAY, SOME_DAY + 60, 3):
        for name, column in water.day(day).items():
            assert min(column) >= 0.0, name
        assert max(water.day(day)["reservoir/outlet"]) < 29.0
        assert water.level_m(max(water.day(day)["volume"])) < 18.0, "the spillway stays dry, as the columns say"


def test_in_a_season_users_get_about_what_they_planned(registry: Registry) -> None:
    """The tail gets less, the head more; all days of a decade in July."""
    water = Water(registry, true_season(registry, 1), 1)
    first = local_day(1_783_728_000.0)  # 2026-07-11
    days = [water.day(first + n) for n in range(10)]
    for user in registry.users:
        share = total(days, user.turnouts[0]) / (user.plans[0].volume_m3(7, 2, "Asia/Almaty"))
        assert 0.7 < share < 1.2, user.id

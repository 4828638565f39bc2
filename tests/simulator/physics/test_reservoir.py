import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from simulator.physics.canal import Canal, CanalParameters
from simulator.physics.clock import DAY_S, day_start, local_day
from simulator.physics.reservoir import Reservoir, ReservoirParameters
from simulator.physics.storage_table import bowl

TABLE = bowl(14.0, 3.6e6)
START = day_start(local_day(1_795_000_000.0))
TIMES = st.floats(min_value=1.6e9, max_value=2.2e9)


def reservoir(seed: int = 2) -> Reservoir:
    parameters = ReservoirParameters(TABLE, 12.4, 12.35, 0.15, 22.5)
    return Reservoir(parameters, Canal(CanalParameters(), seed), seed + 100)


@given(st.floats(min_value=0.0, max_value=14.0))
def test_the_table_can_be_read_both_ways(level_m: float) -> None:
    assert TABLE.level_at(TABLE.volume_at(level_m)) == pytest.approx(level_m, abs=1e-9)


def test_the_table_is_consistent_with_its_areas() -> None:
    for n in range(1, len(TABLE.level_m)):
        step = TABLE.level_m[n] - TABLE.level_m[n - 1]
        by_area = (TABLE.area_m2[n] + TABLE.area_m2[n - 1]) / 2 * step
        assert TABLE.volume_m3[n] - TABLE.volume_m3[n - 1] == pytest.approx(by_area)


@pytest.mark.parametrize(("seed", "days"), [(1, 1), (2, 1), (3, 4)])
def test_the_mass_closes(seed: int, days: int) -> None:
    """What came in is what went out and what stayed, to a thousandth of what came in, added up by another rule and step."""
    water = reservoir(seed)
    step_s = 75.0
    begin = START + 12_345.0
    count = int(days * DAY_S / step_s)
    states = [water.state_at(begin + n * step_s) for n in range(count + 1)]
    net = [s.inflow_m3s - s.release_m3s - s.evaporation_m3s for s in states]
    added = step_s / 3 * (net[0] + net[-1] + 4 * sum(net[1:-1:2]) + 2 * sum(net[2:-1:2]))
    came_in = sum(s.inflow_m3s for s in states) * step_s
    assert abs((states[-1].volume_m3 - states[0].volume_m3) - added) < 1e-3 * came_in
    # And far better than that: the rest is the quadrature's.
    assert abs((states[-1].volume_m3 - states[0].volume_m3) - added) < 1e-5 * came_in


@given(TIMES)
@settings(max_examples=25, deadline=None)  # each time is a day to be worked out
def test_the_state_is_a_function_of_time(t: float) -> None:
    assert reservoir().state_at(t) == reservoir().state_at(t)


@given(TIMES)
@settings(max_examples=25, deadline=None)  # each time is a day to be worked out
def test_the_state_is_continuous(t: float) -> None:
    water = reservoir()
    a, b = water.state_at(t), water.state_at(t + 0.1)
    assert b.volume_m3 == pytest.approx(a.volume_m3, abs=5.0)
    assert b.level_m == pytest.approx(a.level_m, abs=1e-5)
    assert b.release_m3s == pytest.approx(a.release_m3s, abs=0.01)
    assert b.inflow_m3s == pytest.approx(a.inflow_m3s, abs=1e-3)


def test_midnight_is_no_step() -> None:
    water = reservoir()
    for day in range(5):
        midnight = START + day * DAY_S
        before, after = water.state_at(midnight - 1e-3), water.state_at(midnight)
        assert before.volume_m3 == pytest.approx(after.volume_m3, abs=1.0)
        assert before.river_m3s == pytest.approx(after.river_m3s, abs=1e-6)


@pytest.mark.parametrize("seed", range(3))
def test_forty_days_stay_within_what_a_reservoir_does(seed: int) -> None:
    water = reservoir(seed)
    states = [water.state_at(START + n * 7_200.0) for n in range(40 * 12)]
    assert all(state.river_m3s > 0.5 for state in states), "the river below never falls dry"
    assert all(12.0 < state.level_m < 12.8 for state in states)
    assert all(15.0 < state.inflow_m3s < 30.0 for state in states)
    assert max(state.level_m for state in states) > 12.4 > min(state.level_m for state in states)

import itertools

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from simulator.physics.canal import Canal, CanalParameters
from simulator.physics.clock import DAY_S, HOUR_S, day_start, local_day, local_hour

START = 1_795_000_000.0
STEADY = Canal(CanalParameters(disturbance=0.0), 4)
TIMES = st.floats(min_value=1.6e9, max_value=2.2e9)


def test_local_days_are_those_of_kazakhstan() -> None:
    midnight = 1_795_374_000.0  # 2026-11-23 00:00 at UTC+5
    assert local_hour(midnight) == 0.0
    assert day_start(local_day(midnight)) == midnight
    assert local_day(midnight - 1.0) == local_day(midnight) - 1


@given(TIMES)
@settings(max_examples=40, deadline=None)
def test_the_state_is_a_function_of_time(t: float) -> None:
    assert Canal(CanalParameters(), 4).state_at(t) == Canal(CanalParameters(), 4).state_at(t)


@given(TIMES)
@settings(max_examples=40, deadline=None)
def test_the_state_is_continuous(t: float) -> None:
    a, b = Canal(CanalParameters(), 4).state_at(t), Canal(CanalParameters(), 4).state_at(t + 0.1)
    assert b.level_m == pytest.approx(a.level_m, abs=1e-4)
    assert b.discharge_m3s == pytest.approx(a.discharge_m3s, abs=1e-3)
    # Three hundred seconds of travel for a step of some decimetres.
    assert b.gate_opening_m == pytest.approx(a.gate_opening_m, abs=1e-3)


@pytest.mark.parametrize("seed", range(3))
def test_a_month_stays_within_what_a_canal_does(seed: int) -> None:
    canal = Canal(CanalParameters(), seed)
    states = [canal.state_at(START + n * 1_800.0) for n in range(30 * 48)]
    flows = [state.discharge_m3s for state in states]
    assert 0.75 * 12.0 < min(flows) < 0.97 * 12.0
    assert 1.03 * 12.0 < max(flows) < 1.25 * 12.0
    assert sum(flows) / len(flows) == pytest.approx(12.0, rel=0.04)
    assert all(0.3 < state.gate_opening_m < 1.0 for state in states)


def test_the_gate_moves_at_most_four_times_a_day_by_whole_increments() -> None:
    increment = 12.0 * 0.025
    settings = [STEADY.head_discharge_m3s(START + n * 60.0) for n in range(10 * 1440)]
    moves = [(n, b - a) for n, (a, b) in enumerate(itertools.pairwise(settings)) if a != b]
    # A move takes five minutes: moves further apart than that are different ones.
    starts = [n for place, (n, _) in enumerate(moves) if place == 0 or n - moves[place - 1][0] > 5]
    assert 10 <= len(starts) <= 41
    assert all(later - earlier >= 4 * 60 for earlier, later in itertools.pairwise(starts))
    resting = {round(value / increment, 6) for value in settings if round(value / increment, 6) % 1 == 0}
    assert len(resting) >= 3


def test_the_gauge_answers_a_step_after_the_lag_and_then_slowly() -> None:
    p = STEADY.parameters
    lag_s = p.distance_m / p.celerity_ms
    moved_s, before, after = next(
        (t, STEADY.head_discharge_m3s(t), STEADY.head_discharge_m3s(t + 400.0))
        for t in (START + n * 60.0 for n in range(3 * 1440))
        if STEADY.head_discharge_m3s(t) != STEADY.head_discharge_m3s(t + 60.0)
    )
    at = {hours: STEADY.state_at(moved_s + 60.0 + hours * HOUR_S).discharge_m3s for hours in (0.0, 5.2)}
    assert at[0.0] == pytest.approx(before, abs=1e-9), "the water has not come yet"
    assert at[5.2] == pytest.approx(after, abs=0.01 * abs(after - before) + 1e-6)
    tau = STEADY.state_at(moved_s + 60.0 + lag_s + p.tau_s).discharge_m3s
    assert (tau - before) / (after - before) == pytest.approx(0.632, abs=0.03)


@given(st.floats(min_value=0.1, max_value=30.0))
def test_the_rating_can_be_read_both_ways(discharge_m3s: float) -> None:
    p = CanalParameters()
    assert p.discharge_m3s(p.level_m(discharge_m3s)) == pytest.approx(discharge_m3s)


def test_demand_swings_by_fifteen_percent_a_day() -> None:
    flows = [STEADY.demand_m3s(START + n * 600.0) for n in range(144)]
    assert (max(flows) - min(flows)) / 12.0 == pytest.approx(0.30, abs=0.07)
    assert local_hour(START + flows.index(max(flows)) * 600.0) == pytest.approx(16.0, abs=2.0)
    assert DAY_S == 86_400.0

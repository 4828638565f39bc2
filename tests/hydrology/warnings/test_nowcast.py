from math import exp

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hydrology.warnings import ByLag, ByMuskingum, Muskingum, found_lag, nowcast, on_steps, skill
from hydrology.warnings.nowcast import LABEL, LEAST_FOR_SPREAD
from hydrology.warnings.skill import forecast_index, persistence_index

FLOOD = [10 + 60 * exp(-(((at - 120) / 25) ** 2)) + 30 * exp(-(((at - 230) / 30) ** 2)) for at in range(300)]


def test_water_that_follows_the_law_is_foretold_as_far_as_it_has_passed() -> None:
    """Routed with the same K and x: what is wrong is only that the inflow is held from now on."""
    k_s, x = 10_800.0, 0.2
    way = ByMuskingum(k_s, x, 900.0)
    assert way.steps == 12
    assert way.step_s == 900.0
    flows = FLOOD
    for _ in range(5):  # 2 K x / dt = 4.8 parts
        flows = Muskingum(k_s / 5, x, 900.0).route(flows)
    said = nowcast(way, 900.0, FLOOD[:140], flows[:140], 0.0)
    assert said is not None
    # Two steps ahead half of the water is on its way already; the rise of a flood is seen long before it comes.
    assert said.ahead[1].value == pytest.approx(flows[141], rel=0.01)
    assert said.skill.persistence_index is not None
    assert said.skill.persistence_index > 0.9
    assert said.skill.kge is not None
    assert said.skill.kge > 0.9
    assert said.label == LABEL


def test_still_water_stays_as_it_is() -> None:
    said = nowcast(ByMuskingum(3600, 0.2, 900), 900, [5.0] * 200, [4.5] * 200, 0.0)
    assert said is not None
    assert [step.value for step in said.ahead] == pytest.approx([4.5] * 4)
    assert (said.ahead[-1].low, said.ahead[-1].high) == pytest.approx((4.5, 4.5))
    assert said.skill.persistence_index is None


def test_a_gauge_below_that_does_the_same_later() -> None:
    above = FLOOD
    below = [2 + 0.8 * (FLOOD[at - 8] if at >= 8 else FLOOD[0]) for at in range(300)]
    said = nowcast(ByLag(8), 900, above[:125], below[:125])
    assert said is not None
    assert [step.value for step in said.ahead] == pytest.approx(below[125:133])
    assert said.skill.persistence_index == pytest.approx(1.0)


@pytest.mark.parametrize("lag", [1, 5, 20])
def test_the_lag_is_found(lag: int) -> None:
    below = [FLOOD[max(at - lag, 0)] for at in range(300)]
    assert found_lag(FLOOD, below, 48) == lag


def test_no_lag_of_still_or_sparse_water() -> None:
    assert found_lag([1.0] * 300, [1.0] * 300, 48) is None
    assert found_lag([None, 1.0] * 150, FLOOD, 48) is None


def test_unrelated_water_is_told_to_be_no_better_than_persistence() -> None:
    noise = [((at * 7919) % 100) / 100 for at in range(400)]
    other = [((at * 104729 + 31) % 97) / 97 for at in range(400)]
    said = nowcast(ByLag(4), 900, noise, [10 + 0.001 * at + one for at, one in enumerate(other)])
    assert said is not None
    assert said.skill.persistence_index is not None
    assert said.skill.persistence_index < 0.2
    low, high = said.ahead[-1].low, said.ahead[-1].high
    assert low is not None
    assert high is not None
    assert high - low > 0.5


def test_a_gap_within_the_travel_time_is_unknown_and_warms_up_again() -> None:
    above: list[float | None] = list(FLOOD[:150])
    below: list[float | None] = list(FLOOD[:150])
    assert nowcast(ByMuskingum(3600, 0.2, 900), 900, [*above[:-1], None], below) is None
    assert nowcast(ByMuskingum(3600, 0.2, 900), 900, above, [*below[:-1], None]) is None
    above[-3] = None
    assert nowcast(ByMuskingum(3600, 0.2, 900), 900, above, below) is None
    assert nowcast(ByLag(4), 900, above, below) is None
    above[-3] = 1.0
    assert nowcast(ByLag(4), 900, above, below) is not None


def test_few_errors_make_no_spread() -> None:
    way = ByMuskingum(3600, 0.2, 900)
    said = nowcast(way, 900, FLOOD[:14], FLOOD[:14], 0.0)
    assert said is not None
    assert said.skill.answers < LEAST_FOR_SPREAD
    assert said.ahead[-1].low is None


@given(
    st.lists(st.one_of(st.none(), st.floats(0, 1000)), min_size=30, max_size=80),
    st.floats(600, 40_000),
    st.floats(0, 0.5),
)
def test_any_travel_time_can_be_cut_into_steps_and_no_flow_goes_below_zero(
    above: list[float | None], k_s: float, x: float
) -> None:
    way = ByMuskingum(k_s, x, 900)
    said = nowcast(way, way.step_s, above, [None if one is None else one / 2 for one in above], 0.0)
    if said is not None:
        assert all(step.value >= 0 for step in said.ahead)
        assert all(step.low is None or step.low >= 0 for step in said.ahead)
        assert said.ahead[-1].lead_s == pytest.approx(k_s)


def test_the_index_of_single_forecasts_is_that_of_a_series() -> None:
    observed = [10, 12, 20, 35, 50, 42, 30, 22, 16, 12]
    simulated = [11, 13, 18, 30, 46, 45, 33, 24, 17, 13]
    assert forecast_index(observed[2:], simulated[2:], observed[:-2]) == pytest.approx(
        persistence_index(observed, simulated, 2)
    )
    assert skill(3600, [(1.0, 1.0, 1.0)]).kge is None


def test_steps_are_linear_between_readings_and_nothing_across_a_gap() -> None:
    assert on_steps([0, 100, 400], [1.0, 2.0, 8.0], 400, 50, 9, 150) == [1, 1.5, 2, None, None, None, None, None, 8]
    assert on_steps([0, 100, 200], [1.0, None, 3.0], 200, 100, 3, 250) == [1, 2, 3]
    assert on_steps([], [], 200, 100, 2, 250) == [None, None]

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulator.example.routing import GRID_S, Reach, route

FLOWS = st.lists(st.floats(0.0, 100.0), min_size=2, max_size=200)
REACHES = st.builds(Reach, st.integers(0, 60), st.floats(300.0, 7200.0))


def volume(flow: list[float]) -> float:
    return sum((a + b) / 2 * GRID_S for a, b in pairwise(flow))


@given(FLOWS, REACHES)
def test_what_went_in_is_what_came_out_and_what_stayed(flow: list[float], reach: Reach) -> None:
    routed = route(flow, reach)
    stayed = routed.stored_m3[-1] - routed.stored_m3[0]
    assert volume(flow) == pytest.approx(volume(routed.flow_m3s) + stayed, abs=1e-6 * (1.0 + volume(flow)))


@given(FLOWS, REACHES)
def test_nothing_comes_out_that_was_never_let_in(flow: list[float], reach: Reach) -> None:
    out = route(flow, reach).flow_m3s
    assert min(flow) - 1e-9 <= min(out)
    assert max(out) <= max(flow) + 1e-9


def test_a_step_arrives_after_its_delay_and_then_by_and_by() -> None:
    reach = Reach.of_travel_time(6000.0)
    assert reach.lag_steps * GRID_S + reach.tau_s == 6000.0
    out = route([1.0] + [2.0] * 200, reach).flow_m3s
    assert out[reach.lag_steps] == pytest.approx(1.0)
    assert 1.0 < out[reach.lag_steps + 2] < 1.2
    assert all(b > a - 1e-12 for a, b in pairwise(out))
    assert out[-1] == pytest.approx(2.0, abs=1e-4)

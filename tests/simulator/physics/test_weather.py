import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulator.physics.clock import HOUR_S, day_start
from simulator.physics.weather import battery_v, water_temperature_c

TIMES = st.floats(min_value=1.6e9, max_value=2.2e9)
MIDNIGHT = day_start(20_780)


@given(TIMES)
def test_a_battery_stays_between_its_limits_and_is_continuous(t: float) -> None:
    assert 12.15 <= battery_v(3, t) <= 13.9
    assert battery_v(3, t + 1.0) == pytest.approx(battery_v(3, t), abs=2e-3)


def test_a_battery_is_full_at_noon_and_low_before_dawn() -> None:
    assert battery_v(3, MIDNIGHT + 13 * HOUR_S) > 13.7
    assert battery_v(3, MIDNIGHT + 5.9 * HOUR_S) < 12.4


@given(TIMES)
def test_water_is_neither_ice_nor_soup(t: float) -> None:
    assert 10.0 < water_temperature_c(3, t, 17.0, 1.5) < 24.0

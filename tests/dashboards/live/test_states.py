"""States: value against thresholds, age against the expected interval."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dashboards.live.states import SEVERITY, Reading, State, counts, is_late, level_state, stale_at_ms, state_of, worst
from hydrology.registry import Thresholds

FULL = Thresholds(low=0.2, action=1.0, minor=1.5, moderate=2.0, major=2.5)
MINUTE_MS = 60_000
INTERVAL_S = 900.0
NOW_MS = 1_795_424_700_000


@pytest.mark.parametrize(
    ("value", "state"),
    [
        (0.1, State.LOW),
        (0.2, State.LOW),
        (0.21, State.NORMAL),
        (0.99, State.NORMAL),
        (1.0, State.ACTION),
        (1.49, State.ACTION),
        (1.5, State.WARNING),
        (2.0, State.DANGER),
        (2.5, State.DANGER),
        (99.0, State.DANGER),
    ],
)
def test_reaching_a_threshold_is_being_over_it(value: float, state: State) -> None:
    assert level_state(value, FULL) is state


def test_minor_is_a_warning_and_moderate_and_major_are_danger() -> None:
    assert level_state(1.0, Thresholds(minor=1.0)) is State.WARNING
    assert level_state(1.0, Thresholds(moderate=1.0)) is State.DANGER
    assert level_state(1.0, Thresholds(major=1.0)) is State.DANGER


def test_without_thresholds_nothing_is_called_normal() -> None:
    assert level_state(1.0, Thresholds()) is State.NO_THRESHOLD


def test_with_a_low_threshold_alone_the_rest_is_normal() -> None:
    assert level_state(50.0, Thresholds(low=1.0)) is State.NORMAL


def test_a_value_is_stale_after_twice_its_interval_and_not_before() -> None:
    reading = Reading(NOW_MS - 30 * MINUTE_MS, 3.0, 1)
    assert state_of(reading, reading.time_ms, FULL, INTERVAL_S, NOW_MS) is State.DANGER
    assert state_of(reading, reading.time_ms, FULL, INTERVAL_S, NOW_MS + 1) is State.STALE


def test_never_seen_is_waiting_and_seen_without_a_value_is_stale() -> None:
    assert state_of(None, None, FULL, INTERVAL_S, NOW_MS) is State.WAITING
    assert state_of(None, NOW_MS, FULL, INTERVAL_S, NOW_MS) is State.STALE


def test_a_sensor_that_answers_without_a_value_goes_stale_by_its_last_value() -> None:
    reading = Reading(NOW_MS - 31 * MINUTE_MS, 1.0, 1)
    assert state_of(reading, NOW_MS, FULL, INTERVAL_S, NOW_MS) is State.STALE


def test_a_time_in_the_future_is_not_stale() -> None:
    reading = Reading(NOW_MS + 5 * MINUTE_MS, 0.5, 1)
    assert state_of(reading, reading.time_ms, FULL, INTERVAL_S, NOW_MS) is State.NORMAL


@pytest.mark.parametrize(("flag", "expected"), [(1, True), (2, True), (3, True), (4, False), (9, False)])
def test_a_suspect_value_counts_and_a_failed_one_does_not(flag: int, expected: bool) -> None:
    assert counts(1.0, flag) is expected


def test_no_value_counts_whatever_its_flag() -> None:
    assert not counts(None, 1)


def test_a_reading_under_way_is_not_late() -> None:
    assert not is_late(Reading(NOW_MS - 20 * MINUTE_MS, 1.0, 1), INTERVAL_S, NOW_MS)
    assert is_late(Reading(NOW_MS - 23 * MINUTE_MS, 1.0, 1), INTERVAL_S, NOW_MS)
    assert not is_late(None, INTERVAL_S, NOW_MS)


def test_the_worst_state_is_the_first_in_the_order() -> None:
    assert worst([State.NORMAL, State.STALE, State.WARNING]) is State.WARNING
    assert SEVERITY[State.STALE] < SEVERITY[State.NORMAL]


levels = st.lists(st.floats(-1e6, 1e6, allow_nan=False), min_size=4, max_size=4, unique=True).map(sorted)


@given(levels, st.floats(-1e6, 1e6, allow_nan=False), st.floats(0, 1e6, allow_nan=False))
def test_more_water_is_never_less_severe(limits: list[float], value: float, more: float) -> None:
    thresholds = Thresholds(action=limits[0], minor=limits[1], moderate=limits[2], major=limits[3])
    assert SEVERITY[level_state(value + more, thresholds)] <= SEVERITY[level_state(value, thresholds)]


@given(st.integers(0, 10**13), st.floats(0.1, 1e6, allow_nan=False), st.integers(0, 10**9))
def test_once_stale_a_value_stays_stale(time_ms: int, interval_s: float, later_ms: int) -> None:
    reading = Reading(time_ms, 1.0, 1)
    edge = stale_at_ms(time_ms, interval_s) + 1
    assert state_of(reading, time_ms, FULL, interval_s, edge + later_ms) is State.STALE

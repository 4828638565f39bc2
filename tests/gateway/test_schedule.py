from hypothesis import given
from hypothesis import strategies as st

from gateway.schedule import skipped, wait_s

INTERVALS = st.sampled_from([0.1, 0.5, 1.0, 2.0, 60.0, 900.0, 86400.0])


@given(st.integers(0, 10**13), INTERVALS)
def test_the_first_scan_stands_on_a_multiple_of_the_interval(wall_ms: int, interval_s: float) -> None:
    wait = wait_s(wall_ms, None, interval_s)
    assert 0 < wait <= interval_s
    assert (wall_ms + wait * 1000) % (interval_s * 1000) < 1e-3 or interval_s < 1


@given(st.integers(0, 10**13), st.floats(0, 1e6), INTERVALS)
def test_however_the_clock_was_set_a_slot_is_neither_taken_twice_nor_left_out(
    wall_ms: int, since_s: float, interval_s: float
) -> None:
    wait = wait_s(wall_ms, since_s, interval_s)
    assert wait > 0
    assert since_s + wait >= interval_s / 2
    assert wait < interval_s * 1.5 + 1e-9


def test_a_timer_that_fires_too_early_does_not_scan_twice() -> None:
    assert wait_s(899_999, 0.0, 900.0) == 900.001


def test_scans_that_had_no_turn_are_counted() -> None:
    assert skipped(100.0, 100.3, 1.0) == 0
    assert skipped(100.0, 101.0, 1.0) == 1
    assert skipped(100.0, 103.7, 1.0) == 3

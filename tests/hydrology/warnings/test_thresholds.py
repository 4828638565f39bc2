import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hydrology.warnings import Condition, GaugeAlarm, Latch, LevelName, Threshold
from wire.flags import Flag

STEP = 600_000
VECTOR = [8.45, 8.52, 8.49, 8.51, 8.55, 8.45, 8.39, 8.38, 8.41, 8.39, 8.38, 8.37, 8.36]
RULE = Threshold(LevelName.MODERATE, 8.50, 0.10, 2, 1800)


def gauge(stale_s: float = 3600) -> GaugeAlarm:
    return GaugeAlarm((Threshold(LevelName.MAJOR, 9.0), RULE, Threshold(LevelName.ACTION, 8.0)), stale_s)


def test_hysteresis_vector() -> None:
    latch = Latch(RULE)
    got = [int(latch.feed(i * STEP, level)) for i, level in enumerate(VECTOR)]
    assert got == [0, 0, 0, 0, 1, 1, 1, 1, 1, 1, 1, 1, 0]


def test_a_neighbour_confirms_at_once() -> None:
    assert Latch(RULE).feed(0, 8.51, confirmed=True)
    assert not Latch(RULE).feed(0, 8.51)


def test_the_highest_raised_threshold_is_the_level() -> None:
    alarm = gauge()
    for i, level in enumerate((8.6, 8.7)):
        alarm.feed(i * STEP, level)
    status = alarm.status(2 * STEP)
    assert status.condition is Condition.RAISED
    assert status.level is LevelName.MODERATE
    assert status.since_ms == STEP
    assert status.to_next_m == pytest.approx(0.3)


def test_suspect_peaks_alarm_and_failed_readings_do_not() -> None:
    alarm = gauge()
    for i in range(2):
        alarm.feed(i * STEP, 9.5, Flag.FAIL)
        alarm.feed(i * STEP, None, Flag.MISSING)
    assert alarm.status(STEP).condition is Condition.UNKNOWN
    for i in range(2):
        alarm.feed(i * STEP, 9.5, Flag.SUSPECT)
    assert alarm.status(STEP).level is LevelName.MAJOR
    assert alarm.status(STEP).to_next_m is None


def test_silence_is_unknown_not_safe_and_keeps_the_level() -> None:
    alarm = gauge(stale_s=3600)
    assert alarm.status(0).condition is Condition.UNKNOWN
    alarm.feed(0, 7.0)
    assert alarm.status(3_600_000).condition is Condition.NORMAL
    assert alarm.status(3_600_001).condition is Condition.UNKNOWN
    alarm.feed(4_000_000, 8.6)
    alarm.feed(4_600_000, 8.6)
    late = alarm.status(99_000_000)
    assert (late.condition, late.level) == (Condition.UNKNOWN, LevelName.MODERATE)


def test_late_readings_leave_the_state() -> None:
    alarm = gauge()
    alarm.feed(10 * STEP, 7.0)
    alarm.feed(8 * STEP, 9.5)
    alarm.feed(9 * STEP, 9.5)
    assert alarm.status(10 * STEP).condition is Condition.NORMAL


@given(st.lists(st.floats(7.5, 9.5), max_size=40), st.integers(0, 40))
def test_a_restart_changes_no_state(levels: list[float], cut: int) -> None:
    whole, first, second = gauge(), gauge(), gauge()
    for i, level in enumerate(levels):
        whole.feed(i * STEP, level)
        if i < cut:
            first.feed(i * STEP, level)
    second.restore(json.loads(json.dumps(first.export())))
    for i, level in enumerate(levels[cut:], min(cut, len(levels))):
        second.feed(i * STEP, level)
    assert second.export() == whole.export()
    assert second.status(0) == whole.status(0)


@pytest.mark.parametrize(
    "build",
    [
        lambda: GaugeAlarm((Threshold(LevelName.MINOR, 2.0), Threshold(LevelName.ACTION, 3.0)), 1),
        lambda: GaugeAlarm((Threshold(LevelName.ADVERSE, 9.0), Threshold(LevelName.DANGEROUS, 8.5)), 1),
        lambda: GaugeAlarm((RULE, RULE), 1),
        lambda: Threshold(LevelName.MINOR, 1.0, confirmations=0),
    ],
)
def test_impossible_thresholds_are_refused(build: object) -> None:
    assert callable(build)
    with pytest.raises(ValueError, match=r"\w"):
        build()

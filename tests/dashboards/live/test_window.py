"""The last day in memory: the change over 24 hours and the small line."""

from collections.abc import Sequence

from hypothesis import given
from hypothesis import strategies as st

from dashboards.live.states import Reading
from dashboards.live.window import BUCKET_MS, BUCKETS, DAY_MS, SCALE, Window, spark
from hydrology.registry import Thresholds
from store.buckets import plain, thin

NOW_MS = 1_795_424_700_000
STEP_MS = 900_000
INTERVAL_S = 900.0


def filled(values: Sequence[float | None], *, end_ms: int = NOW_MS, flag: int = 1) -> Window:
    window = Window()
    start = end_ms - (len(values) - 1) * STEP_MS
    rows = [(start + at * STEP_MS, value, 9 if value is None else flag) for at, value in enumerate(values)]
    window.replace(plain(rows), end_ms)
    return window


def test_change_is_to_the_value_of_24_hours_before_the_last_one() -> None:
    window = filled([1.0] + [5.0] * 95 + [1.5])
    assert window.change_over_day(INTERVAL_S) == 0.5


def test_no_change_without_a_value_near_that_moment() -> None:
    assert filled([1.0] * 50).change_over_day(INTERVAL_S) is None
    assert filled([1.0]).change_over_day(INTERVAL_S) is None
    assert Window().change_over_day(INTERVAL_S) is None


def test_change_takes_a_neighbour_within_two_intervals() -> None:
    assert filled([2.0, None, None, *[3.0] * 94, 3.0]).change_over_day(INTERVAL_S) == 1.0
    assert filled([2.0, *[None] * 7, *[3.0] * 93]).change_over_day(INTERVAL_S) is None


def test_failed_and_missing_values_are_left_out_and_suspect_ones_kept() -> None:
    assert filled([1.0, 2.0], flag=4).times == []
    assert filled([None, None]).times == []
    assert filled([1.0, 2.0], flag=3).values == [1.0, 2.0]


def test_a_newer_reading_survives_the_whole_read() -> None:
    window = filled([1.0, 1.0])
    window.add(Reading(NOW_MS + STEP_MS, 7.0, 1))
    window.replace(plain([(NOW_MS, 1.0, 1)]), NOW_MS)
    assert window.last() == Reading(NOW_MS + STEP_MS, 7.0, 1)


def test_the_newest_reading_keeps_its_own_time_when_the_rest_comes_in_buckets() -> None:
    window = Window()
    window.add(Reading(NOW_MS + 70_000, 2.0, 1))
    window.replace(thin([(NOW_MS, 1.0, 1), (NOW_MS + 70_000, 2.0, 1)], 300_000), NOW_MS)
    last = window.last()
    assert last is not None
    assert last.time_ms == NOW_MS + 70_000


def test_older_readings_do_not_come_in_twice() -> None:
    window = filled([1.0, 2.0])
    window.add(Reading(NOW_MS, 9.0, 1))
    window.add(Reading(NOW_MS - 5, 9.0, 1))
    assert window.values == [1.0, 2.0]


def test_what_is_too_old_is_forgotten() -> None:
    window = filled([1.0, 2.0, 3.0])
    window.forget_before(NOW_MS - STEP_MS)
    assert window.values == [2.0, 3.0]


def test_the_small_line_has_gaps_where_nothing_was_measured() -> None:
    line = spark(filled([1.0] * 10 + [None] * 8 + [2.0] * 10), Thresholds(), NOW_MS)
    assert line is not None
    assert line.steps[-10:] == [SCALE] * 10
    assert line.steps[-18:-10] == [None] * 8
    assert line.steps[-28:-18] == [0] * 10
    assert line.steps[0] is None


def test_the_hairline_is_the_next_threshold_above_or_the_one_reached() -> None:
    thresholds = Thresholds(action=1.5, minor=2.0)
    below = spark(filled([1.0, 1.4]), thresholds, NOW_MS)
    assert below is not None
    assert (below.line, below.beyond) == (SCALE, False)
    over = spark(filled([1.0, 1.8]), thresholds, NOW_MS)
    assert over is not None
    assert over.line == round((1.5 - 1.0) / 0.8 * SCALE)


def test_a_threshold_far_away_is_drawn_at_the_edge_and_says_so() -> None:
    line = spark(filled([1.0, 1.01]), Thresholds(action=5.0), NOW_MS)
    assert line is not None
    assert (line.line, line.beyond) == (SCALE, True)
    assert line.steps[-1] == 75
    low = spark(filled([1.0, 1.01]), Thresholds(low=0.1), NOW_MS)
    assert low is not None
    assert (low.line, low.beyond) == (0, True)
    assert low.steps[-2] == 25


def test_nothing_in_the_last_day_is_no_line() -> None:
    assert spark(filled([1.0], end_ms=NOW_MS - 2 * DAY_MS), Thresholds(), NOW_MS) is None
    assert spark(Window(), Thresholds(), NOW_MS) is None


@given(
    st.lists(st.one_of(st.none(), st.floats(-1e9, 1e9, allow_nan=False)), max_size=120),
    st.floats(-1e9, 1e9, allow_nan=False),
    st.integers(0, BUCKET_MS),
)
def test_the_small_line_stays_in_its_box(values: list[float | None], action: float, late_ms: int) -> None:
    window = filled(values) if values else Window()
    line = spark(window, Thresholds(action=action), NOW_MS + late_ms)
    if line is None:
        return
    assert len(line.steps) == BUCKETS
    assert all(step is None or 0 <= step <= SCALE for step in line.steps)
    assert line.line is not None
    assert 0 <= line.line <= SCALE


def test_waves_turn_no_arrow_and_a_real_change_does() -> None:
    """Readings every minute with waves of a centimetre, the newest one on a crest."""

    def windowed(rise: float) -> Window:
        window = Window()
        rows = []
        for n in range(1500):
            wave = (0.01, -0.006, 0.004, -0.008)[n % 4]
            rows.append((NOW_MS - (1499 - n) * 60_000, 2.0 + wave + (rise if n > 1000 else 0.0), 1))
        window.replace(plain(rows), NOW_MS)
        return window

    assert windowed(0.0).change_over_day(60.0) == 0.0
    change = windowed(0.03).change_over_day(60.0)
    assert change is not None
    assert abs(change - 0.03) < 0.003

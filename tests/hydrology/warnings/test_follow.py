import random

from hypothesis import given
from hypothesis import strategies as st

from hydrology.warnings import Follower, GaugeAlarm, LevelName, Threshold, decided
from hydrology.warnings.follow import KEPT, MOST
from wire.flags import Flag

STEP = 600_000
RULES = (
    Threshold(LevelName.ACTION, 8.0),
    Threshold(LevelName.MODERATE, 8.50, 0.10, 2, 1800),
    Threshold(LevelName.MAJOR, 9.0, 0.05, 3, 1200),
)
LEVELS = st.one_of(st.floats(7.0, 9.5), st.sampled_from([7.9, 8.0, 8.4, 8.5, 8.95, 9.0]))
FLAGS = st.sampled_from([1, 1, 1, 2, 3, 4, 9])
ROWS = st.lists(st.tuples(LEVELS, FLAGS), max_size=60)


def raised(alarm: GaugeAlarm) -> list[bool]:
    return [latch.raised for latch in alarm.latches]


def in_order(rows: list[tuple[int, float | None, int]]) -> GaugeAlarm:
    alarm = GaugeAlarm(RULES, 3600)
    for t_ms, value, flag in sorted(rows):
        alarm.feed(t_ms, value, Flag(flag))
    return alarm


def take(follower: Follower, *rows: tuple[int, float | None, int]) -> None:
    for t_ms, value, flag in rows:
        follower.take([t_ms], [value], [flag])


def timed(rows: list[tuple[float, int]]) -> list[tuple[int, float | None, int]]:
    return [(at * STEP, value, flag) for at, (value, flag) in enumerate(rows)]


@given(ROWS, st.randoms(use_true_random=False))
def test_the_order_of_coming_does_not_matter(rows: list[tuple[float, int]], dice: random.Random) -> None:
    told = timed(rows)
    follower = Follower(RULES, 3600)
    mixed = list(told)
    for at in range(0, len(mixed), KEPT // 2):
        part = mixed[at : at + KEPT // 2]
        dice.shuffle(part)
        mixed[at : at + KEPT // 2] = part
    for row in mixed:
        take(follower, row)
        if dice.random() < 0.2:
            follower.settle()
    assert raised(follower.settle()) == raised(in_order(told))


@given(st.lists(st.tuples(LEVELS, FLAGS), min_size=MOST, max_size=MOST + 80))
def test_what_is_final_is_remembered_by_its_state(rows: list[tuple[float, int]]) -> None:
    told = timed(rows)
    one_by_one, at_once = Follower(RULES, 3600), Follower(RULES, 3600)
    for row in told:
        take(one_by_one, row)
    for at in range(0, len(told), 7):
        times, values, flags = zip(*told[at : at + 7], strict=True)
        at_once.take(times, values, flags)
    assert raised(one_by_one.settle()) == raised(at_once.settle()) == raised(in_order(told))
    assert len(at_once.memory.times) <= MOST


@given(ROWS, st.integers(0, 60), st.integers(0, 60))
def test_a_beginning_from_the_store_is_the_same(rows: list[tuple[float, int]], cut: int, again: int) -> None:
    """What came since the start stays behind what is read back, even where both hold the same readings."""
    told = timed(rows)
    follower = Follower(RULES, 3600)
    take(follower, *told[cut:])
    follower.begin(told[: max(cut, again)])
    assert raised(follower.settle()) == raised(in_order(told))


@given(ROWS, st.integers(0, 60))
def test_readings_that_decide_need_none_before_them(rows: list[tuple[float, int]], cut: int) -> None:
    told = timed(rows)
    part = told[cut:]
    if decided(RULES, part):
        assert raised(in_order(part)) == raised(in_order(told))


def test_water_in_the_hysteresis_decides_nothing() -> None:
    assert not decided(RULES[1:2], [(at * STEP, 8.45, 1) for at in range(500)])
    assert decided(RULES[1:2], [(at * STEP, 8.6, 1) for at in range(2)])
    assert decided(RULES[1:2], [(at * STEP, 8.3, 1) for at in range(4)])


def test_a_reading_that_fails_later_takes_its_alarm_away() -> None:
    rule = (Threshold(LevelName.MAJOR, 9.0, confirmations=1),)
    follower = Follower(rule, 3600)
    take(follower, (0, 7.0, 1), (STEP, 12.0, 2))
    assert raised(follower.settle()) == [True]
    take(follower, (STEP, 12.0, Flag.FAIL), (2 * STEP, 7.0, 1))
    assert raised(follower.settle()) == [False]


def test_a_backlog_confirms_what_came_before_it() -> None:
    follower = Follower(RULES, 3600)
    take(follower, (0, 7.0, 1), (9 * STEP, 8.7, 1))
    assert not any(raised(follower.settle()))
    take(follower, *((at * STEP, 8.6, 3) for at in range(1, 9)))
    assert raised(follower.settle()) == [True, True, False]


def test_a_new_rule_looks_at_what_is_kept() -> None:
    follower = Follower(RULES[:1], 3600)
    take(follower, (0, 8.6, 1), (STEP, 8.7, 1))
    other = Follower(RULES, 3600)
    other.inherit(follower)
    assert raised(other.settle()) == [True, True, False]

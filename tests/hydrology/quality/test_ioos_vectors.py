"""The executable vectors of ioos_qc 3.0.0 as literals, and, where we differ on purpose, what we give instead."""

from collections.abc import Callable
from datetime import UTC, datetime
from math import isnan, nan

import pytest

from hydrology.quality import Attenuated, Check, Flat, Rules, Season, SeriesJudge, Spike, roll_up
from hydrology.quality.checks import attenuated_flag, flat_flag, range_flag, rate_flag, spike_flag

V = [1.00, 1.01, 1.02, 1.60, 1.03, 1.03, 1.03, 1.03, 1.03, 1.03, 12.0, 1.04, 1.05, 1.20, 1.06]
V_NAN = [*V[:11], nan, *V[12:]]
T = [i * 600_000 for i in range(len(V))]
FLAT = Flat(0.001, 1200, 2400)
X = [1.00, 1.05, 1.10, 1.15, 1.15, 1.15, 1.15, 1.15, 1.15, 1.16, 1.15, 1.30]


def flags(text: str) -> list[int]:
    return [int(flag) for flag in text.split()]


def run(flag: Callable[[list[float], int], int], values: list[float]) -> list[int]:
    return [flag(values, i) for i in range(len(values))]


def gross(values: list[float], i: int) -> int:
    return range_flag(values[i], (-0.5, 10), (0, 5))


def spike(values: list[float], i: int) -> int:
    return spike_flag(values, i, Spike(0.1, 0.2, differential=False))


def differential(values: list[float], i: int) -> int:
    return spike_flag(values, i, Spike(0.1, 0.2))


def rate(values: list[float], i: int) -> int:
    return rate_flag(T, values, i, 0.1 / 600_000)


def flat(values: list[float], i: int) -> int:
    return flat_flag(T, values, i, FLAT, 2_400_000)


def streamed(rules: Rules, values: list[float], check: Check) -> list[int]:
    """The same through the engine, late verdicts (spike) taken from the revised state."""
    judge = SeriesJudge(rules)
    for t, value in zip(T, values, strict=False):
        judge.judge(t, None if isnan(value) else value)
    return [packed >> 4 * check & 15 for packed in judge.export()["packed"]]


@pytest.mark.parametrize(
    ("flag", "values", "expected"),
    [
        (gross, V, "1 1 1 1 1 1 1 1 1 1 4 1 1 1 1"),
        (spike, V, "2 1 4 4 4 1 1 1 1 4 4 4 1 3 2"),
        (differential, V, "2 1 1 4 1 1 1 1 1 1 4 1 1 3 2"),
        (flat, V, "1 1 1 1 1 1 3 3 4 4 1 1 1 1 1"),
        (gross, V_NAN, "1 1 1 1 1 1 1 1 1 1 4 9 1 1 1"),
        (spike, V_NAN, "2 1 4 4 4 1 1 1 1 4 2 9 2 3 2"),
        (flat, V_NAN, "1 1 1 1 1 1 3 3 4 4 1 9 1 1 1"),
        # The first reading, and the one after a missing value, have no step to judge: 2 where ioos_qc gives 1.
        (rate, V, "2 1 1 3 3 1 1 1 1 1 3 3 1 3 3"),
        (rate, V_NAN, "2 1 1 3 3 1 1 1 1 1 3 9 2 3 3"),
    ],
)
def test_ten_minute_vector(flag: Callable[[list[float], int], int], values: list[float], expected: str) -> None:
    assert run(flag, values) == flags(expected)


@pytest.mark.parametrize("values", [V, V_NAN])
@pytest.mark.parametrize(
    ("check", "flag", "rules"),
    [
        (Check.RANGE, gross, Rules(fail_span=(-0.5, 10), suspect_span=(0, 5))),
        (Check.SPIKE, spike, Rules(spike=Spike(0.1, 0.2, differential=False))),
        (Check.SPIKE, differential, Rules(spike=Spike(0.1, 0.2))),
        (Check.RATE, rate, Rules(rate_per_s=0.1 / 600)),
        (Check.FLAT, flat, Rules(flat=FLAT)),
    ],
)
def test_the_engine_gives_the_same(
    values: list[float], check: Check, flag: Callable[[list[float], int], int], rules: Rules
) -> None:
    assert streamed(rules, values, check) == run(flag, values)


@pytest.mark.parametrize("sd", [False, True])
def test_attenuated_vector(sd: bool) -> None:
    rule = Attenuated(3600, *((0.012, 0.002) if sd else (0.03, 0.005)), min_readings=6, standard_deviation=sd)
    assert [attenuated_flag(T, X, i, rule) for i in range(len(X))] == flags("2 2 2 2 2 1 1 1 4 3 3 1")
    assert streamed(Rules(attenuated=rule), X, Check.ATTENUATED) == flags("2 2 2 2 2 1 1 1 4 3 3 1")


SEASONS = (Season(3, 5, (-2, 4)), Season(6, 8, (0, 3), (-1, 5)))


def test_climatology_vector() -> None:
    judge = SeriesJudge(Rules(seasons=SEASONS))
    days = ((3, 1, 4.0), (4, 15, 4.01), (5, 31, -2.1), (6, 1, 3.5), (7, 1, 5.1), (8, 1, 0.0), (9, 1, 1.0))
    got = [
        judge.judge(int(datetime(2025, month, day, tzinfo=UTC).timestamp() * 1000), value).of(Check.CLIMATE)
        for month, day, value in days
    ]
    assert got == flags("1 3 3 3 4 1 2")


def test_climatology_of_a_missing_value_is_9_in_season_too() -> None:
    judge = SeriesJudge(Rules(seasons=SEASONS))
    assert judge.judge(int(datetime(2025, 4, 1, tzinfo=UTC).timestamp() * 1000), None).of(Check.CLIMATE) == 9


def test_time_gap_gives_the_manuals_9_and_2_to_the_first() -> None:
    judge = SeriesJudge(Rules(gap_s=7200))
    seconds = (0, 3600, 4 * 3600, 5 * 3600, 7 * 3600, 9 * 3600 + 1)
    verdicts = [judge.judge(s * 1000, 1.0) for s in seconds]
    assert [verdict.of(Check.GAP) for verdict in verdicts] == flags("2 1 9 1 1 9")
    assert {verdict.flag for verdict in verdicts} == {1}


def test_roll_up_vector_without_hiding_what_is_missing() -> None:
    one, other = flags("1 1 2 9 9 4 3 1"), flags("2 3 2 2 1 9 9 1")
    pairs = list(zip(one, other, strict=True))
    assert [int(roll_up(pair, value_missing=9 in pair)) for pair in pairs] == flags("1 3 2 9 9 9 9 1")
    # ioos_qc rolls the same up to 1 3 2 2 1 4 3 1, which is ours for values that are there.
    assert [int(roll_up(pair, value_missing=False)) for pair in pairs] == flags("1 3 2 2 1 4 3 1")


def test_flat_line_two_equal_values_two_hours_apart_are_flat() -> None:
    assert flat_flag([0, 7_200_000], [1.0, 1.0], 1, FLAT, 2_400_000) == 4


def test_flat_line_a_missing_value_breaks_the_run() -> None:
    times = [i * 600_000 for i in range(6)]
    assert flat_flag(times, [1.0, 1.0, 1.0, nan, 1.0, 1.0], 5, FLAT, 2_400_000) == 1


def test_flat_line_with_tolerance_zero_flags_equal_values() -> None:
    assert flat_flag([0, 1_200_000], [1.0, 1.0], 1, Flat(0.0, 1200, 2400), 2_400_000) == 3


def test_attenuated_with_too_few_readings_is_not_evaluated() -> None:
    assert attenuated_flag([0], [1.0], 0, Attenuated(3600, 0.03, 0.005, 6)) == 2


def test_a_limit_between_resolution_steps_does_not_flicker() -> None:
    values = [round(0.1 * i, 1) for i in range(30)]
    times = [i * 600_000 for i in range(30)]
    assert {rate_flag(times, values, i, 0.1005 / 600_000) for i in range(1, 30)} == {1}
    assert {rate_flag(times, values, i, 0.0995 / 600_000) for i in range(1, 30)} == {3}


def test_a_spike_limit_of_zero_is_refused() -> None:
    with pytest.raises(ValueError, match="spike"):
        Rules(spike=Spike(0.0, 0.1))

import json
from datetime import UTC, datetime
from math import inf, nan
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hydrology.quality import (
    Attenuated,
    Check,
    Companion,
    Counter,
    Flat,
    Moves,
    Neighbour,
    Rules,
    Season,
    SeriesJudge,
    Spike,
    Verdict,
    missing_verdict,
    roll_up,
)
from hydrology.quality.checks import counter_flag
from hydrology.quality.verdict import NO_VALUE, UNTOUCHED, verdict, with_flag
from wire.flags import Flag

MINUTE = 60_000
RULES = Rules(
    gap_s=1200,
    fail_span=(-0.5, 10.0),
    suspect_span=(0.0, 5.0),
    seasons=(Season(1, 1, (0.0, 3.0)),),
    spike=Spike(0.1, 0.2),
    rate_per_s=0.1 / 600,
    flat=Flat(0.001, 1200, 2400),
    attenuated=Attenuated(3600, 0.03, 0.005, 4),
)
FEW = Rules(fail_span=(0.0, 2.0), rate_per_s=0.1 / 600, flat=Flat(0.001, 1200, 2400))

Reading = tuple[int, float | None, int]
LEVELS = st.sampled_from([None, 1.0, 1.0, 1.0005, 1.001, 1.04, 1.3, 4.0, -0.2, 11.0])


@st.composite
def readings(draw: st.DrawFn, most: int = 30) -> list[Reading]:
    times = sorted(draw(st.sets(st.integers(0, 80), min_size=1, max_size=most)))
    source = st.sampled_from([1, 1, 1, 2, 3, 4])
    return [
        (minute * 5 * MINUTE, value, 9 if value is None else draw(source))
        for minute in times
        for value in [draw(LEVELS)]
    ]


def packs(judge: SeriesJudge) -> dict[int, int]:
    state = judge.export()
    return dict(zip(state["t_ms"], state["packed"], strict=True))


def in_order(rules: Rules, rows: list[Reading], **kwargs: Any) -> SeriesJudge:
    judge = SeriesJudge(rules, **kwargs)
    for t, value, source in rows:
        judge.judge(t, value, source)
    return judge


@pytest.mark.parametrize("rules", [RULES, FEW])
@given(data=st.data())
def test_the_order_of_arrival_changes_no_flag(rules: Rules, data: st.DataObject) -> None:
    rows = data.draw(readings())
    shuffled = data.draw(st.permutations(rows))
    assert packs(in_order(rules, list(shuffled))) == packs(in_order(rules, rows))


@pytest.mark.parametrize("rules", [RULES, FEW])
@given(rows=readings(), again=st.data())
def test_repeats_change_no_flag(rules: Rules, rows: list[Reading], again: st.DataObject) -> None:
    judge = in_order(rules, rows)
    before = packs(judge)
    judge.take_revisions()
    repeated = again.draw(st.sampled_from(rows))
    assert judge.judge(*repeated).packed == before[repeated[0]]
    assert packs(judge) == before
    assert judge.take_revisions() == []


@given(rows=readings(), rules=st.sampled_from([RULES, FEW]))
def test_a_twin_shares_the_rules_and_no_reading(rows: list[Reading], rules: Rules) -> None:
    first = in_order(rules, rows)
    before = first.export()
    twin = first.twin()
    assert twin.export() == SeriesJudge(rules).export()
    for row in rows:
        twin.judge(*row)
    assert twin.export() == before == first.export()


PLAIN = st.tuples(st.floats(0.9, 1.1), st.sampled_from([MINUTE, 5 * MINUTE, 5 * MINUTE, 0, -MINUTE]))


@settings(deadline=None)
@given(
    rows=st.lists(st.tuples(LEVELS, st.sampled_from([5 * MINUTE, 0, -MINUTE])) | PLAIN, max_size=60),
    cuts=st.lists(st.integers(1, 25), max_size=8),
    rules=st.sampled_from([RULES, FEW, Rules(), Rules(gap_s=600, suspect_span=(0.0, 1.04))]),
    capacity=st.sampled_from([3, 8, 128]),
    source=st.sampled_from([1, 1, 1, 3]),
)
def test_a_column_is_judged_as_its_readings_are(
    rows: list[tuple[float | None, int]], cuts: list[int], rules: Rules, capacity: int, source: int
) -> None:
    one_by_one, together = SeriesJudge(rules, capacity=capacity), SeriesJudge(rules, capacity=capacity)
    time_ms, columns = 0, list[Reading]()
    for n, (value, step) in enumerate(rows):
        time_ms += step
        columns.append((time_ms, value, 9 if value is None else source if n % 7 == 6 else 1))
    now_ms = 20 * 5 * MINUTE
    at = 0
    for size in [*cuts, len(columns)]:
        some = columns[at : at + size]
        at += size
        alone = [one_by_one.judge(*row, now_ms) for row in some]
        t_ms, values, sources = ([row[n] for row in some] for n in range(3))
        told = together.judge_column(t_ms, values, sources, now_ms)  # type: ignore[arg-type]
        assert (alone if told is None else told) == alone
        assert told is not None or {1}.issuperset(sources)
        assert told is not None or {together.passed}.issuperset(alone)
        assert together.export() == one_by_one.export()
        assert together.take_revisions() == one_by_one.take_revisions()


@given(rows=readings(), data=st.data())
def test_revisions_tell_every_change_of_a_given_verdict(rows: list[Reading], data: st.DataObject) -> None:
    """Whoever stores the first verdicts and applies the revisions has what an in-order run gives."""
    judge = SeriesJudge(RULES)
    told: dict[int, Verdict] = {}
    for t, value, source in data.draw(st.permutations(rows)):
        told[t] = judge.judge(t, value, source)
        for revision in judge.take_revisions():
            assert told[revision.t_ms].flag == revision.before.flag
            assert told[revision.t_ms].tests == revision.before.tests
            told[revision.t_ms] = revision.after
    expected = {t: verdict(packed) for t, packed in packs(in_order(RULES, rows)).items()}
    assert {t: (v.flag, v.tests) for t, v in told.items()} == {t: (v.flag, v.tests) for t, v in expected.items()}


@given(rows=readings(), cut=st.floats(0, 1), rules=st.sampled_from([RULES, FEW]))
def test_a_restart_changes_no_flag(rows: list[Reading], cut: float, rules: Rules) -> None:
    """The store holds value, flag and mask; from the last `history_s` of them the engine goes on as if nothing had been."""
    at = int(cut * len(rows))
    whole = SeriesJudge(rules)
    stored: dict[int, tuple[int, float | None, int, int]] = {}
    for t, value, source in rows[:at]:
        given_verdict = whole.judge(t, value, source)
        stored[t] = (t, value, given_verdict.flag, given_verdict.tests)
        for r in whole.take_revisions():
            stored[r.t_ms] = (r.t_ms, r.value, r.after.flag, r.after.tests)
    since = rows[at - 1][0] - rules.history_s * 1000 if at else 0
    older = [row for t, row in stored.items() if t < since]
    back = [*older[-2:], *(row for t, row in stored.items() if t >= since)]
    fresh = SeriesJudge(rules)
    fresh.rebuild(back, complete=not older)
    for t, value, source in rows[at:]:
        one, two = whole.judge(t, value, source), fresh.judge(t, value, source)
        assert (one.flag, one.tests) == (two.flag, two.tests)
        assert [(r.t_ms, r.after.flag, r.after.tests) for r in whole.take_revisions()] == [
            (r.t_ms, r.after.flag, r.after.tests) for r in fresh.take_revisions()
        ]


@given(rows=readings(), cut=st.floats(0, 1))
def test_an_exported_state_goes_on_the_same(rows: list[Reading], cut: float) -> None:
    at = int(cut * len(rows))
    whole = in_order(RULES, rows[:at])
    fresh = SeriesJudge(RULES)
    fresh.restore(json.loads(json.dumps(whole.export())))
    for row in rows[at:]:
        assert whole.judge(*row) is fresh.judge(*row)
    assert whole.export() == fresh.export()


def test_a_state_of_other_rules_is_refused() -> None:
    with pytest.raises(ValueError, match="rules"):
        SeriesJudge(FEW).restore(SeriesJudge(RULES).export())


@settings(max_examples=30)
@given(st.lists(LEVELS, min_size=60, max_size=120))
def test_a_small_memory_gives_the_same_live_verdicts(values: list[float | None]) -> None:
    small, large = SeriesJudge(RULES, capacity=8), SeriesJudge(RULES, capacity=1000)
    for i, value in enumerate(values):
        flag = 9 if value is None else 1
        assert small.judge(i * 5 * MINUTE, value, flag) is large.judge(i * 5 * MINUTE, value, flag)
    assert len(small.export()["t_ms"]) <= 32
    a, b = small.take_revisions(), large.take_revisions()
    assert a == b


@settings(max_examples=30)
@given(st.lists(LEVELS, min_size=70, max_size=120))
def test_a_backlog_longer_than_the_memory_is_judged_in_its_place(values: list[float | None]) -> None:
    """After an outage the newest reading comes first and the backlog oldest-first: the same flags as in order."""
    rows: list[Reading] = [(i * 5 * MINUTE, value, 9 if value is None else 1) for i, value in enumerate(values)]
    expected: dict[int, Verdict] = {}
    late: dict[int, Verdict] = {}
    for told, order in ((expected, rows), (late, [*rows[:10], rows[-1], *rows[10:-1]])):
        judge = SeriesJudge(RULES, capacity=40)
        for t, value, source in order:
            told[t] = judge.judge(t, value, source)
            for revision in judge.take_revisions():
                told[revision.t_ms] = revision.after
    assert {t: (v.flag, v.tests) for t, v in late.items()} == {t: (v.flag, v.tests) for t, v in expected.items()}


def test_a_reading_older_than_the_memory_is_judged_alone() -> None:
    judge = SeriesJudge(RULES, capacity=8)
    for i in range(100):
        judge.judge(i * 5 * MINUTE, 1.0 + 0.01 * (i % 3))
    before = packs(judge)
    old = judge.judge(-5 * MINUTE, 7.0)
    assert old.flag is Flag.SUSPECT
    assert old.of(Check.RATE) is Flag.NOT_EVALUATED
    assert judge.judge(-5 * MINUTE, None, 9).flag is Flag.MISSING
    assert packs(judge) == before


def test_future_time_fails_from_five_minutes_on_and_disturbs_nothing() -> None:
    judge = SeriesJudge(FEW)
    now = 1_000_000
    assert judge.judge(now, 1.0, now_ms=now).flag is Flag.PASS
    ahead = judge.judge(now + 300_001, 1.0, now_ms=now)
    assert ahead.flag is Flag.FAIL
    assert ahead.tests == 1 << Check.FUTURE
    assert judge.judge(now + 300_000, 1.0, now_ms=now).flag is Flag.PASS
    restarted = SeriesJudge(FEW)
    restarted.rebuild([(now, 1.0, 1, 0), (now + 400_000, 1.0, ahead.flag, ahead.tests)], complete=True)
    assert list(packs(restarted)) == [now]


def test_the_same_time_with_another_value_is_suspect_and_stays_so() -> None:
    judge = SeriesJudge(FEW)
    judge.judge(0, 1.0)
    doubled = judge.judge(0, 1.01)
    assert doubled.flag is Flag.SUSPECT
    assert doubled.tests == 1 << Check.DOUBLED
    judge.judge(-MINUTE, 1.0)
    assert packs(judge)[0] >> 4 * Check.DOUBLED & 15 == 3
    restarted = SeriesJudge(FEW)
    restarted.rebuild([(0, 1.01, doubled.flag, doubled.tests)], complete=True)
    assert restarted.judge(0, 1.01) is doubled


def test_what_the_gateway_said_rolls_up() -> None:
    judge = SeriesJudge(FEW)
    assert judge.judge(0, 1.0, 3).tests == 1 << Check.SOURCE
    assert judge.judge(MINUTE, 1.0, 4).flag is Flag.FAIL
    assert SeriesJudge(Rules()).judge(0, 1.0, 2).flag is Flag.NOT_EVALUATED
    assert SeriesJudge(Rules()).judge(0, 1.0, 1).flag is Flag.PASS


@pytest.mark.parametrize("value", [None, nan, inf])
def test_no_value_is_missing(value: float | None) -> None:
    judge = SeriesJudge(RULES)
    judge.judge(0, 1.0)
    got = judge.judge(10 * MINUTE, value, 9)
    assert got.flag is Flag.MISSING
    assert got.of(Check.RANGE) is Flag.MISSING
    assert judge.judge(20 * MINUTE, 1.0).of(Check.RATE) is Flag.NOT_EVALUATED
    assert missing_verdict(9).flag is Flag.MISSING


@given(st.lists(st.sampled_from([1, 2, 3, 4, 9])))
def test_roll_up_never_hides_a_missing_value(flags: list[int]) -> None:
    assert roll_up(flags, value_missing=True) is Flag.MISSING
    assert roll_up(flags, value_missing=False) is not Flag.MISSING
    packed = UNTOUCHED
    for check, flag in zip(Check, flags, strict=False):
        packed = with_flag(packed, check, flag)
    assert verdict(packed | NO_VALUE).flag is Flag.MISSING
    assert verdict(packed).flag is not Flag.MISSING


def test_a_flood_peak_is_suspect_not_failed() -> None:
    judge = SeriesJudge(RULES)
    judge.judge(0, 3.0)
    assert judge.judge(10 * MINUTE, 5.5).flag is Flag.SUSPECT


def test_equal_verdicts_are_one_object() -> None:
    a, b = SeriesJudge(RULES), SeriesJudge(RULES)
    assert a.judge(0, 1.0) is b.judge(0, 1.0)


def test_the_version_changes_with_a_limit() -> None:
    assert RULES.version != FEW.version
    assert Rules(gap_s=1.0).version == Rules(gap_s=1.0).version
    assert len(RULES.version) == 12


# ---------------------------------------------------------------- companions

GATED = Rules(rate_per_s=0.1 / 600, moves=Moves(threshold=0.01, settle_s=1800))


def test_a_step_after_the_gate_moved_is_explained() -> None:
    gate = Companion()
    judge = SeriesJudge(GATED, movers=(gate,))
    for minute, opening in ((0, 0.5), (10, 0.5), (20, 0.6), (30, 0.6)):
        gate.add(minute * MINUTE, opening)
    judge.judge(10 * MINUTE, 1.0)
    explained = judge.judge(20 * MINUTE, 1.4)
    assert explained.flag is Flag.PASS
    assert explained.of(Check.RATE) is Flag.NOT_EVALUATED
    assert explained.of(Check.MULTIVARIATE) is Flag.PASS


def test_a_step_without_a_move_is_suspect_until_the_late_gate_reading_explains_it() -> None:
    gate = Companion()
    judge = SeriesJudge(GATED, movers=(gate,))
    gate.add(0, 0.5)
    judge.judge(10 * MINUTE, 1.0)
    step = judge.judge(20 * MINUTE, 1.4)
    assert step.tests == 1 << Check.RATE | 1 << Check.MULTIVARIATE
    assert gate.add(15 * MINUTE, 0.7)
    judge.recheck(15 * MINUTE, 45 * MINUTE)
    (revision,) = judge.take_revisions()
    assert (revision.t_ms, revision.value, revision.after.flag) == (20 * MINUTE, 1.4, Flag.PASS)


def test_a_move_explains_only_for_its_settling_time() -> None:
    gate = Companion()
    gate.add(0, 0.5)
    gate.add(10 * MINUTE, 0.7)
    judge = SeriesJudge(GATED, movers=(gate,))
    judge.judge(35 * MINUTE, 1.0)
    assert judge.judge(45 * MINUTE, 1.4).flag is Flag.SUSPECT


def test_neighbour() -> None:
    other = Companion()
    judge = SeriesJudge(Rules(neighbour=Neighbour(0.1, 0.5, 900, offset=0.2)), neighbour=other)
    assert judge.judge(0, 1.2).of(Check.NEIGHBOUR) is Flag.NOT_EVALUATED
    other.add(10 * MINUTE, 1.0)
    assert [judge.judge(t * MINUTE, v).of(Check.NEIGHBOUR) for t, v in ((11, 1.2), (12, 1.35), (13, 1.8))] == [1, 3, 4]
    assert judge.judge(26 * MINUTE, 1.2).of(Check.NEIGHBOUR) is Flag.NOT_EVALUATED


def test_companion_keeps_order_and_bounds() -> None:
    gate = Companion(capacity=3)
    assert not gate.add(0, None)
    assert not gate.add(0, nan)
    for t in (3, 1, 2, 4):
        assert gate.add(t, float(t))
    assert not gate.add(4, 4.0)
    assert gate.add(4, 5.0)
    assert gate.at(1, 10) is None
    assert gate.at(3, 10) == 3.0
    assert gate.at(30, 10) is None
    assert gate.moved(3, 4, 1.5)
    assert not gate.moved(2, 3, 1.5)


# ---------------------------------------------------------------- counters, seasons, rules


@pytest.mark.parametrize(
    ("old", "new", "flag"), [(65530, 4, 1), (1200, 7, 3), (100, 160, 1), (100, 161, 3), (65535, 60, 3), (65535, 58, 1)]
)
def test_counter(old: float, new: float, flag: int) -> None:
    rule = Counter(65536, max_per_s=1.0)
    assert counter_flag([0, MINUTE], [old, new], 1, rule) == flag
    judge = SeriesJudge(Rules(counter=rule))
    assert judge.judge(0, old).of(Check.COUNTER) is Flag.NOT_EVALUATED
    assert judge.judge(MINUTE, new).of(Check.COUNTER) == flag


def test_seasons_are_local_months_and_may_wrap_the_year() -> None:
    winter = Season(11, 3, (0.0, 1.0))
    judge = SeriesJudge(Rules(seasons=(winter,), zone="Asia/Almaty"))

    def at(*when: int) -> Flag:
        return judge.judge(int(datetime(*when, tzinfo=UTC).timestamp() * 1000), 2.0).of(Check.CLIMATE)  # type: ignore[arg-type,misc]

    assert at(2024, 10, 31, 18, 59) is Flag.NOT_EVALUATED
    assert at(2024, 10, 31, 19, 0) is Flag.SUSPECT
    assert at(2024, 12, 31, 20, 0) is Flag.SUSPECT
    assert at(2025, 3, 31, 18, 59) is Flag.SUSPECT
    assert at(2025, 3, 31, 19, 0) is Flag.NOT_EVALUATED


@pytest.mark.parametrize(
    "build",
    [
        lambda: Rules(fail_span=(1.0, 0.0)),
        lambda: Rules(seasons=(Season(1, 2, (0, 1), (1, 0)),)),
        lambda: Season(0, 3, (0, 1)),
        lambda: Rules(flat=Flat(-1.0, 10, 20)),
        lambda: Rules(flat=Flat(0.0, 30, 20)),
        lambda: Rules(attenuated=Attenuated(3600, 0.1, 0.2, 6)),
        lambda: Rules(attenuated=Attenuated(3600, 0.1, 0.05, 1)),
        lambda: Rules(rate_per_s=0.0),
        lambda: Rules(moves=Moves(0.1, 10)),
    ],
)
def test_impossible_rules_are_refused(build: object) -> None:
    assert callable(build)
    with pytest.raises(ValueError, match=r"\w"):
        build()

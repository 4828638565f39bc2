"""The comparison of audit and ledger sees what it is there to see: each fault is made by hand in accounts that agree."""

from dataclasses import replace
from datetime import UTC, date, datetime

import pytest

from ingest.audit import FLAG_9, GAP, NEVER, Gap, Known, SensorDay, audit
from tests.faults.audited import Instrument, Series, compare, compare_counters
from tests.faults.stored import Points

ZONE, DAY = "Asia/Almaty", date(2026, 11, 22)
MIDNIGHT_MS = round(datetime(2026, 11, 21, 19, tzinfo=UTC).timestamp() * 1000)
BEGAN_MS, INTERVAL_MS = MIDNIGHT_MS + 3_600_000, 1000
# It ran for 400 s, but for 60 s in the middle.
TIMES = [BEGAN_MS + at * INTERVAL_MS for at in range(400) if not 200 <= at < 260]
PAUSE = (TIMES[199], TIMES[200])
ENDED_MS = TIMES[-1] + 1
POINTS: Points = {ms: (None, 9) if at in (7, 300) else (float(at), 1) for at, ms in enumerate(TIMES)}
SERIES = Series("canal", "canal-serves", ZONE, INTERVAL_MS, POINTS)
INSTRUMENT = Instrument("canal-serves", [ms for ms, (value, _) in POINTS.items() if value is not None], 330, [PAUSE])


def audited(told: list[tuple[int, int]], points: Points = POINTS) -> SensorDay:
    known = Known([Gap("restart", first, last, frozenset({"canal-serves"})) for first, last in told])
    day = SensorDay("canal", "canal-serves", DAY.isoformat(), 0, 0)
    found = [(ms, flag) for ms, (_, flag) in sorted(points.items())]
    return audit(day, MIDNIGHT_MS, ENDED_MS, INTERVAL_MS, found, known)


def test_a_run_with_a_pause_that_was_told_agrees() -> None:
    assert compare([audited([PAUSE])], SERIES, INSTRUMENT, ENDED_MS) == []


@pytest.mark.parametrize("what", ["expected", "stored"])
def test_a_figure_that_is_one_off_is_found(what: str) -> None:
    day = audited([PAUSE])
    setattr(day, what, getattr(day, what) + 1)
    assert any(f"{what}, it should be" in one for one in compare([day], SERIES, INSTRUMENT, ENDED_MS))


def test_a_try_that_failed_and_is_not_told_is_found() -> None:
    day = audited([PAUSE])
    day.missing[FLAG_9] -= 1
    (said,) = compare([day], SERIES, INSTRUMENT, ENDED_MS)
    assert FLAG_9 in said


def test_more_or_less_stored_than_the_ledger_served_is_found() -> None:
    for served, settled in ((INSTRUMENT.served_ms[:300], 300), ([*INSTRUMENT.served_ms, ENDED_MS - 1], 339)):
        said = compare([audited([PAUSE])], SERIES, replace(INSTRUMENT, served_ms=served, settled=settled), ENDED_MS)
        assert any("the ledger's serves" in one for one in said)


@pytest.mark.parametrize(
    "told", [[], [(PAUSE[0] - 86_400_000, PAUSE[1] - 86_400_000)], [(PAUSE[0], PAUSE[0] + 20_000)]]
)
def test_a_pause_that_no_gap_or_a_wrong_one_tells_is_found(told: list[tuple[int, int]]) -> None:
    said = compare([audited(told)], SERIES, replace(INSTRUMENT, told=told), ENDED_MS)
    assert any("nothing was read from" in one for one in said)


def test_a_pause_that_was_told_and_that_the_audit_does_not_know_is_found() -> None:
    said = compare([audited([])], SERIES, INSTRUMENT, ENDED_MS)
    assert any("in gaps" in one for one in said)
    assert any("never received" in one for one in said)


def test_a_gap_over_a_time_in_which_the_ledger_has_serves_is_no_reason() -> None:
    """The store lost a minute of readings, and a gap was made up to cover it."""
    lost = (TIMES[50], TIMES[110])
    points = {ms: point for ms, point in POINTS.items() if not lost[0] < ms < lost[1]}
    told = [lost, PAUSE]
    said = compare([audited(told, points)], replace(SERIES, points=points), replace(INSTRUMENT, told=told), ENDED_MS)
    assert any("for any reason" in one for one in said)


def test_what_still_waits_or_died_is_found() -> None:
    day = audited([PAUSE])
    day.missing["dead letter"] = 1
    assert any("dead letter" in one for one in compare([day], SERIES, INSTRUMENT, ENDED_MS))


def test_the_reasons_are_the_audits_own() -> None:
    missing = audited([PAUSE]).missing
    assert set(missing) == {GAP + "restart", NEVER, FLAG_9}


COUNTERS = {"received": 120, "stored": 90, "repeated": 20, "dead": 10, "waiting": 0}


def test_counters_that_hold_agree() -> None:
    assert compare_counters(COUNTERS, 98, 99, 1, whole=True) == []


@pytest.mark.parametrize(
    ("change", "settled", "said"),
    [
        ({"stored": 89}, 98, "is not the sum"),
        ({"waiting": 1, "stored": 89}, 98, "waiting after the drain"),
        ({"stored": 110, "received": 140}, 98, "the counters know"),
        ({}, 100, "the counters know"),
    ],
)
def test_counters_that_do_not_hold_are_found(change: dict[str, int], settled: int, said: str) -> None:
    found = compare_counters({**COUNTERS, **change}, settled, 105, 1, whole=True)
    assert any(said in one for one in found)


def test_a_lost_spool_began_to_count_anew() -> None:
    assert compare_counters(COUNTERS, 500, 505, 0, whole=False) == []

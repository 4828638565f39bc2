"""What is missing of a day, and why; against days whose losses are known."""

from datetime import date
from pathlib import Path

import hypothesis.strategies as st
from hypothesis import given

from ingest.audit import DEAD, FLAG_9, NEVER, WAITING, Gap, Known, Pool, SensorDay, audit, holes, lines_of, table
from ingest.auditing import _days, audit_days, read_gaps
from ingest.intake import Group
from ingest.settings import IngestSettings, spool_path
from ingest.spool import Spool
from store.open import open_writer
from store.points import RecordPoint, SeriesKey, SeriesPoints
from store.settings import SqliteSettings
from tests.ingest.samples import NOW_MS, arrival, batch, level, make_intake, registry

MINUTE = 60_000
QUARTER = 15 * MINUTE
DAY = 96 * QUARTER
START = 1_789_948_800_000  # a UTC midnight


def day_of(points: list[tuple[int, int]], known: Known | None = None, end_ms: int = START + DAY) -> SensorDay:
    return audit(SensorDay("k-12", "level", "d", 0, 0), START, end_ms, QUARTER, points, known or Known())


def every(first: int = 0, last: int = 96, offset_ms: int = 200) -> list[tuple[int, int]]:
    return [(START + n * QUARTER + offset_ms, 1) for n in range(first, last)]


def test_a_whole_day_is_complete() -> None:
    day = day_of(every())
    assert (day.expected, day.stored, dict(day.missing), day.completeness) == (96, 96, {}, 100.0)


@given(
    st.lists(
        st.tuples(
            st.integers(-3, 99), st.integers(-2, 40), st.sampled_from(["restart", "overrun", "hung"]), st.booleans()
        ),
        max_size=12,
    )
)
def test_a_hole_has_the_reason_of_the_first_gap_known_over_it(drawn: list[tuple[int, int, str, bool]]) -> None:
    gaps = [
        Gap(
            reason,
            START + first * QUARTER,
            START + (first + length) * QUARTER,
            frozenset({"level" if ours else "flow"}),
        )
        for first, length, reason, ours in drawn
    ]
    missing: dict[str, int] = {}
    for number in range(96):
        at_ms = START + number * QUARTER
        over = [gap for gap in gaps if "level" in gap.sensors]
        found = (gap.reason for gap in over if gap.from_ms - QUARTER / 2 <= at_ms <= gap.to_ms + QUARTER / 2)
        reason = next((f"gap: {one}" for one in found), NEVER)
        missing[reason] = missing.get(reason, 0) + 1
    assert dict(day_of([], Known(gaps=gaps)).missing) == missing


def test_an_empty_day_is_all_missing() -> None:
    day = day_of([])
    assert (day.expected, day.stored, dict(day.missing), day.completeness) == (96, 0, {NEVER: 96}, 0.0)


def test_each_missing_reading_has_its_reason() -> None:
    points = [(t, 9 if n in (3, 4) else 1) for n, (t, _) in enumerate(every())]
    gone = {*range(10, 20), *range(30, 33), *range(40, 42), 60, 70, 71}
    kept = [one for n, one in enumerate(points) if n not in gone]
    known = Known(
        gaps=[
            Gap("restart", START + 10 * QUARTER, START + 19 * QUARTER, frozenset({"level"})),
            Gap("overrun", START + 60 * QUARTER, START + 60 * QUARTER, frozenset({"flow"})),
        ],
        pools=[Pool("disk_full", START + 65 * QUARTER, 2)],
        dead={"level": [START + n * QUARTER + 300 for n in (30, 31, 32)]},
        waiting={"level": [START + n * QUARTER + 100 for n in (70, 71)]},
    )
    day = day_of(kept, known)
    assert (day.expected, day.stored) == (96, 96 - 18 - 2)
    assert dict(day.missing) == {
        FLAG_9: 2,
        "gap: restart": 10,
        DEAD: 3,
        "gap: disk_full": 2,
        WAITING: 2,
        NEVER: 1,
    }
    assert day.completeness == 100 * (96 - 20) / 96


@given(
    missing=st.sets(st.integers(0, 95)),
    phase_ms=st.integers(0, QUARTER - 1),
    jitter=st.lists(st.integers(-QUARTER // 5, QUARTER // 5), min_size=96, max_size=96),
)
def test_holes_are_found_whatever_the_phase_and_the_jitter(missing: set[int], phase_ms: int, jitter: list[int]) -> None:
    # The neighbours of the day are there, so that its edges are no guess; a day with nothing on either side is one above.
    times = [START - QUARTER + phase_ms]
    times += [START + n * QUARTER + phase_ms + jitter[n] for n in range(96) if n not in missing]
    times.append(START + 96 * QUARTER + phase_ms)
    found = holes(sorted(times), START, START + DAY, QUARTER)
    assert abs(len(found) - len(missing)) <= 1
    # A reading at the very edge may belong to either day.
    if QUARTER // 4 < phase_ms < QUARTER * 3 // 4:
        assert len(found) == len(missing)


def test_more_points_than_expected_hide_no_hole() -> None:
    points = sorted([*every(0, 40), *every(50, 96), *((START + n * MINUTE, 1) for n in range(1, 15))])
    day = day_of(points)
    assert (day.expected, day.stored, dict(day.missing)) == (96, 100, {NEVER: 10})


def test_a_day_that_is_not_over_expects_what_is_due_by_now() -> None:
    day = day_of(every(0, 40), end_ms=START + 40 * QUARTER)
    assert (day.expected, day.stored, dict(day.missing)) == (40, 40, {})


def test_local_days_have_their_own_length() -> None:
    # On 29 February 2024 Almaty's clocks went back an hour at midnight.
    ((name, start, end),) = _days("Asia/Almaty", date(2024, 2, 29), 1, NOW_MS)
    assert (name, end - start) == ("2024-02-29", 25 * 3_600_000)
    names = [one for one, _, _ in _days("UTC", None, 2, START + 5)]
    assert names == ["2026-09-19", "2026-09-20"]
    assert _days("UTC", date(2100, 1, 1), 1, NOW_MS)[0][1:] == (4_102_444_800_000,) * 2


def test_gaps_are_read_and_what_is_foreign_is_left() -> None:
    known: dict[str, Known] = {}
    read_gaps(
        [
            RecordPoint("gw1", "gap", 9, '{"reason":"restart","from_ms":1,"to_ms":5,"sensors":["level"]}'),
            RecordPoint("gw1", "gap", 9, '{"reason":"trimmed","epoch":"00000000002a","ranges":[[1,5]]}'),
            RecordPoint("gw1", "gap", 9, '{"why":"something"}'),
            RecordPoint("gw1", "gap", 9, "[1]"),
            RecordPoint("gw1", "gap", 9, "junk"),
            RecordPoint("gw1", "gap", 9, '{"from_ms":"x","to_ms":5,"sensors":1,"reason":2}'),
        ],
        known,
    )
    assert known["gw1"].gaps == [Gap("restart", 1, 5, frozenset({"level"}))]
    assert known["gw1"].pools == [Pool("trimmed", 9, 5)]


async def test_store_and_spool_are_read_together(tmp_path: Path) -> None:
    settings = IngestSettings(registry=tmp_path / "registry.toml")
    times = [t for t, _ in every()]
    body = f'{{"reason":"restart","from_ms":{times[9]},"to_ms":{times[15]},"sensors":["level"]}}'
    kept = [n for n in range(96) if n not in {*range(10, 15), 20, 21, 30}]
    async with open_writer(SqliteSettings(), tmp_path) as writer:
        key = SeriesKey("level", "k-12", "level")
        await writer.write(
            [
                SeriesPoints(key, [times[n] for n in kept], [1.0] * len(kept), [1] * len(kept)),
                RecordPoint("gw1", "gap", times[15], body),
            ]
        )
    with Spool(spool_path(tmp_path)) as spool:
        intake, group = make_intake(), Group()
        intake.take(arrival(batch(level([1, 2], time_ms=times[20:22], unit="cm"))), group)
        intake.take(arrival(batch(level([3], time_ms=[times[30]]))), group)
        spool.commit([group.change], NOW_MS)
    found = await audit_days(settings, tmp_path, registry(), "k-12", date(2026, 9, 21), 1, NOW_MS + 10 * DAY)
    by_sensor = {one.sensor: one for one in found.days}
    assert by_sensor["level"].document() == {
        "station": "k-12",
        "sensor": "level",
        "day": "2026-09-21",
        "expected": 96,
        "stored": 88,
        "missing": {"gap: restart": 5, "dead letter": 2, "waiting for the store": 1},
        "completeness_percent": 91.67,
    }
    assert by_sensor["flow"].missing == {NEVER: 96}
    assert found.notes == []
    (line,) = lines_of(found.days, sensors=False)
    assert (line.expected, line.stored, line.missing.total()) == (192, 88, 104)
    assert "96 never received" in table([line], sensors=False)

"""What was expected of a sensor on a day, what is stored, what is missing and why. Pure.

A day is walked from point to point: where two of them are further apart than the interval, readings are missing between
them, each at its time. That time is looked up among what is known: waiting in the spool, dead letters, gaps that name a span.
A gap that names only numbers (the log's disk was full) explains as many of the missing as it names, the oldest first.
"""

from bisect import bisect_left
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from heapq import heappop, heappush
from itertools import pairwise

from wire.flags import Flag

NEVER = "never received"
FLAG_9 = "flag 9"
"""Tried and failed: stored as a point without a value."""
DEAD = "dead letter"
WAITING = "waiting for the store"
GAP = "gap: "


@dataclass(frozen=True, slots=True)
class Gap:
    """A span in which a gateway did not read these sensors, and why."""

    reason: str
    from_ms: int
    to_ms: int
    sensors: frozenset[str]


@dataclass(slots=True)
class Pool:
    """Numbers that a gateway says are gone, without their times: they were read before it said so."""

    reason: str
    said_ms: int
    left: int


@dataclass(slots=True)
class Known:
    """What is known of a gateway's readings that are not in the store. Times by sensor, in order."""

    gaps: list[Gap] = field(default_factory=list)
    pools: list[Pool] = field(default_factory=list)
    dead: dict[str, list[int]] = field(default_factory=dict)
    waiting: dict[str, list[int]] = field(default_factory=dict)


@dataclass(slots=True)
class SensorDay:
    """One sensor on one local day."""

    station: str
    sensor: str
    day: str
    expected: int
    stored: int
    missing: Counter[str] = field(default_factory=Counter)

    @property
    def completeness(self) -> float:
        """Percent of what was expected that is not missing; 100 where nothing was expected."""
        if not self.expected:
            return 100.0
        return 100.0 * max(0, self.expected - self.missing.total()) / self.expected

    def document(self) -> dict[str, object]:
        """For JSON."""
        return {
            "station": self.station,
            "sensor": self.sensor,
            "day": self.day,
            "expected": self.expected,
            "stored": self.stored,
            "missing": dict(sorted(self.missing.items())),
            "completeness_percent": round(self.completeness, 2),
        }


def audit(
    day: SensorDay,
    start_ms: int,
    end_ms: int,
    interval_ms: int,
    points: Sequence[tuple[int, int]],
    known: Known,
) -> SensorDay:
    """Fill in a day from `points` (time and flag, in order; those of an interval before and after too).

    `end_ms` is now where the day is not over. Points of the day count as stored, those of flag 9 as missing for that reason.
    """
    day.expected = max(0, round((end_ms - start_ms) / interval_ms))
    inside = [flag for time_ms, flag in points if start_ms <= time_ms < end_ms]
    nines = sum(flag == Flag.MISSING for flag in inside)
    day.stored = len(inside) - nines
    if nines:
        day.missing[FLAG_9] = nines
    room = max(0, day.expected - nines)
    gaps = _Gaps(known.gaps, day.sensor, interval_ms / 2)
    for at_ms in holes([time_ms for time_ms, _ in points], start_ms, end_ms, interval_ms)[:room]:
        day.missing[_why(day.sensor, at_ms, interval_ms, known, gaps)] += 1
    return day


def holes(times: Sequence[int], start_ms: int, end_ms: int, interval_ms: int) -> list[int]:
    """The times between start and end at which a reading should stand and does not."""
    out: list[int] = []
    half = interval_ms // 2
    # Before the first and after the last point the day's own edges are the neighbours.
    edged = list(times)
    if not edged or edged[0] >= start_ms + interval_ms:
        first = edged[0] if edged else start_ms
        edged.insert(0, first - interval_ms * ((first - start_ms) // interval_ms + 1))
    if edged[-1] < end_ms - interval_ms:
        edged.append(edged[-1] + interval_ms * ((end_ms - 1 - edged[-1]) // interval_ms + 1))
    for left, right in pairwise(edged):
        for number in range(1, (right - left + half) // interval_ms):
            at_ms = left + number * interval_ms
            if start_ms <= at_ms < end_ms:
                out.append(at_ms)
    return out


class _Gaps:
    """The gaps over one sensor, asked at rising times: a day of a sensor that is read often has as many holes as readings."""

    def __init__(self, gaps: Sequence[Gap], sensor: str, half: float) -> None:
        self._half = half
        self._to_come = sorted(
            ((gap.from_ms - half, order, gap) for order, gap in enumerate(gaps) if sensor in gap.sensors), reverse=True
        )
        self._begun: list[tuple[int, Gap]] = []

    def reason(self, at_ms: int) -> str | None:
        """Of the first gap, in the order in which they are known, that is over this time."""
        while self._to_come and self._to_come[-1][0] <= at_ms:
            _, order, gap = self._to_come.pop()
            heappush(self._begun, (order, gap))
        while self._begun and self._begun[0][1].to_ms + self._half < at_ms:
            heappop(self._begun)
        return self._begun[0][1].reason if self._begun else None


def _why(sensor: str, at_ms: int, interval_ms: int, known: Known, gaps: _Gaps) -> str:
    half = interval_ms / 2
    for times, reason in ((known.waiting.get(sensor), WAITING), (known.dead.get(sensor), DEAD)):
        if times and _near(times, at_ms, half):
            return reason
    over = gaps.reason(at_ms)
    if over is not None:
        return GAP + over
    for pool in known.pools:
        if pool.left and at_ms < pool.said_ms:
            pool.left -= 1
            return GAP + pool.reason
    return NEVER


def _near(times: Sequence[int], at_ms: int, within_ms: float) -> bool:
    place = bisect_left(times, at_ms)
    return any(abs(one - at_ms) <= within_ms for one in times[max(0, place - 1) : place + 1])


def lines_of(days: Iterable[SensorDay], *, sensors: bool) -> list[SensorDay]:
    """A line for each station and day, or for each sensor."""
    found = list(days)
    if sensors:
        return found
    out: dict[tuple[str, str], SensorDay] = {}
    for one in found:
        line = out.setdefault((one.station, one.day), SensorDay(one.station, "", one.day, 0, 0))
        line.expected += one.expected
        line.stored += one.stored
        line.missing.update(one.missing)
    return list(out.values())


def table(lines: Sequence[SensorDay], *, sensors: bool) -> str:
    """For people."""
    rows = [("STATION", "SENSOR", "DAY", "EXPECTED", "STORED", "MISSING", "COMPLETE", "WHY")]
    for one in lines:
        why = ", ".join(f"{number} {reason}" for reason, number in one.missing.most_common())
        rows.append(
            (
                one.station,
                one.sensor,
                one.day,
                str(one.expected),
                str(one.stored),
                str(one.missing.total()),
                f"{one.completeness:.1f} %",
                why,
            )
        )
    columns = [column for column in range(len(rows[0])) if sensors or column != 1]
    widths = {column: max(len(row[column]) for row in rows) for column in columns}
    right = {3, 4, 5, 6}
    return "\n".join(
        "  ".join(
            row[column].rjust(widths[column]) if column in right else row[column].ljust(widths[column])
            for column in columns
        ).rstrip()
        for row in rows
    )

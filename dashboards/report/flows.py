"""What the store has of a series, as the accounts need it: read in pieces, integrated over many periods."""

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from dashboards.report.meters import Meter
from hydrology.accounting import Period, Reading, Volume, integrate
from hydrology.accounting.volumes import PROVISIONAL_COVERAGE_PCT
from store.points import PointReader, SeriesKey
from wire.flags import Flag

PIECE_MS = 10 * 86_400_000
"""How much time is asked for at once."""
MOST = 2_000_000
"""More readings than that in a piece (two a second) would come thinned, and are refused."""
_USED = (Flag.PASS, Flag.NOT_EVALUATED, Flag.SUSPECT)


class TooDenseError(Exception):
    """A series has more readings than a report can take whole."""


@dataclass(frozen=True, slots=True)
class Column:
    """One series' readings in the order of time; failed and missing ones without a value. `suspect` are times in s."""

    readings: list[Reading] = field(default_factory=list)
    suspect: list[float] = field(default_factory=list)

    def between(self, start_s: float, end_s: float) -> Sequence[Reading]:
        """The readings of a time, with one more at either side."""
        first = bisect_left(self.readings, start_s, key=_time)
        last = bisect_right(self.readings, end_s, key=_time)
        return self.readings[max(first - 1, 0) : last + 1]

    def value_at(self, t_s: float, max_gap_s: float) -> float | None:
        """The value at a time, linear between two readings no further apart than that; else the newest that near."""
        at = bisect_left(self.readings, t_s, key=_time)
        before = [r for r in self.readings[max(at - 1, 0) : at] if r[1] is not None and t_s - r[0] <= max_gap_s]
        after = [r for r in self.readings[at : at + 1] if r[1] is not None and r[0] - t_s <= max_gap_s]
        if before and after:
            (t1, v1), (t2, v2) = before[0], after[0]
            assert v1 is not None
            assert v2 is not None
            return v1 + (v2 - v1) * (t_s - t1) / (t2 - t1)
        return next((value for _, value in (*before, *after)), None)

    def suspect_share(self, period: Period) -> float:
        """Suspect readings, as a share of the period's."""
        start, end = period.start.timestamp(), period.end.timestamp()
        all_of_them = sum(1 for t, value in self.between(start, end) if start <= t < end and value is not None)
        return (bisect_left(self.suspect, end) - bisect_left(self.suspect, start)) / max(all_of_them, 1)

    def ends(self, start_s: float, end_s: float) -> tuple[float, float] | None:
        """The first and the last reading's time between two times; None without one."""
        first = bisect_left(self.readings, start_s, key=_time)
        last = bisect_right(self.readings, end_s, key=_time) - 1
        return (self.readings[first][0], self.readings[last][0]) if first <= last else None


def _time(reading: Reading) -> float:
    return reading[0]


async def read_column(reader: PointReader, key: SeriesKey, start: datetime, end: datetime) -> Column:
    """The readings from `start` to before `end`. Raises StoreError, TooDenseError."""
    out = Column()
    first, last = round(start.timestamp() * 1000), round(end.timestamp() * 1000)
    for piece in range(first, last, PIECE_MS):
        found = await reader.history(key, piece, min(piece + PIECE_MS, last), MOST)
        if found.bucket_ms:
            raise TooDenseError(f"{'/'.join(key)} has more than {MOST} readings in ten days")
        for time_ms, value, flag in zip(found.time_ms, found.value, found.flag, strict=True):
            usable = value if flag in _USED else None
            out.readings.append((time_ms / 1000, usable))
            if flag == Flag.SUSPECT and usable is not None:
                out.suspect.append(time_ms / 1000)
    return out


def volume(column: Column, meter: Meter, period: Period) -> Volume:
    """The volume of a period."""
    readings = column.between(period.start.timestamp(), period.end.timestamp())
    return integrate(readings, period, meter.max_gap_s, previous_value=meter.step)


def volumes(column: Column, meter: Meter, periods: Iterable[Period]) -> list[Volume]:
    """The volumes of many periods."""
    return [volume(column, meter, period) for period in periods]


@dataclass(frozen=True, slots=True)
class Amount:
    """What several meters measured together in a period: m3, and the share of the time for which they did.

    `provisional`: one of them was measured too little for the volume to stand.
    """

    volume_m3: float | None
    coverage_pct: float
    covered_mean_m3s: float | None
    provisional: bool


def together(parts: Sequence[Volume]) -> Amount:
    """The sum of what was measured. Coverage is the mean of the meters'; a mean flow needs something of every meter."""
    measured = [part.volume_m3 for part in parts if part.volume_m3 is not None]
    means = [part.covered_mean_m3s for part in parts if part.covered_mean_m3s is not None]
    return Amount(
        sum(measured) if measured else None,
        sum(part.coverage_pct for part in parts) / len(parts) if parts else 0.0,
        sum(means) if parts and len(means) == len(parts) else None,
        not parts or any(part.coverage_pct < PROVISIONAL_COVERAGE_PCT for part in parts),
    )

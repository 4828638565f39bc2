"""Volumes from irregular discharge, with the coverage that says how much of them was measured."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from math import isfinite

from hydrology.accounting.periods import Period
from wire.flags import Flag

PROVISIONAL_COVERAGE_PCT = 90.0
"""Below it a volume is provisional, flag 3."""


@dataclass(frozen=True, slots=True)
class Volume:
    """The volume of a period in m3, integrated over the covered part only: gaps are not filled.

    `mean_m3s` divides by the seconds between the period's local boundaries, so it is low where coverage is;
    `covered_mean_m3s` by the covered ones, None without any. Flag 9 without coverage (the volume is then None), 3 below
    90 %, else 1. `longest_gap_s` counts the period's open ends too.
    """

    period: Period
    volume_m3: float | None
    coverage_pct: float
    covered_s: float
    longest_gap_s: float
    flag: Flag

    @property
    def mean_m3s(self) -> float | None:
        """Volume over the period's length."""
        return None if self.volume_m3 is None else self.volume_m3 / self.period.seconds

    @property
    def covered_mean_m3s(self) -> float | None:
        """Volume over the covered time."""
        return None if self.volume_m3 is None or self.covered_s == 0 else self.volume_m3 / self.covered_s


Reading = tuple[float, float | None]
"""(seconds since 1970, discharge in m3/s or None for a reading that is missing or failed)."""


def integrate(readings: Sequence[Reading], period: Period, max_gap_s: float, *, previous_value: bool = False) -> Volume:
    """Integrate rising readings over a period, by trapezoids or, for gated canals, by the previous value.

    Give one reading before and after the period too: what reaches over a boundary is cut there (trapezoids linearly).
    Two readings further apart than `max_gap_s` (three nominal intervals, say), or with None between them, leave a gap.
    Raises ValueError for times that do not rise.
    """
    start, end = period.start.timestamp(), period.end.timestamp()
    volume = covered = longest = 0.0
    until = start
    before: tuple[float, float] | None = None
    last = float("-inf")
    for t, value in readings:
        if t <= last:
            raise ValueError(f"the readings' times must rise: {t} after {last}")
        last = t
        if value is None or not isfinite(value):
            before = None
            continue
        if before is not None and t - before[0] <= max_gap_s:
            left, right = max(before[0], start), min(t, end)
            if right > left:
                slope = 0.0 if previous_value else (value - before[1]) / (t - before[0])
                middle = before[1] + slope * ((left + right) / 2 - before[0])
                volume += middle * (right - left)
                covered += right - left
                longest = max(longest, left - until)
                until = right
        before = (t, value)
    longest = max(longest, end - until)
    share = covered / (end - start)
    if covered == 0:
        return Volume(period, None, 0.0, 0.0, longest, Flag.MISSING)
    flag = Flag.PASS if 100 * share >= PROVISIONAL_COVERAGE_PCT else Flag.SUSPECT
    return Volume(period, volume, 100 * share, covered, longest, flag)


def volume_table(
    readings: Sequence[Reading], periods: Iterable[Period], max_gap_s: float, *, previous_value: bool = False
) -> list[Volume]:
    """The volumes of many periods from one column of readings."""
    return [integrate(readings, period, max_gap_s, previous_value=previous_value) for period in periods]


def utc_seconds(moment: datetime) -> float:
    """Seconds since 1970 of an aware time. Raises ValueError for a naive one."""
    if moment.tzinfo is None:
        raise ValueError(f"{moment} has no time zone")
    return moment.astimezone(UTC).timestamp()

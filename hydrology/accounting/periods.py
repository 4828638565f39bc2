"""Local days, decades and seasons as half-open UTC intervals, by time zone name.

Boundaries are local: 2024-02-29 has 25 hours in Asia/Almaty, which went from UTC+6 to UTC+5 that night, and 24 in
Asia/Oral. Needs tzdata 2024a or newer. A decade is days 1-10, 11-20, 21 to the month's end. The growing season is 1 April
to 30 September, the rest of the hydrological year (from 1 October) the other one (local practice, from memory).
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

_MIDNIGHT = time(0)


@dataclass(frozen=True, slots=True)
class Period:
    """A half-open interval of time with its local name, e.g. "2024-02-29", "2024-02 III", "2024 growing"."""

    name: str
    start: datetime
    end: datetime

    @property
    def seconds(self) -> float:
        """Length in seconds."""
        return (self.end - self.start).total_seconds()


def local_time(day: date, zone: str, at: time = _MIDNIGHT) -> datetime:
    """A local wall-clock time as UTC: the first such moment where the clock shows it twice."""
    return datetime.combine(day, at, ZoneInfo(zone)).astimezone(UTC)


def day_period(day: date, zone: str, starts_at: time = _MIDNIGHT) -> Period:
    """The local day, from midnight or from another hour (the hydrological day of manual posts starts at 08:00)."""
    return Period(
        day.isoformat(), local_time(day, zone, starts_at), local_time(day + timedelta(days=1), zone, starts_at)
    )


def decade_of(day: date) -> int:
    """1, 2 or 3."""
    return min((day.day - 1) // 10, 2) + 1


def next_month(year: int, month: int) -> date:
    """The first day of the following month."""
    return date(year + 1, 1, 1) if month == 12 else date(year, month + 1, 1)


def decade_days(year: int, month: int, decade: int) -> tuple[date, date]:
    """First day of a decade and of the next one. Raises ValueError for a decade outside 1 to 3."""
    if decade not in (1, 2, 3):
        raise ValueError(f"decade = {decade} is not 1, 2 or 3")
    first = date(year, month, 10 * decade - 9)
    return first, next_month(year, month) if decade == 3 else date(year, month, 10 * decade + 1)


def decade_period(year: int, month: int, decade: int, zone: str) -> Period:
    """A decade of a local month."""
    first, after = decade_days(year, month, decade)
    name = f"{year}-{month:02d} {'I' * decade}"
    return Period(name, local_time(first, zone), local_time(after, zone))


def season_period(year: int, zone: str, growing: bool = True) -> Period:
    """The growing season of a year, or the other one that ends in it (1 October before to 31 March)."""
    if growing:
        return Period(f"{year} growing", local_time(date(year, 4, 1), zone), local_time(date(year, 10, 1), zone))
    start, end = date(year - 1, 10, 1), date(year, 4, 1)
    return Period(f"{year - 1}/{year} other", local_time(start, zone), local_time(end, zone))


def hydrological_year(year: int, zone: str) -> Period:
    """The hydrological year that ends in a year: from 1 October before it."""
    start, end = date(year - 1, 10, 1), date(year, 10, 1)
    return Period(f"{year - 1}/{year}", local_time(start, zone), local_time(end, zone))


def decades_between(first: date, last: date, zone: str) -> Iterator[Period]:
    """All decades from the one that holds `first` to the one that holds `last`."""
    year, month, decade = first.year, first.month, decade_of(first)
    while date(year, month, 10 * decade - 9) <= last:
        yield decade_period(year, month, decade, zone)
        if decade < 3:
            decade += 1
        else:
            following = next_month(year, month)
            year, month, decade = following.year, following.month, 1

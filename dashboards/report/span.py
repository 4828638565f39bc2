"""What time a report is for: a decade, any days, or a season; and the season that it is counted up from."""

import re
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Literal
from zoneinfo import ZoneInfo

from hydrology.accounting import Period, decade_of, decades_between, hydrological_year, local_time, season_period
from hydrology.accounting.periods import decade_days

Kind = Literal["decade", "days", "season"]
_DECADE = re.compile(r"(\d{4})-(\d{1,2})-([123])")
_SEASON = re.compile(r"(\d{4})(-other)?")


class SpanError(ValueError):
    """A time that cannot be understood; the message says how to write it."""


@dataclass(frozen=True, slots=True)
class Span:
    """Local days from `first` to `last`, both inside."""

    kind: Kind
    first: date
    last: date

    def period(self, zone: str) -> Period:
        """The days between the zone's own midnights."""
        name = f"{self.first.isoformat()}..{self.last.isoformat()}"
        return Period(name, local_time(self.first, zone), local_time(self.last + timedelta(days=1), zone))


def decade_span(text: str) -> Span:
    """`2026-07-2` is 11 to 20 July 2026. Raises SpanError."""
    found = _DECADE.fullmatch(text.strip())
    try:
        if found is None:
            raise ValueError
        first, after = decade_days(int(found[1]), int(found[2]), int(found[3]))
    except ValueError:
        raise SpanError(f"{text!r} is not a decade: write YEAR-MONTH-DECADE, as in 2026-07-2") from None
    return Span("decade", first, after - timedelta(days=1))


def days_span(first: str, last: str) -> Span:
    """From one local day to another, both inside. Raises SpanError."""
    try:
        start, end = date.fromisoformat(first), date.fromisoformat(last)
    except ValueError:
        raise SpanError(f"{first!r} to {last!r} are not two days: write them as in 2026-07-11") from None
    if end < start:
        raise SpanError(f"the last day, {last}, is before the first, {first}")
    if (end - start).days > 731:
        raise SpanError("a report is for two years at most")
    return Span("days", start, end)


def season_span(text: str) -> Span:
    """`2026` is the growing season, `2026-other` the one before it, from 1 October 2025. Raises SpanError."""
    found = _SEASON.fullmatch(text.strip())
    if found is None:
        raise SpanError(f"{text!r} is not a season: write 2026 (April to September) or 2026-other (October to March)")
    year = int(found[1])
    if found[2]:
        return Span("season", date(year - 1, 10, 1), date(year, 4, 1) - timedelta(days=1))
    return Span("season", date(year, 4, 1), date(year, 9, 30))


def last_whole_decade(now: datetime, zone: str) -> Span:
    """The decade that ended last: what an office posts today."""
    today = now.astimezone(ZoneInfo(zone)).date()
    before = today.replace(day=10 * decade_of(today) - 9) - timedelta(days=1)
    return Span("decade", before.replace(day=10 * decade_of(before) - 9), before)


def season_of(day: date, zone: str) -> Period:
    """The growing season or the other one that holds a local day."""
    if 4 <= day.month <= 9:
        return season_period(day.year, zone)
    return season_period(day.year + (day.month >= 10), zone, growing=False)


def year_of(day: date, zone: str) -> Period:
    """The hydrological year that holds a local day."""
    return hydrological_year(day.year + (day.month >= 10), zone)


def until(period: Period, now: datetime) -> Period:
    """What is over of a period; at least a second, so that it can be asked about."""
    return Period(period.name, period.start, max(min(period.end, now), period.start + timedelta(seconds=1)))


def decades(first: date, last: date, zone: str) -> list[Period]:
    """The decades from one day to another."""
    return list(decades_between(first, last, zone))


def local_day(moment: datetime, zone: str) -> date:
    """The local date of a time."""
    return moment.astimezone(ZoneInfo(zone)).date()

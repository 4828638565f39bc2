"""Milliseconds since 1970 and calendar times."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

ALWAYS_MS, NEVER_MS = -(1 << 62), 1 << 62
"""Before and after everything."""
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MS = timedelta(milliseconds=1)


def milliseconds(when: datetime) -> int:
    """A time as a number, exactly."""
    return (when - _EPOCH) // _MS


def instant(time_ms: int) -> datetime:
    """A number as a time, exactly."""
    return _EPOCH + time_ms * _MS


def month_span(time_ms: int, zone: ZoneInfo) -> tuple[int, int]:
    """The local month around a time: its first millisecond, and the next month's."""
    local = instant(time_ms).astimezone(zone)
    begins = datetime(local.year, local.month, 1, tzinfo=zone)
    ends = datetime(local.year + local.month // 12, local.month % 12 + 1, 1, tzinfo=zone)
    return milliseconds(begins.astimezone(UTC)), milliseconds(ends.astimezone(UTC))

"""Offsets of a time zone, sent to the browser: its own table of zones may be years older than the law."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

BACK = timedelta(days=400)
AHEAD = timedelta(days=400)


def is_zone(name: str) -> bool:
    """Whether this is the name of a time zone that is known here."""
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return False
    return True


def offsets(name: str, now_ms: int) -> list[tuple[int, int]]:
    """From when on (ms since 1970) which offset from UTC (s) holds, from 400 days ago to 400 days ahead.

    A name that is not known counts as UTC.
    """
    if not is_zone(name):
        return [(0, 0)]
    zone = ZoneInfo(name)
    now = datetime.fromtimestamp(now_ms / 1000, UTC).replace(minute=0, second=0, microsecond=0)
    at, end = now - BACK, now + AHEAD
    out = [(0, _offset_s(at, zone))]
    while at < end:
        later = at + timedelta(days=1)
        if _offset_s(later, zone) != out[-1][1]:
            change = _first_change(at, later, zone)
            out.append((int(change.timestamp() * 1000), _offset_s(change, zone)))
        at = later
    return out


def offset_s(table: list[tuple[int, int]], time_ms: int) -> int:
    """The offset that a table holds for this time."""
    found = table[0][1]
    for start_ms, offset in table:
        if start_ms > time_ms:
            break
        found = offset
    return found


def _offset_s(at: datetime, zone: ZoneInfo) -> int:
    offset = at.astimezone(zone).utcoffset()
    return int(offset.total_seconds()) if offset is not None else 0


def _first_change(before: datetime, after: datetime, zone: ZoneInfo) -> datetime:
    old = _offset_s(before, zone)
    while after - before > timedelta(minutes=1):
        middle = before + timedelta(minutes=(after - before) // timedelta(minutes=2))
        if _offset_s(middle, zone) == old:
            before = middle
        else:
            after = middle
    return after

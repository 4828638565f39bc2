"""Which points no store takes, found before anything is sent: the same answer whatever the store.

InfluxDB would refuse a whole request for one of these, or change a name silently.
"""

from collections.abc import Iterator, Sequence
from itertools import chain
from math import isfinite

from store.points import DeliveryPoint, Points, RecordPoint, RefusedPoint, SeriesPoints

MAX_TIME_MS = 9_223_372_036_854
"""InfluxDB keeps nanoseconds in 64 bits: until the year 2262, and as far back before 1970."""
MAX_NAME_LENGTH = 255
"""Together the names of a series must stay below InfluxDB's 64 KB; ids of the contract have 63 characters."""
MAX_BODY_BYTES = 1_000_000
"""Tried on InfluxDB 1.6.7 and 2.7.12, which both take a string field of this size."""


def check(points: Sequence[Points]) -> list[RefusedPoint]:
    """The points that no store takes, in order; usually none, and then it costs a pass over the columns in C."""
    out: list[RefusedPoint] = []
    for item, one in enumerate(points):
        if isinstance(one, SeriesPoints):
            out.extend(RefusedPoint(item, row, reason) for row, reason in _series_faults(one))
        else:
            reason = _single_fault(one)
            if reason is not None:
                out.append(RefusedPoint(item, 0, reason))
    return out


def name_fault(name: str) -> str | None:
    """Why this cannot be a measurement's name or a tag's value, or None."""
    if not 1 <= len(name) <= MAX_NAME_LENGTH:
        return f"a name of {len(name)} characters, not 1 to {MAX_NAME_LENGTH}"
    if name[0] == "#":
        return f"a name that makes its line a comment: {name!r}"
    if name[-1] == "\\":
        return f"a name that ends in a backslash: {name!r}"
    if not name.isprintable():
        return f"a name with a control character: {name!r}"
    return None


def _single_fault(one: RecordPoint | DeliveryPoint) -> str | None:
    names = (one.gateway, one.kind) if isinstance(one, RecordPoint) else (one.gateway,)
    for name in names:
        reason = name_fault(name)
        if reason is not None:
            return reason
    if not -MAX_TIME_MS <= one.time_ms <= MAX_TIME_MS:
        return f"time {one.time_ms} ms is beyond what InfluxDB keeps"
    try:
        length = len(one.body.encode())
    except UnicodeEncodeError:
        return "the body is not text in Unicode"
    return None if length <= MAX_BODY_BYTES else f"a body of {length} bytes, at most {MAX_BODY_BYTES}"


def _series_faults(series: SeriesPoints) -> Iterator[tuple[int, str]]:
    columns = (series.time_ms, series.value, series.flag, series.raw, series.tests, series.rev)
    if len({len(column) for column in columns if column is not None}) != 1:
        raise ValueError(f"columns of unequal length in {series.key}")
    for name in series.key:
        reason = name_fault(name)
        if reason is not None:
            for row in range(len(series.time_ms)):
                yield row, reason
            return
    if _all_good(series):
        return
    for row, time_ms in enumerate(series.time_ms):
        if not -MAX_TIME_MS <= time_ms <= MAX_TIME_MS:
            yield row, f"time {time_ms} ms is beyond what InfluxDB keeps"
            continue
        for name, column in (("value", series.value), ("raw", series.raw)):
            number = column[row] if column is not None else None
            if number is not None and not isfinite(number):
                yield row, f"{name} is {number!r}"
                break


def _all_good(series: SeriesPoints) -> bool:
    if not series.time_ms:
        return True
    if min(series.time_ms) < -MAX_TIME_MS or max(series.time_ms) > MAX_TIME_MS:
        return False
    try:
        # NaN and infinity both survive a sum; large values may overflow to infinity, then each is looked at.
        return isfinite(sum(filter(None, chain(series.value, series.raw or ()))))
    except OverflowError:
        return False

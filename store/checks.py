"""Which points no store takes, found before anything is sent: the same answer whatever the store.

InfluxDB would refuse a whole request for one of these, or change a name silently.
"""

import re
from collections.abc import Iterator, Sequence
from functools import lru_cache
from math import isfinite

from store.points import DeliveryPoint, HistoryPoint, Points, RecordPoint, RefusedPoint, SeriesKey, SeriesPoints

MAX_TIME_MS = 9_223_372_036_854
"""InfluxDB keeps nanoseconds in 64 bits: until the year 2262, and as far back before 1970."""
MAX_NAME_LENGTH = 255
"""Together the names of a series must stay below InfluxDB's 64 KB; ids of the contract have 63 characters."""
_ESCAPE = re.compile(r'\\[,= "]')
"""Line protocol has no way to write a backslash before one of these."""
MAX_BODY_BYTES = 1_000_000
"""Tried on InfluxDB 1.6.7 and 2.7.12, which both take a string field of this size."""


def check(points: Sequence[Points]) -> list[RefusedPoint]:
    """The points that no store takes, in order; usually none, and then it costs a pass over the columns in C."""
    out: list[RefusedPoint] = []
    for item, one in enumerate(points):
        if isinstance(one, SeriesPoints):
            if _is_plain(one):
                continue
            out.extend(RefusedPoint(item, row, reason) for row, reason in _series_faults(one))
        else:
            reason = _history_fault(one) if isinstance(one, HistoryPoint) else _single_fault(one)
            if reason is not None:
                out.append(RefusedPoint(item, 0, reason))
    return out


def _is_plain(one: SeriesPoints) -> bool:
    """Whether it is surely without fault: what nearly all are."""
    key, time_ms, value, flag, raw, tests, rev = one
    length = len(time_ms)
    if not length == len(value) == len(flag) or raw is not None or tests is not None or rev is not None:
        return False
    if length == 1:
        number = value[0]
        in_bounds = number is not None and isfinite(number) and -MAX_TIME_MS <= time_ms[0] <= MAX_TIME_MS
    else:
        in_bounds = (
            length > 0
            and None not in value
            and isfinite(sum(value))  # type: ignore[arg-type]
            and min(time_ms) >= -MAX_TIME_MS
            and max(time_ms) <= MAX_TIME_MS
        )
    return in_bounds and _key_fault(key) is None


def name_fault(name: str) -> str | None:
    """Why this cannot be a measurement's name or a tag's value, or None."""
    if not 1 <= len(name) <= MAX_NAME_LENGTH:
        return f"a name of {len(name)} characters, not 1 to {MAX_NAME_LENGTH}"
    if name[0] == "#":
        return f"a name that makes its line a comment: {name!r}"
    if name[-1] == "\\":
        return f"a name that ends in a backslash: {name!r}"
    if "\\" in name and _ESCAPE.search(name):
        return f"a name with a backslash before a comma, equals sign, quote or space: {name!r}"
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


def _history_fault(one: HistoryPoint) -> str | None:
    old = one.old
    series = SeriesPoints(one.key, [old.time_ms], [old.value], [old.flag], [old.raw])
    return next((reason for _, reason in _series_faults(series)), None)


def _series_faults(series: SeriesPoints) -> Iterator[tuple[int, str]]:
    length = len(series.time_ms)
    for column in (series.value, series.flag, series.raw, series.tests, series.rev):
        if column is not None and len(column) != length:
            raise ValueError(f"columns of unequal length in {series.key}")
    reason = _key_fault(series.key)
    if reason is not None:
        yield from ((row, reason) for row in range(length))
        return
    if length == 0 or (
        min(series.time_ms) >= -MAX_TIME_MS
        and max(series.time_ms) <= MAX_TIME_MS
        and _all_finite(series.value)
        and (series.raw is None or _all_finite(series.raw))
    ):
        return
    for row, time_ms in enumerate(series.time_ms):
        if not -MAX_TIME_MS <= time_ms <= MAX_TIME_MS:
            yield row, f"time {time_ms} ms is beyond what InfluxDB keeps"
            continue
        for name, numbers in (("value", series.value), ("raw", series.raw)):
            number = numbers[row] if numbers is not None else None
            if number is not None and not isfinite(number):
                yield row, f"{name} is {number!r}"
                break


@lru_cache(maxsize=100_000)
def _key_fault(key: SeriesKey) -> str | None:
    return next((reason for name in key if (reason := name_fault(name)) is not None), None)


def _all_finite(column: list[float | None]) -> bool:
    """NaN and infinity both survive a sum. Large values may overflow to infinity too: then each is looked at."""
    try:
        return isfinite(sum(column if None not in column else filter(None, column)))  # type: ignore[arg-type]
    except OverflowError:
        return False

"""How history is thinned: the width of the buckets, the same for every store, and the thinning itself for the double."""

from collections.abc import Iterable

from store.points import History

MISSING = 9

_SECOND, _MINUTE, _HOUR, _DAY = 1_000, 60_000, 3_600_000, 86_400_000
# Widths that people know, each dividing a day or made of whole days: a window that moves on keeps its buckets.
_WIDTHS = (
    *(100, 200, 500, _SECOND, 2 * _SECOND, 5 * _SECOND, 10 * _SECOND, 15 * _SECOND, 20 * _SECOND, 30 * _SECOND),
    *(_MINUTE, 2 * _MINUTE, 3 * _MINUTE, 5 * _MINUTE, 10 * _MINUTE, 15 * _MINUTE, 20 * _MINUTE, 30 * _MINUTE),
    *(_HOUR, 2 * _HOUR, 3 * _HOUR, 4 * _HOUR, 6 * _HOUR, 8 * _HOUR, 12 * _HOUR),
    *(_DAY, 2 * _DAY, 5 * _DAY, 10 * _DAY, 30 * _DAY, 90 * _DAY, 365 * _DAY),
)


def bucket_width_ms(start_ms: int, end_ms: int, most: int) -> int:
    """The narrowest width with which this span makes at most `most` buckets (one more where the ends are cut)."""
    wanted = (end_ms - start_ms) / max(most, 1)
    for width in _WIDTHS:
        if width >= wanted:
            return width
    return -(-int(wanted) // _DAY) * _DAY


Row = tuple[int, float | None, int]
"""Time, value, flag."""


def plain(rows: Iterable[Row]) -> History:
    """History that needs no thinning."""
    out = History([], [], [], [], [], 0)
    for time_ms, value, flag in rows:
        out.time_ms.append(time_ms)
        out.value.append(value)
        out.flag.append(flag)
    out.low.extend(out.value)
    out.high.extend(out.value)
    return out


def thin(rows: Iterable[Row], width_ms: int) -> History:
    """Rows in order of time as buckets that start at whole multiples of the width since 1970."""
    buckets: dict[int, list[Row]] = {}
    for row in rows:
        buckets.setdefault(row[0] - row[0] % width_ms, []).append(row)
    out = History([], [], [], [], [], width_ms)
    for start_ms, inside in buckets.items():
        values = [value for _, value, _ in inside if value is not None]
        out.time_ms.append(start_ms)
        out.value.append(sum(values) / len(values) if values else None)
        out.low.append(min(values, default=None))
        out.high.append(max(values, default=None))
        out.flag.append(max((flag for _, _, flag in inside if flag != MISSING), default=MISSING))
    return out

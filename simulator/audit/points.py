"""Reads every point of a series, however many there are, through the reader that thins what is too much."""

from store.points import PointReader, SeriesKey

_MOST = 20_000
"""Points asked for at once."""

Stored = dict[int, tuple[float | None, int]]
"""Value and flag by time."""


async def read_points(reader: PointReader, key: SeriesKey, start_ms: int, end_ms: int) -> Stored:
    """Every point with start <= time < end. Raises StoreError."""
    out: Stored = {}
    spans = [(start_ms, end_ms)]
    while spans:
        first, last = spans.pop()
        history = await reader.history(key, first, last, _MOST)
        if history.bucket_ms:
            middle = (first + last) // 2
            spans += [(middle, last), (first, middle)]
            continue
        for time_ms, value, flag in zip(history.time_ms, history.value, history.flag, strict=True):
            out[time_ms] = (value, flag)
    return out


def same(left: float, right: float) -> bool:
    """Whether two values are the same but for the last digit of their writing."""
    return abs(left - right) <= 1e-9 * max(1.0, abs(left), abs(right))

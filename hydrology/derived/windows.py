"""A rate of change and a mean over a window of readings that ends at a time. Pure.

Rows are (time in ms, value, flag), rising in time, with a value that did not fail.
"""

from collections.abc import Sequence
from itertools import pairwise

from hydrology.derived.model import Value

Row = tuple[int, float, int]


def part_ms(window_ms: int) -> int:
    """The first and the last sixth of a window, whose means a rate is taken between: a level's noise is a volume's, and would
    be the inflow's."""
    return window_ms // 6


def rate(first: Sequence[Row], last: Sequence[Row], time_ms: int) -> Value | None:
    """The change a second between the means of a window's first and last part; None where one of them has no reading."""
    if not first or not last:
        return None
    (t1, v1), (t2, v2) = (
        (sum(row[0] - time_ms for row in rows) / len(rows), sum(row[1] for row in rows) / len(rows))
        for rows in (first, last)
    )
    return (v2 - v1) / (t2 - t1) * 1000, max(row[2] for row in (*first, *last))


def mean(rows: Sequence[Row], time_ms: int, window_ms: int, gap_ms: int) -> Value | None:
    """The mean over the window, linear between readings; None where two are further apart than `gap_ms`. `rows` are of the
    window and of `gap_ms` before it."""
    start_ms = time_ms - window_ms
    if not rows or rows[0][0] - start_ms > gap_ms or time_ms - rows[-1][0] > gap_ms:
        return None
    held = [(start_ms, rows[0][1], 0)] if rows[0][0] > start_ms else []
    points = [*held, *rows, (time_ms, rows[-1][1], 0)]
    total, worst = 0.0, max(rows[0][2], rows[-1][2])
    for (t1, v1, f1), (t2, v2, f2) in pairwise(points):
        if t2 <= start_ms:
            continue
        if t2 - t1 > gap_ms:
            return None
        if t1 < start_ms:
            v1 += (v2 - v1) * (start_ms - t1) / (t2 - t1)
            t1 = start_ms
        total += (v1 + v2) / 2 * (t2 - t1)
        worst = max(worst, f1, f2)
    return total / window_ms, worst

"""What a line costs: encoding, compressing, checking. `python benchmarks/store_lines.py [lines]`."""

import sys
import time
from collections.abc import Callable
from functools import partial
from statistics import median

from store.checks import check
from store.influx_http import gzip
from store.lines import encode
from store.points import Points, SeriesKey, SeriesPoints

ROUNDS = 15
POINTS_A_SERIES = 10
T0 = 1_795_392_000_000


def batch(lines: int, *, full: bool) -> list[Points]:
    """Points as a writer gets them: a few of each of many series; `full` with raw, tests and missing values."""
    out: list[Points] = []
    for n in range(lines // POINTS_A_SERIES):
        times = [T0 + 60_000 * row for row in range(POINTS_A_SERIES)]
        values: list[float | None] = [round(1.5 + (n * 7 + row * 13) % 997 / 1000, 3) for row in range(POINTS_A_SERIES)]
        key = SeriesKey("level", f"station-{n % 500}", "radar")
        if full:
            values[3] = None
            raw: list[float | None] = [None if value is None else value + 0.5 for value in values]
            flags = [9 if value is None else 3 for value in values]
            out.append(SeriesPoints(key, times, values, flags, raw=raw, tests=[4] * POINTS_A_SERIES))
        else:
            out.append(SeriesPoints(key, times, values, [1] * POINTS_A_SERIES))
    return out


def whole(points: list[Points]) -> bytes:
    return "\n".join(encode(points)).encode()


def cost_us(work: Callable[[], object], lines: int) -> float:
    """The median over the rounds, µs of processor time a line."""
    took = []
    for _ in range(ROUNDS):
        started = time.process_time()
        work()
        took.append(time.process_time() - started)
    return median(took) * 1e6 / lines


def main() -> None:
    lines = int(sys.argv[1]) if len(sys.argv) > 1 else 50_000
    for name, points in (
        ("value and flag", batch(lines, full=False)),
        ("raw, tests, missing", batch(lines, full=True)),
    ):
        body = whole(points)
        packed = gzip(body)
        print(f"{name}, {lines} lines of {len(body) / lines:.0f} B, {len(packed) / lines:.1f} B compressed; µs a line:")
        steps: dict[str, Callable[[], object]] = {
            "check": partial(check, points),
            "encode": partial(encode, points),
            "encode and join": partial(whole, points),
            "gzip": partial(gzip, body),
        }
        for step, work in steps.items():
            print(f"  {step:16} {cost_us(work, lines):.3f}")


if __name__ == "__main__":
    main()

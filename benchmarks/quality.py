"""Cost of the streaming quality engine, in µs a reading: `python -m benchmarks.quality`.

Target: at most 1.5 µs for range, rate and flat line, on a series that moves like a canal (noise of a few millimetres on a
daily wave, 1 mm resolution). The best of several rounds is the figure: the others measure the machine's other guests.
"""

import random
from math import pi, sin
from time import perf_counter

from hydrology.quality import Attenuated, Flat, Rules, Season, SeriesJudge, Spike

READINGS = 100_000
ROUNDS = 7
TARGET_US = 1.5

THREE = Rules(
    fail_span=(-0.5, 10.0),
    suspect_span=(0.0, 5.0),
    rate_per_s=0.1005 / 600,
    flat=Flat(tolerance=0.00101, suspect_s=6 * 3600, fail_s=24 * 3600),
)
ALL = Rules(
    gap_s=3600,
    fail_span=(-0.5, 10.0),
    suspect_span=(0.0, 5.0),
    rate_per_s=0.1005 / 600,
    flat=Flat(tolerance=0.00101, suspect_s=6 * 3600, fail_s=24 * 3600),
    spike=Spike(0.1005, 0.2005),
    seasons=(Season(1, 12, (0.0, 5.0)),),
    attenuated=Attenuated(6 * 3600, 0.003, 0.001, 12),
)


def canal(noise_m: float) -> list[float]:
    draw = random.Random(7)
    return [round(2 + 0.2 * sin(2 * pi * i / 96) + draw.gauss(0, noise_m), 3) for i in range(READINGS)]


def cost_us(rules: Rules, values: list[float]) -> float:
    best = float("inf")
    times = range(0, READINGS * 900_000, 900_000)
    for _ in range(ROUNDS):
        judge = SeriesJudge(rules).judge
        start = perf_counter()
        for t, value in zip(times, values, strict=True):
            judge(t, value)
        best = min(best, perf_counter() - start)
    return best / READINGS * 1e6


def main() -> None:
    still = [2.0] * READINGS
    three = cost_us(THREE, canal(0.004))
    print(f"range + rate + flat, moving canal:  {three:.2f} µs/reading (target {TARGET_US})")
    print(f"range + rate + flat, noise 1 mm:    {cost_us(THREE, canal(0.001)):.2f} µs/reading")
    print(f"range + rate + flat, still water:   {cost_us(THREE, still):.2f} µs/reading")
    print(f"all tests of one series:            {cost_us(ALL, canal(0.004)):.2f} µs/reading")


if __name__ == "__main__":
    main()

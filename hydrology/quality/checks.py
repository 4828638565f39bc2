"""QARTOD's tests on columns, each the flag of reading `i` of sorted times (ms) and values (NaN where missing).

These are the definitions: the streaming engine gives the same flags (a property test holds them together). Rules from
IOOS's Manual for Real-Time Quality Control of Water Level Data v2.1, read. ioos_qc 3.0.0 agrees on its executable vectors,
and is on purpose not followed in these:

- gap: the manual's 9, not 4; the first reading is 2, not a copy of the second's flag.
- climatology: a missing value is 9, in a season or out of it (ioos_qc: 1 with `period`).
- flat line: by duration, not by a count of readings, so two equal readings two hours apart are flat for two hours; a
  missing value breaks the run; tolerance 0 means equal.
- rate of change: the first reading, and the one after a missing value, are 2, not 1; the same time twice is the time
  test's business, not a division by zero.
- attenuated: fewer than the minimum of readings is 2, never a fail.
- a spike limit cannot be 0 (there that silently switches the test off); None does.
- a future time fails from +5 min on, not at once.
"""

from collections.abc import Sequence
from math import sqrt

from hydrology.quality.rules import Attenuated, Counter, Flat, Season, Span, Spike
from hydrology.sensors import counter_step

Times = Sequence[int]
Values = Sequence[float]


def range_flag(value: float, fail: Span | None, suspect: Span | None) -> int:
    """Gross range: outside `fail` 4, outside `suspect` 3, else 1; 2 without spans. The ends belong to the span."""
    if value != value:
        return 9
    if fail is not None and not fail[0] <= value <= fail[1]:
        return 4
    if suspect is not None and not suspect[0] <= value <= suspect[1]:
        return 3
    return 2 if fail is None and suspect is None else 1


def season_flag(value: float, season: Season | None) -> int:
    """Climatology of the season that the time falls in; 2 outside all seasons."""
    if value != value:
        return 9
    return 2 if season is None else range_flag(value, season.fail, season.suspect)


def gap_flag(t: Times, i: int, gap_ms: float) -> int:
    """9 where more than `gap_ms` passed since the reading before, which may itself be a missing value."""
    if i == 0:
        return 2
    return 9 if t[i] - t[i - 1] > gap_ms else 1


def rate_flag(t: Times, v: Values, i: int, limit_per_ms: float) -> int:
    """3 where the step from the reading before is steeper than the limit."""
    if v[i] != v[i]:
        return 9
    if i == 0 or v[i - 1] != v[i - 1]:
        return 2
    return 3 if abs(v[i] - v[i - 1]) > limit_per_ms * (t[i] - t[i - 1]) else 1


def spike_flag(v: Values, i: int, rule: Spike) -> int:
    """The spike test, which needs the readings on both sides; 2 without them."""
    if v[i] != v[i]:
        return 9
    if i == 0 or i + 1 == len(v):
        return 2
    before, after = v[i] - v[i - 1], v[i + 1] - v[i]
    if before != before or after != after:
        return 2
    if rule.differential:
        height = min(abs(before), abs(after)) if before * after < 0 else 0.0
    else:
        height = abs(v[i] - (v[i - 1] + v[i + 1]) / 2)
    return 4 if height > rule.fail else 3 if height > rule.suspect else 1


def flat_run_start(t: Times, v: Values, i: int, tolerance: float, enough_ms: float) -> tuple[int, float, float]:
    """Index where the run of readings within `tolerance` that ends at `i` starts, and its lowest and highest value.

    Looks no further back than `enough_ms`.
    """
    start, low, high = i, v[i], v[i]
    for j in range(i - 1, -1, -1):
        x = v[j]
        if x != x:
            break
        new_low, new_high = (x, high) if x < low else (low, x) if x > high else (low, high)
        if new_high - new_low > tolerance:
            break
        start, low, high = j, new_low, new_high
        if t[i] - t[j] >= enough_ms:
            break
    return start, low, high


def flat_flag(t: Times, v: Values, i: int, rule: Flat, enough_ms: float) -> int:
    """Flat line by duration."""
    if v[i] != v[i]:
        return 9
    start, _, _ = flat_run_start(t, v, i, rule.tolerance, enough_ms)
    age = t[i] - t[start]
    return 4 if age >= rule.fail_s * 1000 else 3 if age >= rule.suspect_s * 1000 else 1


def attenuated_flag(t: Times, v: Values, i: int, rule: Attenuated) -> int:
    """Too little movement in the window (t - window, t]."""
    if v[i] != v[i]:
        return 9
    since = t[i] - rule.window_s * 1000
    window: list[float] = []
    j = i
    while j >= 0 and t[j] > since:
        if v[j] == v[j]:
            window.append(v[j])
        j -= 1
    if len(window) < rule.min_readings:
        return 2
    if rule.standard_deviation:
        mean = sum(window) / len(window)
        spread = sqrt(sum((x - mean) ** 2 for x in window) / len(window))
    else:
        spread = max(window) - min(window)
    return 4 if spread < rule.fail else 3 if spread < rule.suspect else 1


def counter_flag(t: Times, v: Values, i: int, rule: Counter) -> int:
    """3 for a reset, and for a step faster than the counter can go; a plausible rollover passes."""
    if v[i] != v[i]:
        return 9
    if i == 0 or v[i - 1] != v[i - 1]:
        return 2
    most = rule.max_per_s * (t[i] - t[i - 1]) / 1000
    step = counter_step(v[i - 1], v[i], rule.modulus, max_counts=most)
    return 3 if step.event == "reset" or step.counts > most else 1

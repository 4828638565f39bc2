"""Rate of rise with its spread, and time to a threshold: the persistence of a trend, not a forecast."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import inf, sqrt
from statistics import NormalDist, median

MAX_POINTS = 200
"""Slopes grow with the square: 200 readings are 20,000 slopes; a 3 h window at a minute has 180."""
HORIZON_H = 24.0
LABEL = "persistence of trend, not a forecast"


@dataclass(frozen=True, slots=True)
class Trend:
    """Slope in units an hour with a 95 % interval, over `readings` readings; the bounds are equal for two."""

    slope_per_h: float
    low_per_h: float
    high_per_h: float
    readings: int

    @property
    def falls(self) -> bool:
        """Whether the whole interval is below nothing."""
        return self.high_per_h < 0

    @property
    def rises(self) -> bool:
        """Whether the whole interval is above nothing."""
        return self.low_per_h > 0


def theil_sen(times_s: Sequence[float], values: Sequence[float], confidence: float = 0.95) -> Trend:
    """The median of all pairwise slopes (one spike does not move it), with Sen's interval (as SciPy's theilslopes).

    Raises ValueError for fewer than two different times, unequal lengths, or more than 200 readings.
    """
    n = len(times_s)
    if n != len(values) or n > MAX_POINTS:
        raise ValueError(f"times and values must match, at most {MAX_POINTS} of them")
    slopes = sorted(
        (values[j] - values[i]) / (times_s[j] - times_s[i]) * 3600
        for i in range(n)
        for j in range(i + 1, n)
        if times_s[j] != times_s[i]
    )
    if not slopes:
        raise ValueError("a trend needs two readings of different times")
    z = NormalDist().inv_cdf((1 + confidence) / 2)
    variance = (n * (n - 1) * (2 * n + 5) - _ties(times_s) - _ties(values)) / 18
    half = z * sqrt(max(variance, 0.0))
    low = max(round((len(slopes) - half) / 2) - 1, 0)
    high = min(round((len(slopes) + half) / 2), len(slopes) - 1)
    return Trend(median(slopes), slopes[low], slopes[high], n)


def _ties(values: Sequence[float]) -> float:
    counts: dict[float, int] = {}
    for value in values:
        counts[value] = counts.get(value, 0) + 1
    return sum(k * (k - 1) * (2 * k + 5) for k in counts.values() if k > 1)


@dataclass(frozen=True, slots=True)
class TimeToThreshold:
    """Hours to a threshold if the trend persists, with the interval's; None where it would not be within a day.

    `latest_h` None with `hours` given: by the slow bound it is not reached in a day. Already there: 0.
    """

    hours: float | None
    earliest_h: float | None
    latest_h: float | None
    label: str = LABEL


def time_to_threshold(
    level_m: float, threshold_m: float, trend: Trend, horizon_h: float = HORIZON_H
) -> TimeToThreshold:
    """`(T - h)/slope` for the slope and its bounds, capped at a horizon in hours."""
    if level_m >= threshold_m:
        return TimeToThreshold(0.0, 0.0, 0.0)

    def hours(slope: float) -> float | None:
        reached = (threshold_m - level_m) / slope if slope > 0 else inf
        return reached if reached <= horizon_h else None

    return TimeToThreshold(hours(trend.slope_per_h), hours(trend.high_per_h), hours(trend.low_per_h))

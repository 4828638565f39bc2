"""Local time of the water: days and hours as the operators there count them."""

from math import floor

DAY_S = 86_400.0
HOUR_S = 3_600.0
UTC_OFFSET_S = 5 * HOUR_S
"""Kazakhstan, the whole of it since 2024."""


def local_day(t: float) -> int:
    """The number of the local day since 1970."""
    return floor((t + UTC_OFFSET_S) / DAY_S)


def day_start(day: int) -> float:
    """When this local day begins."""
    return day * DAY_S - UTC_OFFSET_S


def local_hour(t: float) -> float:
    """The local hour, 0 <= hour < 24."""
    return ((t + UTC_OFFSET_S) % DAY_S) / HOUR_S

"""A second series that explains or contradicts the judged one: a gate's position, an upstream level, a neighbour.

Readings may come in any order; what a companion answers depends only on the readings that it holds.
"""

from array import array
from bisect import bisect_left, bisect_right

DEFAULT_CAPACITY = 256
"""Readings kept: ten times what the settling of a gate or a neighbour's age needs."""


class Companion:
    """The last readings of a companion, sorted by time; values without a number are not kept."""

    __slots__ = ("_capacity", "_times", "_values")

    def __init__(self, capacity: int = DEFAULT_CAPACITY) -> None:
        self._capacity = capacity
        self._times = array("q")
        self._values = array("d")

    def add(self, t_ms: int, value: float | None) -> bool:
        """Keep a reading, replacing one of the same time; whether something changed.

        The caller then lets the judged series look again (`SeriesJudge.recheck`).
        """
        if value is None or value != value:
            return False
        at = bisect_left(self._times, t_ms)
        if at < len(self._times) and self._times[at] == t_ms:
            if self._values[at] == value:
                return False
            self._values[at] = value
            return True
        self._times.insert(at, t_ms)
        self._values.insert(at, value)
        if len(self._times) > self._capacity:
            del self._times[0], self._values[0]
        return True

    def take(self, other: "Companion") -> None:
        """Hold what the other one holds."""
        self._times, self._values = other._times[:], other._values[:]

    def moved(self, since_ms: int, until_ms: int, threshold: float) -> bool:
        """Whether a step of more than `threshold` ended in the closed interval."""
        first = max(bisect_left(self._times, since_ms), 1)
        last = bisect_right(self._times, until_ms)
        values = self._values
        return any(abs(values[i] - values[i - 1]) > threshold for i in range(first, last))

    def at(self, t_ms: int, max_age_ms: float) -> float | None:
        """The last value at or before a time, None if it is older than `max_age_ms`."""
        at = bisect_right(self._times, t_ms) - 1
        if at < 0 or t_ms - self._times[at] > max_age_ms:
            return None
        return self._values[at]

"""Spares a shared line the devices that do not answer. Pure."""

OPENS_AFTER = 3
"""Failed scans in a row. Two can be one disturbance that hits two scans."""
SHARE = 0.1
"""The part of the line's time that a dead device may cost."""
LONGEST_S = 300.0
"""A device that comes back is noticed within this time, or its own interval."""


class Breaker:
    """Lets a device be tried while it answers; when it does not, only now and then."""

    def __init__(self, cost_s: float) -> None:
        """`cost_s` is how long a try of a dead device holds the line."""
        self._pause_s = min(cost_s / SHARE, LONGEST_S)
        self._failures = 0
        self._tried_s = 0.0

    @property
    def is_open(self) -> bool:
        """Whether the device is taken for dead."""
        return self._failures >= OPENS_AFTER

    def allows(self, now_s: float) -> bool:
        """Whether the device may be tried now."""
        return not self.is_open or now_s - self._tried_s >= self._pause_s

    def tried(self, now_s: float, answered: bool) -> None:
        """Tell how a try went."""
        self._tried_s = now_s
        self._failures = 0 if answered else self._failures + 1

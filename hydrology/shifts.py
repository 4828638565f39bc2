"""Dated shifts of a rating: which shift holds at a time. Which rating holds: `hydrology.registry.flow_history`.

A shift adds to the stage, depends on the stage through up to three points, and changes linearly in time between two
dated curves (USGS practice).
"""

from bisect import bisect_right
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise

MAX_POINTS = 3


def _aware(when: datetime) -> datetime:
    if when.tzinfo is None:
        raise ValueError(f"{when} has no time zone")
    return when


@dataclass(frozen=True, slots=True)
class ShiftCurve:
    """The shift by stage from a date on: up to three points (stage m, shift m), linear between, held outside.

    No points mean no shift: the curve that ends one. Raises ValueError for a naive time or stages that do not rise.
    """

    effective: datetime
    points: tuple[tuple[float, float], ...] = ()

    def __post_init__(self) -> None:
        _aware(self.effective)
        if len(self.points) > MAX_POINTS:
            raise ValueError(f"a shift curve has at most {MAX_POINTS} points")
        if any(b[0] <= a[0] for a, b in pairwise(self.points)):
            raise ValueError("a shift curve's stages must rise")

    def at_stage(self, stage_m: float) -> float:
        """The shift in m at a stage."""
        if not self.points:
            return 0.0
        at = bisect_right(self.points, (stage_m, float("inf")))
        if at == 0:
            return self.points[0][1]
        if at == len(self.points):
            return self.points[-1][1]
        (h1, s1), (h2, s2) = self.points[at - 1], self.points[at]
        return s1 + (s2 - s1) * (stage_m - h1) / (h2 - h1)


@dataclass(frozen=True, slots=True)
class Shifts:
    """Dated shift curves, rising in time: none before the first, linear in time between two, the last one holds."""

    curves: tuple[ShiftCurve, ...] = ()

    def __post_init__(self) -> None:
        if any(b.effective <= a.effective for a, b in pairwise(self.curves)):
            raise ValueError("shift curves must rise in time, one for each date")

    def at(self, when: datetime, stage_m: float) -> float:
        """The shift in m at a time and stage."""
        at = bisect_right([curve.effective for curve in self.curves], _aware(when))
        if at == 0:
            return 0.0
        before = self.curves[at - 1]
        if at == len(self.curves):
            return before.at_stage(stage_m)
        after = self.curves[at]
        share = (when - before.effective) / (after.effective - before.effective)
        return before.at_stage(stage_m) * (1 - share) + after.at_stage(stage_m) * share

"""Dated shifts and the history of ratings: which rating, and which shift, holds at a time.

A shift adds to the stage, depends on the stage through up to three points, and changes linearly in time between two
dated curves (USGS practice).
"""

from bisect import bisect_right
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise

from hydrology.rating import Rating
from hydrology.structures.answer import Discharge, no_answer

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


_NO_SHIFTS = Shifts()


@dataclass(frozen=True, slots=True)
class DatedRating:
    """A rating in force from a time on, to another (exclusive) or until the next one; with its own shifts."""

    effective_from: datetime
    rating: Rating
    effective_to: datetime | None = None
    shifts: Shifts = _NO_SHIFTS

    def __post_init__(self) -> None:
        _aware(self.effective_from)
        if self.effective_to is not None and _aware(self.effective_to) <= self.effective_from:
            raise ValueError("a rating must end after it begins")


class RatingHistory:
    """All ratings of a station, by time. Raises ValueError for two that begin at the same time."""

    __slots__ = ("_ratings", "_starts")

    def __init__(self, ratings: Iterable[DatedRating]) -> None:
        self._ratings = sorted(ratings, key=lambda dated: dated.effective_from)
        self._starts = [dated.effective_from for dated in self._ratings]
        if len(set(self._starts)) != len(self._starts):
            raise ValueError("two ratings begin at the same time")

    def in_force(self, when: datetime) -> DatedRating | None:
        """The rating in force at a time: the latest that has begun, unless it has ended."""
        at = bisect_right(self._starts, _aware(when)) - 1
        if at < 0:
            return None
        dated = self._ratings[at]
        ended = dated.effective_to is not None and when >= dated.effective_to
        return None if ended else dated

    def discharge(self, when: datetime, stage_m: float | None, *, ice: bool = False) -> Discharge:
        """The judged answer at a time and stage; flag 4 and no value where no rating is in force."""
        dated = self.in_force(when)
        if dated is None:
            return no_answer("no rating", "rating history", f"no rating is in force at {when.isoformat()}")
        shift = 0.0 if stage_m is None else dated.shifts.at(when, stage_m)
        return dated.rating.discharge(stage_m, shift_m=shift, ice=ice)

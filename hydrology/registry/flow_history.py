"""All ratings of one discharge series, by time: which holds, with which shift, and the discharge that comes of it."""

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from zoneinfo import ZoneInfo

from hydrology.registry.base import moment
from hydrology.registry.ratings import Rating
from hydrology.registry.structures import Heads, Law
from hydrology.shifts import ShiftCurve, Shifts
from hydrology.structures.answer import Discharge, no_answer


@dataclass(frozen=True, slots=True)
class DatedRating:
    """A rating of the registry with its times in UTC and its shifts."""

    rating: Rating
    begins: datetime
    ends: datetime | None
    shifts: Shifts

    def shift_m(self, when: datetime, stage_m: float | None) -> float:
        """The shift in m at a time and stage."""
        return 0.0 if stage_m is None else self.shifts.at(when, stage_m)


class FlowHistory:
    """The ratings of one discharge series of a station. `zone` is where its dates are local.

    Raises ValueError for two ratings, or two shifts of one, that begin at the same time, or one that ends before it begins.
    """

    __slots__ = ("_begins", "_built", "_zone", "ratings")

    def __init__(self, ratings: Sequence[Rating], zone: str) -> None:
        self._zone = ZoneInfo(zone)
        dated = []
        for one in ratings:
            begins = moment(one.effective_from, zone)
            ends = None if one.effective_to is None else moment(one.effective_to, zone)
            if ends is not None and ends <= begins:
                raise ValueError(f"rating {one.name or begins.date()} ends before it begins")
            curves = sorted(
                (ShiftCurve(moment(shift.effective_from, zone), shift.points) for shift in one.shifts),
                key=lambda curve: curve.effective,
            )
            dated.append(DatedRating(one, begins, ends, Shifts(tuple(curves))))
        dated.sort(key=lambda rating: rating.begins)
        self.ratings = tuple(dated)
        self._built: dict[datetime, Law] = {}
        self._begins = [rating.begins for rating in dated]
        if len(set(self._begins)) != len(dated):
            raise ValueError("two ratings of one series begin at the same time")

    def in_force(self, when: datetime) -> DatedRating | None:
        """The rating in force at an aware time: the latest that has begun, unless it has ended."""
        at = bisect_right(self._begins, when) - 1
        if at < 0:
            return None
        dated = self.ratings[at]
        return None if dated.ends is not None and when >= dated.ends else dated

    def law(self, dated: DatedRating) -> Law:
        """The law of one of these ratings, built when it is first asked for."""
        found = self._built.get(dated.begins)
        if found is None:
            found = self._built[dated.begins] = dated.rating.law()
        return found

    def discharge(self, when: datetime, at: Heads) -> Discharge:
        """The judged discharge at a time. `at` holds levels above gauge zero; the shift and the crest are put on here.

        Flag 4 and no value where no rating is in force.
        """
        dated = self.in_force(when)
        if dated is None:
            return no_answer("no rating", "rating history", f"no rating is in force at {when.isoformat()}")
        shift = dated.shift_m(when, at.head_m)
        if shift and at.head_m is not None:
            at = replace(at, head_m=at.head_m + shift)
        answer = self.law(dated)(at)
        if shift:
            answer = replace(answer, source=f"{answer.source}, shift {shift:+.3f} m")
        if dated.rating.ice_months and when.astimezone(self._zone).month in dated.rating.ice_months:
            answer = answer.suspect("ICE: the rating of open water does not hold")
        return answer

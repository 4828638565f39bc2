"""Discharge from the rating or the structure in force at a reading's time."""

from bisect import bisect_right
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

from hydrology.derived.model import Answer, Method, Value, rounded
from hydrology.derived.times import ALWAYS_MS, NEVER_MS, instant, milliseconds, month_span
from hydrology.registry.flow_history import DatedRating, FlowHistory
from hydrology.registry.ratings import Rating
from hydrology.registry.structures import Heads
from hydrology.shifts import ShiftCurve
from hydrology.structures.answer import Discharge

ROLES = ("head", "tail", "opening", "velocity")
DIGITS = 6
"""A millilitre a second: far below any rating, and one value is one number whoever computes it."""


def roles(rating: Rating) -> tuple[str, ...]:
    """The inputs of a rating by role, the head first."""
    return ("head", *(role for role in ROLES[1:] if getattr(rating, role) is not None))


class RatingMethods:
    """The ratings of one discharge series that work on the same sensors. `zone` is where their dates are local."""

    def __init__(self, ratings: Iterable[Rating], mine: Iterable[Rating], zone: str) -> None:
        self._history = FlowHistory(tuple(ratings), zone)
        self._mine = tuple(mine)
        self._zone = ZoneInfo(zone)
        self._roles = roles(self._mine[0])
        self._last: Method | None = None
        self._none = (NEVER_MS, NEVER_MS)

    def at(self, time_ms: int) -> Method | None:
        """The method at a time."""
        last = self._last
        if last is not None and last.begin_ms <= time_ms < last.end_ms:
            return last
        if self._none[0] <= time_ms < self._none[1]:
            return None
        return self._find(time_ms)

    def _find(self, time_ms: int) -> Method | None:
        begin_ms, end_ms, dated = self._span(time_ms)
        if dated is None or all(dated.rating is not one for one in self._mine):
            self._none = (begin_ms, end_ms)
            return None
        answer: Answer = self._answer
        steady = True
        curves = dated.shifts.curves
        at = bisect_right([milliseconds(curve.effective) for curve in curves], time_ms)
        if at < len(curves):
            end_ms = min(end_ms, milliseconds(curves[at].effective))
        if at:
            begin_ms = max(begin_ms, milliseconds(curves[at - 1].effective))
        if 0 < at < len(curves):
            answer, steady = self._shifting(dated, curves[at - 1], curves[at]), False
        if dated.rating.ice_months:
            first, last = month_span(time_ms, self._zone)
            begin_ms, end_ms = max(begin_ms, first), min(end_ms, last)
        self._last = Method(begin_ms, end_ms, title(dated.rating), answer, steady)
        return self._last

    def _span(self, time_ms: int) -> tuple[int, int, DatedRating | None]:
        """The rating in force, and from when to when it is."""
        begin_ms, end_ms, found = ALWAYS_MS, NEVER_MS, None
        for dated in self._history.ratings:
            starts_ms = milliseconds(dated.begins)
            if starts_ms > time_ms:
                end_ms = min(end_ms, starts_ms)
                break
            begin_ms, end_ms, found = starts_ms, NEVER_MS, dated
            if dated.ends is not None:
                stops_ms = milliseconds(dated.ends)
                if stops_ms <= time_ms:
                    begin_ms, found = stops_ms, None
                else:
                    end_ms = stops_ms
        return begin_ms, end_ms, found

    def _ask(self, time_ms: int, values: tuple[float, ...]) -> Discharge:
        return self._history.discharge(instant(time_ms), self._heads(values))

    def _heads(self, values: tuple[float, ...]) -> Heads:
        if len(values) == 1:
            return Heads(values[0])
        return Heads(**{f"{role}_{_UNIT[role]}": value for role, value in zip(self._roles, values, strict=True)})

    def _answer(self, time_ms: int, values: tuple[float, ...]) -> tuple[Value, ...]:
        answer = self._ask(time_ms, values)
        return (rounded(answer.value_m3s, int(answer.flag), DIGITS),)

    def _shifting(self, dated: DatedRating, before: ShiftCurve, after: ShiftCurve) -> Answer:
        """What `FlowHistory.discharge` answers between two shift curves, without its calendar: at every reading it is new."""
        since_ms, law, ice_months = milliseconds(before.effective), self._history.law(dated), dated.rating.ice_months
        length_ms = milliseconds(after.effective) - since_ms

        def answer(time_ms: int, values: tuple[float, ...]) -> tuple[Value, ...]:
            share = (time_ms - since_ms) / length_ms
            stage_m = values[0]
            shift_m = before.at_stage(stage_m) * (1 - share) + after.at_stage(stage_m) * share
            found = law(self._heads((stage_m + shift_m, *values[1:])))
            if ice_months and instant(time_ms).astimezone(self._zone).month in ice_months:
                found = found.suspect("ICE")
            return (rounded(found.value_m3s, int(found.flag), DIGITS),)

        return answer

    def parameters(self) -> list[dict[str, Any]]:
        """Each rating with its dates."""
        out = []
        for dated in self._history.ratings:
            if any(dated.rating is one for one in self._mine):
                given = dated.rating.model_dump(mode="json", exclude_defaults=True)
                ends = None if dated.ends is None else dated.ends.astimezone(UTC).isoformat()
                begins = dated.begins.astimezone(UTC).isoformat()
                out.append({"title": title(dated.rating), "from": begins, "to": ends, "rating": given})
        return out

    def explain(self, time_ms: int, values: tuple[float, ...]) -> list[str]:
        """The answer in words."""
        answer = self._ask(time_ms, values)
        said = [f"{answer.source}; {answer.regime}"]
        if answer.uncertainty_pct is not None:
            said.append(f"uncertainty {answer.uncertainty_pct:.1f} % (95 %)")
        if answer.upper_bound:
            said.append("an upper bound: the true discharge is at most this")
        return [*said, *answer.notes]


_UNIT = {"head": "m", "tail": "m", "opening": "m", "velocity": "m_s"}


def title(rating: Rating) -> str:
    """What people call a rating."""
    kind = rating.structure.kind if rating.structure is not None else "table" if rating.table else "power rating"
    since = rating.effective_from
    day = since.date() if isinstance(since, datetime) else since
    return f"{rating.name or kind} ({kind}, from {day.isoformat()})"

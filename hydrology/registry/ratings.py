"""Ratings of a station as tables: dated laws from level to discharge (powers, a table, a structure) with dated shifts."""

from itertools import pairwise
from typing import Annotated, Self

from pydantic import Field, model_validator

from hydrology import rating as laws
from hydrology.registry.base import Effective, Number, Table
from hydrology.registry.limits import AboveZero, ErrorPct, Flow, PowerA, PowerB, ShiftM
from hydrology.registry.quality import Month
from hydrology.registry.structures import Heads, Law, Structure
from hydrology.structures.answer import Discharge
from settings.errors import FaultError
from wire.names import Id

Point = tuple[Number, Flow]


class Segment(Table):
    """`Q = a (h - e)^b` in m and m3/s from the stage `start_m` on, which the first segment does not need."""

    a: PowerA
    e_m: Number
    b: PowerB
    start_m: Number | None = None


class Shift(Table):
    """A dated shift curve: up to three points (stage m, shift m); none ends a shift."""

    effective_from: Effective
    points: Annotated[tuple[tuple[Number, ShiftM], ...], Field(max_length=3)] = ()

    @model_validator(mode="after")
    def _rising(self) -> Self:
        stages = [stage for stage, _ in self.points]
        if any(b <= a for a, b in pairwise(stages)):
            raise ValueError("a shift's points must rise in stage")
        return self


class Rating(Table):
    """How a discharge comes from levels, from a date on: exactly one of `segments`, `table` and `structure`.

    `head`, `tail`, `opening`, `velocity` name sensors of the station; a stage is a level above gauge zero, a structure's
    head is the stage less `crest_m`. `discharge` is the id of the series that comes out. It holds until `effective_to`
    or the next rating of the same series. In `ice_months` the answer is suspect.
    """

    name: str = ""
    effective_from: Effective
    effective_to: Effective | None = None
    discharge: Id = "discharge"
    head: Id | None = None
    tail: Id | None = None
    opening: Id | None = None
    velocity: Id | None = None
    crest_m: AboveZero = 0.0
    segments: tuple[Segment, ...] = ()
    table: tuple[Point, ...] = ()
    no_flow_m: Number | None = None
    structure: Structure | None = None
    low_m: Number | None = None
    high_m: Number | None = None
    max_gauged_m3s: Annotated[Flow, Field(gt=0)] | None = None
    standard_error_pct: ErrorPct | None = None
    shifts: tuple[Shift, ...] = ()
    ice_months: tuple[Month, ...] = ()

    @model_validator(mode="after")
    def _one_law(self) -> Self:
        given = [name for name in ("segments", "table", "structure") if getattr(self, name)]
        if len(given) != 1:
            raise ValueError(f"give one of segments, table, structure (there is {' and '.join(given) or 'none'})")
        if self.structure is not None:
            wrong = [
                key for key in ("low_m", "high_m", "max_gauged_m3s", "no_flow_m") if getattr(self, key) is not None
            ]
            if wrong:
                raise ValueError(f"{wrong[0]} belongs to segments or a table: a structure has its own range")
        elif self.crest_m or self.tail or self.opening or self.velocity:
            raise ValueError("crest_m, tail, opening and velocity belong to a structure")
        if self.no_flow_m is not None and not self.table:
            raise ValueError("no_flow_m belongs to a table; a segment has e_m")
        if self.low_m is not None and self.high_m is not None and self.low_m >= self.high_m:
            raise FaultError((("high_m",), f"must be above low_m, {self.low_m:g}"))
        try:
            self.law()
        except ValueError as error:
            raise FaultError(((given[0],), str(error))) from error
        return self

    @property
    def has_opening(self) -> bool:
        """Whether the flow depends on a gate's opening."""
        return self.structure is not None and self.structure.has_opening

    def stage_rating(self) -> laws.Rating | None:
        """The rating by stage alone, None for a structure. Raises ValueError."""
        if self.structure is not None:
            return None
        error = self.standard_error_pct
        quality = laws.Quality(
            float("-inf") if self.low_m is None else self.low_m,
            float("inf") if self.high_m is None else self.high_m,
            self.max_gauged_m3s,
            None if error is None else error / 100,
        )
        if self.table:
            return laws.TableRating.from_rows(self.table, self.no_flow_m, quality, self.name)
        parts = []
        for place, part in enumerate(self.segments):
            if place and part.start_m is None:
                raise ValueError(f"segment {place + 1} needs start_m, the stage from which it holds")
            start = float("-inf") if part.start_m is None else part.start_m
            parts.append(laws.Segment(part.a, part.e_m, part.b, start))
        return laws.PowerRating(tuple(parts), quality, self.name)

    def law(self) -> Law:
        """Stages (levels above gauge zero, already shifted) and opening in, discharge out. Raises ValueError."""
        by_stage = self.stage_rating()
        if by_stage is not None:
            return lambda at: by_stage.discharge(at.head_m)
        assert self.structure is not None
        law, crest = self.structure.law(), self.crest_m

        def discharge(at: Heads) -> Discharge:
            head = None if at.head_m is None else at.head_m - crest
            tail = None if at.tail_m is None else at.tail_m - crest
            return law(Heads(head, tail, at.opening_m, at.velocity_m_s))

        return discharge

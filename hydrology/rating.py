"""Stage-discharge ratings: segmented powers and tables with log interpolation. Stages in m, flow in m3/s.

After ISO 18320 and WMO-1044 (not readable here) and USGS practice; the vectors are cross-checked numbers.
"""

from bisect import bisect_right
from dataclasses import dataclass, replace
from itertools import pairwise
from math import isfinite, log
from typing import Protocol

from hydrology.structures.answer import Discharge, HeadRange, check_positive, judged, missing, no_answer

EXTRAPOLATION = 1.5
"""Flow over the largest gauged flow from which an answer is marked EXTRAP."""
DEPTHS = HeadRange(-30.0, 100.0)
"""Stages above that of no flow that can be (our rule): no river is deeper, and no pool below its control."""
UNSTATED_M = 20.0
"""So high above the stage of no flow a rating that says no range is doubted (our rule): 85 m are 85 cm."""
MAX_STEP = 0.01
"""Relative step between two segments above which a rating is refused."""


@dataclass(frozen=True, slots=True)
class Quality:
    """What bounds a rating's answers: stages it was made for, the largest gauged flow, standard error of ln Q."""

    low_m: float = float("-inf")
    high_m: float = float("inf")
    max_gauged_m3s: float | None = None
    standard_error_ln: float | None = None

    def answer(self, stage_m: float, above_m: float, flow_m3s: float, source: str, ice: bool) -> Discharge:
        """The flow with the flags and notes that its stage and size deserve; no uncertainty where there is a note."""
        notes: tuple[str, ...] = ()
        if stage_m < self.low_m:
            notes += (f"below rated range: stage {stage_m:.3f} m, rated from {self.low_m:.3f} m",)
        if stage_m > self.high_m:
            notes += (f"extrapolated: stage {stage_m:.3f} m, rated to {self.high_m:.3f} m",)
        if above_m > UNSTATED_M and self.high_m == float("inf") and self.max_gauged_m3s is None:
            notes += (
                f"{above_m:.4g} m above the stage of no flow, and the rating does not say to where it holds (high_m)",
            )
        if self.max_gauged_m3s is not None and flow_m3s > EXTRAPOLATION * self.max_gauged_m3s:
            notes += (f"EXTRAP: {flow_m3s / self.max_gauged_m3s:.1f} times the largest gauged flow",)
        if ice:
            notes += ("ICE: the rating of open water does not hold",)
        spread = None if self.standard_error_ln is None else 200 * self.standard_error_ln
        regime = "no flow" if flow_m3s == 0 else "rated"
        return judged(flow_m3s, regime, spread, source, notes)


_UNBOUNDED = Quality()


class Rating(Protocol):
    """A rating: flow at a stage, and the stage of a flow."""

    def flow_m3s(self, stage_m: float) -> float:
        """Flow in m3/s at an effective stage, without judging it."""
        ...

    def stage_m(self, flow_m3s: float) -> float:
        """The stage in m of a positive flow; the inverse of `flow_m3s`."""
        ...

    def discharge(self, stage_m: float | None, *, shift_m: float = 0.0, ice: bool = False) -> Discharge:
        """The judged answer at a stage with a shift."""
        ...


def _judge(
    rating: Rating, quality: Quality, stage_m: float | None, shift_m: float, ice: bool, source: str
) -> Discharge:
    if stage_m is None or not isfinite(stage_m):
        return missing(source)
    effective = stage_m + shift_m
    named = f"{source}, shift {shift_m:+.3f} m" if shift_m else source
    above_m = effective - rating.stage_m(0.0)
    if not DEPTHS.low_m <= above_m <= DEPTHS.high_m:
        where = f"{abs(above_m):.4g} m {'above' if above_m > 0 else 'below'} the stage of no flow"
        note = f"outside the rated range: flagged, not guessed. The stage is {where}: look at its unit and its zero"
        return no_answer("impossible stage", named, note)
    return quality.answer(effective, above_m, rating.flow_m3s(effective), named, ice)


@dataclass(frozen=True, slots=True)
class Segment:
    """`Q = a (h - e)^b` from the stage `start_m` on (the first segment's start is not used)."""

    a: float
    e_m: float
    b: float
    start_m: float = float("-inf")

    def flow_m3s(self, stage_m: float) -> float:
        """Flow in m3/s; 0 at and below e."""
        if stage_m <= self.e_m:
            return 0.0
        return float(self.a * (stage_m - self.e_m) ** self.b)

    def stage_m(self, flow_m3s: float) -> float:
        """Stage in m of a positive flow."""
        return float(self.e_m + (flow_m3s / self.a) ** (1 / self.b))


@dataclass(frozen=True, slots=True)
class PowerRating:
    """One to many segments, each in force from its start to the next one's; continuous at the breaks.

    The exponent tells the control: 1.3 to 1.8 a channel, 1.5 a section, 2.5 a V. Raises ValueError for starts that do
    not rise or a step of more than 1 % at a break.
    """

    segments: tuple[Segment, ...]
    quality: Quality = _UNBOUNDED
    name: str = ""

    def __post_init__(self) -> None:
        if not self.segments:
            raise ValueError("a rating needs at least one segment")
        for segment in self.segments:
            check_positive(a=segment.a, b=segment.b)
        for below, above in pairwise(self.segments):
            if not below.start_m < above.start_m or above.start_m <= above.e_m:
                raise ValueError("the segments' starts must rise and lie above their own e")
            step = self.step(below, above)
            if abs(step) > MAX_STEP:
                raise ValueError(f"the rating steps by {100 * step:.1f} % at {above.start_m:g} m")

    @staticmethod
    def step(below: Segment, above: Segment) -> float:
        """Relative step of the flow at the break between two segments."""
        before = below.flow_m3s(above.start_m)
        if before <= 0:
            return float("inf")
        return above.flow_m3s(above.start_m) / before - 1

    @property
    def source(self) -> str:
        """What the answers name."""
        return f"power rating {self.name}".rstrip()

    def segment(self, stage_m: float) -> Segment:
        """The segment in force at a stage."""
        at = bisect_right([segment.start_m for segment in self.segments[1:]], stage_m)
        return self.segments[at]

    def flow_m3s(self, stage_m: float) -> float:
        """Flow in m3/s at an effective stage."""
        return self.segment(stage_m).flow_m3s(stage_m)

    def stage_m(self, flow_m3s: float) -> float:
        """The stage in m of a flow; e for a flow at or below 0."""
        if flow_m3s <= 0:
            return self.segments[0].e_m
        for below, above in pairwise(self.segments):
            if flow_m3s < above.flow_m3s(above.start_m):
                return min(below.stage_m(flow_m3s), above.start_m)
        return self.segments[-1].stage_m(flow_m3s)

    def discharge(self, stage_m: float | None, *, shift_m: float = 0.0, ice: bool = False) -> Discharge:
        """The judged answer at a stage with a shift."""
        return _judge(self, self.quality, stage_m, shift_m, ice, self.source)


@dataclass(frozen=True, slots=True)
class TableRating:
    """A table of (stage m, flow m3/s), both rising, with ln Q linear in ln(h - e) between the rows.

    A first row with flow 0 is the e, not a point; otherwise give `e_m`, below the first row. Outside the rows the end
    power goes on and the answer is flagged. Raises ValueError for fewer than two points or rows that do not rise.
    """

    points: tuple[tuple[float, float], ...]
    e_m: float
    quality: Quality = _UNBOUNDED
    name: str = ""

    @classmethod
    def from_rows(
        cls,
        rows: tuple[tuple[float, float], ...],
        e_m: float | None = None,
        quality: Quality = _UNBOUNDED,
        name: str = "",
    ) -> "TableRating":
        """A table as printed. Without `e_m` the last row with flow 0 gives it."""
        dry = [stage for stage, flow in rows if flow == 0]
        points = tuple(row for row in rows if row[1] != 0)
        offset = e_m if e_m is not None else max(dry, default=None)
        if offset is None:
            raise ValueError("the table has no row with flow 0: give the stage of no flow")
        return cls(points, offset, quality, name)

    def __post_init__(self) -> None:
        if len(self.points) < 2:
            raise ValueError("a table needs two rows with flow")
        if self.points[0][0] <= self.e_m or self.points[0][1] <= 0:
            raise ValueError("the first row must lie above the stage of no flow, and carry flow")
        if any(b[0] <= a[0] or b[1] <= a[1] for a, b in pairwise(self.points)):
            raise ValueError("stages and flows must rise from row to row")
        low = max(self.quality.low_m, self.e_m)
        high = min(self.quality.high_m, self.points[-1][0])
        low = max(low, self.points[0][0]) if self.quality.low_m == float("-inf") else low
        object.__setattr__(self, "quality", replace(self.quality, low_m=low, high_m=high))

    @property
    def source(self) -> str:
        """What the answers name."""
        return f"table rating {self.name}".rstrip() + ", log interpolation"

    def _power(self, at: int) -> tuple[float, float]:
        """The flow of row `at` and the exponent of the power that joins it with the next row."""
        (h1, q1), (h2, q2) = self.points[at], self.points[at + 1]
        b = log(q2 / q1) / log((h2 - self.e_m) / (h1 - self.e_m))
        return q1, b

    def _segment(self, index: int) -> int:
        return min(max(index - 1, 0), len(self.points) - 2)

    def flow_m3s(self, stage_m: float) -> float:
        """Flow in m3/s at an effective stage; 0 at and below e."""
        if stage_m <= self.e_m:
            return 0.0
        at = self._segment(bisect_right(self.points, (stage_m, float("inf"))))
        q1, b = self._power(at)
        return float(q1 * ((stage_m - self.e_m) / (self.points[at][0] - self.e_m)) ** b)

    def stage_m(self, flow_m3s: float) -> float:
        """The stage in m of a flow; e for a flow at or below 0."""
        if flow_m3s <= 0:
            return self.e_m
        at = self._segment(bisect_right([flow for _, flow in self.points], flow_m3s))
        q1, b = self._power(at)
        return float(self.e_m + (self.points[at][0] - self.e_m) * (flow_m3s / q1) ** (1 / b))

    def discharge(self, stage_m: float | None, *, shift_m: float = 0.0, ice: bool = False) -> Discharge:
        """The judged answer at a stage with a shift."""
        return _judge(self, self.quality, stage_m, shift_m, ice, self.source)


def percent_difference(measured_m3s: float, rated_m3s: float) -> float:
    """`100 (Qm - Qr)/Qr`. Raises ValueError for a rated flow that is not positive."""
    check_positive(rated_m3s=rated_m3s)
    return 100 * (measured_m3s - rated_m3s) / rated_m3s


def implied_shift_m(rating: Rating, stage_m: float, measured_m3s: float) -> float:
    """The shift in m that a measurement at a stage asks for: the rating's stage of the measured flow, less the stage."""
    return rating.stage_m(measured_m3s) - stage_m


def shift_is_due(percent: float, measurement_uncertainty_pct: float = 5.0) -> bool:
    """Whether a measurement's difference is more than its own uncertainty (5 % good, 8 % fair, from memory)."""
    return abs(percent) > measurement_uncertainty_pct

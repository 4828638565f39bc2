"""Cross-sections of canals, Manning's equation, and discharge by index velocity."""

from bisect import bisect_right
from dataclasses import dataclass
from itertools import pairwise
from math import isfinite, sqrt
from typing import Protocol

from hydrology.structures.answer import Discharge, HeadRange, check_positive, judged, missing, no_answer, no_flow


class Section(Protocol):
    """A cross-section: wetted area in m2 at a depth or stage in m."""

    @property
    def stages(self) -> HeadRange:
        """From the bottom's stage in m to the highest that is known."""
        ...

    def area_m2(self, depth_m: float) -> float:
        """Wetted area in m2."""
        ...


@dataclass(frozen=True, slots=True)
class Trapezoid:
    """A trapezoidal canal: bottom width in m, side slope horizontal to vertical (0 is a rectangle), bottom's stage in m."""

    bottom_m: float
    slope: float = 0.0
    bottom_stage_m: float = 0.0

    def __post_init__(self) -> None:
        if not (self.bottom_m >= 0 and self.slope >= 0 and self.bottom_m + self.slope > 0):
            raise ValueError("a trapezoid needs a bottom width or a side slope, neither negative")

    @property
    def stages(self) -> HeadRange:
        """From the bottom's stage in m on."""
        return HeadRange(self.bottom_stage_m, float("inf"))

    def depth_m(self, stage_m: float) -> float:
        """Depth in m at a stage."""
        return max(stage_m - self.bottom_stage_m, 0.0)

    def area_m2(self, stage_m: float) -> float:
        """Wetted area in m2 at a stage."""
        y = self.depth_m(stage_m)
        return (self.bottom_m + self.slope * y) * y

    def perimeter_m(self, stage_m: float) -> float:
        """Wetted perimeter in m at a stage."""
        return self.bottom_m + 2 * self.depth_m(stage_m) * sqrt(1 + self.slope**2)

    def top_width_m(self, stage_m: float) -> float:
        """Width of the water surface in m at a stage."""
        return self.bottom_m + 2 * self.slope * self.depth_m(stage_m)


@dataclass(frozen=True, slots=True)
class SurveyedSection:
    """A natural section as a table of (stage in m, area in m2), rising; linear between the rows."""

    rows: tuple[tuple[float, float], ...]

    def __post_init__(self) -> None:
        stages = [row[0] for row in self.rows]
        areas = [row[1] for row in self.rows]
        if len(self.rows) < 2 or any(b <= a for a, b in pairwise(stages)):
            raise ValueError("a surveyed section needs two rows with rising stages")
        if areas != sorted(areas) or areas[0] < 0:
            raise ValueError("areas must not be negative and must rise with stage")

    @property
    def stages(self) -> HeadRange:
        """The stages in m of the table."""
        return HeadRange(self.rows[0][0], self.rows[-1][0])

    def area_m2(self, stage_m: float) -> float:
        """Wetted area in m2; 0 below the table, the last slice's line continued above it (flag such a stage)."""
        if stage_m <= self.rows[0][0]:
            return self.rows[0][1] if stage_m == self.rows[0][0] else 0.0
        at = min(bisect_right(self.rows, (stage_m, float("inf"))), len(self.rows) - 1)
        (z1, a1), (z2, a2) = self.rows[at - 1], self.rows[at]
        return a1 + (a2 - a1) * (stage_m - z1) / (z2 - z1)


def manning_m3s(section: Trapezoid, stage_m: float, slope: float, roughness: float) -> float:
    """Uniform flow in m3/s, `A R^(2/3) sqrt(S)/n`: a plausibility bound only, never a measurement.

    Roughness: concrete .013 to .015, earth .022 to .030. Raises ValueError for a slope or roughness that is not positive.
    """
    check_positive(slope=slope, roughness=roughness)
    area = section.area_m2(stage_m)
    if area <= 0:
        return 0.0
    return float(area * (area / section.perimeter_m(stage_m)) ** (2 / 3) * sqrt(slope) / roughness)


INDEX_SOURCE = "index velocity (ISO 15769, USGS TM3-A23): Q = (a + b Vi + c Vi H) A(H)"
MIN_PAIRS = 10
DEPTHS = HeadRange(-10.0, 100.0)
"""Depths that can be: rivers are not deeper, and a gauge zero is not so far below a bed."""
MOST_VELOCITY_M_S = 15.0
"""No water in a canal or river is so quick, steep chutes included (our rule)."""
_ANY_STAGE = HeadRange(float("-inf"), float("inf"))


@dataclass(frozen=True, slots=True)
class IndexVelocity:
    """A calibrated index-velocity rating: `V = a + b Vi + c Vi H` in m/s, H the stage in m. Flow may be negative.

    Fewer than ten calibration pairs, or a stage outside the calibrated range, give flag 3. `standard_error_pct` is the
    calibration's; twice that is the uncertainty, and without it 5 % (k = 2, the page's figure for the method).
    """

    section: Section
    a: float
    b: float
    c: float = 0.0
    pairs: int = MIN_PAIRS
    r_squared: float | None = None
    standard_error_pct: float | None = None
    stages: HeadRange = _ANY_STAGE

    def velocity_m_s(self, index_m_s: float, stage_m: float) -> float:
        """Mean velocity in m/s."""
        return self.a + self.b * index_m_s + self.c * index_m_s * stage_m

    def discharge(self, index_m_s: float | None, stage_m: float | None) -> Discharge:
        """Discharge for an index velocity in m/s and a stage in m."""
        if index_m_s is None or stage_m is None or not (isfinite(index_m_s) and isfinite(stage_m)):
            return missing(INDEX_SOURCE)
        bottom_m, area = self.section.stages.low_m, self.section.area_m2(stage_m)
        told = no_flow(stage_m - bottom_m, INDEX_SOURCE, DEPTHS)
        if told is not None and (told.value_m3s is None or area == 0):
            is_bed = self.section.area_m2(bottom_m) == 0
            return told if is_bed else told.suspect(f"below the survey, which begins at {bottom_m:.4g} m with water")
        if abs(index_m_s) > MOST_VELOCITY_M_S:
            note = f"outside the rated range: flagged, not guessed. No canal or river runs at {index_m_s:.4g} m/s"
            return no_answer("impossible velocity", INDEX_SOURCE, note)
        flow = self.velocity_m_s(index_m_s, stage_m) * area
        notes = self.stages.notes(stage_m)
        if stage_m > self.section.stages.high_m:
            notes += (f"extrapolated: the section is surveyed to {self.section.stages.high_m:.4g} m",)
        if self.pairs < MIN_PAIRS:
            notes += (f"calibrated with {self.pairs} pairs, at least {MIN_PAIRS} are needed",)
        spread = 5.0 if self.standard_error_pct is None else 2 * self.standard_error_pct
        regime = "reverse" if flow < 0 else "free"
        return judged(flow, regime, spread, INDEX_SOURCE, notes)

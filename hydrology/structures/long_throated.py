"""Long-throated flumes with a trapezoidal throat: critical depth and approach velocity by iteration.

From memory, unverified; with vertical sides it is the rectangular law of `broad_crested`, which a test shows.
"""

from dataclasses import dataclass
from math import sqrt

from hydrology.constants import G
from hydrology.structures.answer import (
    BELOW_BED_M,
    CANAL,
    Discharge,
    HeadRange,
    check_positive,
    is_missing,
    judged,
    missing,
    no_answer,
    no_flow,
    solve_rising,
)
from hydrology.structures.broad_crested import modular
from hydrology.structures.section import Trapezoid

MAX_ITERATIONS = 200
_SOURCE = "long-throated flume, trapezoidal throat (ISO 4359 form); from memory, unverified"


@dataclass(frozen=True, slots=True)
class LongThroatedFlume:
    """A trapezoidal throat L long on a sill P above the bed of a trapezoidal approach canal. All lengths in m.

    `Q = CD sqrt(g A^3/T)` at the critical depth `yc + A/(2T) = H`, `CD = (1 - .006 m L/b)(1 - .003 L/h)^1.5`,
    `m = sqrt(1 + z^2) - z`; H adds the approach's velocity head, iterated to 1e-12. Range used: h from .05 m or .05 L to
    .5 L. The approach's `bottom_stage_m` is -P, so that heads are stages above the sill.
    """

    throat: Trapezoid
    length_m: float
    approach: Trapezoid
    modular_limit: float = 0.75
    g: float = G

    def __post_init__(self) -> None:
        check_positive(length_m=self.length_m, g=self.g, bottom_m=self.throat.bottom_m)
        if self.throat.bottom_stage_m != 0 or self.approach.bottom_stage_m > 0:
            raise ValueError("stages are above the sill: the throat's bottom is 0, the approach's at or below it")
        if any(self.approach.top_width_m(h) < self.throat.top_width_m(h) for h in (0.0, 100.0)):
            raise ValueError("the throat cannot be wider than the approach canal")

    def critical_depth_m(self, total_head_m: float) -> float:
        """Critical depth in the throat for a total head, both in m."""

        def head(y: float) -> float:
            return y + self.throat.area_m2(y) / (2 * self.throat.top_width_m(y))

        return solve_rising(total_head_m, head, 0.0, total_head_m)

    def coefficient(self, head_m: float) -> float:
        """CD at a gauged head in m."""
        z = self.throat.slope
        side = 1 - 0.006 * (sqrt(1 + z * z) - z) * self.length_m / self.throat.bottom_m
        return float(max(side, 0.0) * max(1 - 0.003 * self.length_m / head_m, 0.0) ** 1.5)

    def free_m3s(self, head_m: float) -> float | None:
        """Free discharge in m3/s at a positive gauged head; None where the approach would be supercritical."""
        area = self.approach.area_m2(head_m)
        coefficient = self.coefficient(head_m)
        total = head_m
        for _ in range(MAX_ITERATIONS):
            y = self.critical_depth_m(total)
            wet = self.throat.area_m2(y)
            flow = coefficient * sqrt(self.g * wet**3 / self.throat.top_width_m(y))
            again = head_m + flow**2 / (2 * self.g * area**2)
            if abs(again - total) <= 1e-12 * head_m:
                return flow
            if again > 2 * head_m:
                return None
            total = again
        return None

    def discharge(self, head_m: float | None, tail_m: float | None = None) -> Discharge:
        """Discharge for a gauged head and an optional tailwater, both in m above the sill."""
        if head_m is None or is_missing(head_m):
            return missing(_SOURCE)
        lowest_m = self.approach.bottom_stage_m - BELOW_BED_M
        if told := no_flow(head_m, _SOURCE, HeadRange(lowest_m, CANAL.high_m), tail_m):
            return told
        flow = self.free_m3s(head_m)
        if flow is None:
            return no_answer("supercritical approach", _SOURCE, "the approach velocity does not converge: no control")
        notes = HeadRange(max(0.05, 0.05 * self.length_m), 0.5 * self.length_m).notes(head_m)
        free = judged(flow, "free", None, _SOURCE, notes)
        return modular(free, head_m, tail_m, self.modular_limit)

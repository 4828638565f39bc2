"""Broad-crested weirs and long-throated flumes with a rectangular control, approach velocity included.

Every coefficient here is from memory, unverified; the closed form of the approach velocity is exact and cross-checked
against the iteration that the standards describe.
"""

from dataclasses import dataclass
from enum import StrEnum
from math import asin, sin, sqrt

from hydrology.constants import G
from hydrology.structures.answer import (
    BELOW_BED_M,
    CANAL,
    LOWEST_TAIL_M,
    REVERSED,
    Discharge,
    HeadRange,
    check_positive,
    is_missing,
    judged,
    missing,
    no_answer,
    no_flow,
    no_tail,
)

CRITICAL = (2 / 3) ** 1.5
DROWNED = 0.95
"""Our rule: above this tail over head not even the free discharge is a useful bound."""


class Crest(StrEnum):
    """The shape of the crest, which decides the coefficient.

    THROAT: long, with a rounded entrance (ISO 4359). ROUNDED: a rounded nose of radius r (ISO 4374: 4359's with L - r).
    SQUARE: square-edged, .848 on the total head (ILRI). SQUARE_GAUGED: square-edged, .864 on the gauged head (ISO 3846).
    """

    THROAT = "throat"
    ROUNDED = "rounded"
    SQUARE = "square"
    SQUARE_GAUGED = "square_gauged"


_SQUARE_SPREAD_PCT = 1.9
"""The two square-edged coefficients differ by this."""


def approach_head_ratio(k: float) -> float:
    """H/h, total over gauged head: the smaller root x of `x = 1 + k x^3`.

    `k = (4/27) (CD b h / A)^2` with A the approach section at the gauge. Critical control makes k <= 4/27, where x = 1.5:
    the approach itself is critical. Exact, so it needs no iteration. Raises ValueError beyond.
    """
    if k > 4 / 27 * (1 + 1e-12):
        raise ValueError(f"k = {k}: the approach would be supercritical")
    root = sqrt(3 * k)
    if root < 1e-6:
        return 1 + k
    return 2 / root * sin(asin(min(1.5 * root, 1.0)) / 3)


@dataclass(frozen=True, slots=True)
class BroadCrestedWeir:
    """A rectangular control b wide and L long, crest P above the bed of an approach channel B wide. All lengths in m.

    `Q = (2/3)^1.5 sqrt(g) CD b H^1.5`, H the total head, `CD = (1 - .006 L/b)(1 - .003 L/h)^1.5` for a throat or a
    rounded nose. Range used: h >= .05 m or .05 L, h/L <= .5 for a throat; .08 <= H/L <= .33 and H/(H+P) <= .35 (SQUARE);
    .1 <= h/L <= .4 (SQUARE_GAUGED). Above the `modular_limit` (tail over head; .66 for a square edge, else .75) the free
    value is an upper bound, flag 3; above .95 no value, flag 4 (our rules). From memory, unverified.
    """

    width_m: float
    length_m: float
    height_m: float
    channel_m: float
    crest: Crest = Crest.THROAT
    nose_radius_m: float = 0.0
    modular_limit: float | None = None
    approach_velocity: bool = True
    g: float = G

    def __post_init__(self) -> None:
        check_positive(width_m=self.width_m, length_m=self.length_m, channel_m=self.channel_m, g=self.g)
        if self.height_m < 0 or not 0 <= self.nose_radius_m < self.length_m:
            raise ValueError("the crest's height must not be negative, nor the nose longer than the crest")
        if self.channel_m < self.width_m:
            raise ValueError("the control cannot be wider than the approach channel")

    @property
    def source(self) -> str:
        """The law and its standing."""
        names = {
            Crest.THROAT: "long-throated flume (ISO 4359 form)",
            Crest.ROUNDED: "round-nosed broad crest (ISO 4374 form)",
            Crest.SQUARE: "square-edged broad crest, .848 on H (ILRI)",
            Crest.SQUARE_GAUGED: "square-edged broad crest, .864 on h (ISO 3846 form)",
        }
        return f"{names[self.crest]}; coefficients from memory, unverified"

    def coefficient(self, head_m: float) -> float:
        """CD at a gauged head in m."""
        if self.crest is Crest.SQUARE:
            return 0.848
        if self.crest is Crest.SQUARE_GAUGED:
            return 0.864
        length = self.length_m - (self.nose_radius_m if self.crest is Crest.ROUNDED else 0.0)
        friction = max(1 - 0.003 * length / head_m, 0.0)
        return float(max(1 - 0.006 * length / self.width_m, 0.0) * friction**1.5)

    def total_head_m(self, head_m: float) -> float:
        """The total head in m for a gauged head: with the approach channel's velocity head."""
        if not self.approach_velocity or self.crest is Crest.SQUARE_GAUGED:
            return head_m
        area = self.channel_m * (head_m + self.height_m)
        k = 4 / 27 * (self.coefficient(head_m) * self.width_m * head_m / area) ** 2
        return head_m * approach_head_ratio(k)

    def free_m3s(self, head_m: float) -> float:
        """Free discharge in m3/s at a positive gauged head."""
        head = self.total_head_m(head_m)
        return float(CRITICAL * sqrt(self.g) * self.coefficient(head_m) * self.width_m * head**1.5)

    def _range_notes(self, head_m: float) -> tuple[str, ...]:
        slender = head_m / self.length_m
        total = self.total_head_m(head_m)
        found: tuple[tuple[bool, str], ...]
        if self.crest is Crest.SQUARE:
            share = total / (total + self.height_m)
            found = (
                (total / self.length_m < 0.08, "below rated range: H/L under .08"),
                (total / self.length_m > 0.33, "extrapolated: H/L over .33"),
                (share > 0.35, "extrapolated: H/(H+P) over .35"),
            )
        elif self.crest is Crest.SQUARE_GAUGED:
            found = (
                (slender < 0.1, "below rated range: h/L under .1"),
                (slender > 0.4, "extrapolated: h/L over .4"),
            )
        else:
            found = (
                (head_m < max(0.05, 0.05 * self.length_m), "below rated range: h under .05 m or .05 L"),
                (slender > 0.5, "extrapolated: h/L over .5"),
            )
        return tuple(note for wrong, note in found if wrong)

    def discharge(self, head_m: float | None, tail_m: float | None = None) -> Discharge:
        """Discharge for a gauged head and an optional tailwater, both in m above the crest."""
        if head_m is None or is_missing(head_m):
            return missing(self.source)
        if told := no_flow(head_m, self.source, HeadRange(-self.height_m - BELOW_BED_M, CANAL.high_m), tail_m):
            return told
        notes = self._range_notes(head_m)
        square = self.crest in (Crest.SQUARE, Crest.SQUARE_GAUGED)
        spread = _SQUARE_SPREAD_PCT if square else None
        free = judged(self.free_m3s(head_m), "free", spread, self.source, notes)
        limit = self.modular_limit if self.modular_limit is not None else 0.66 if square else 0.75
        return modular(free, head_m, tail_m, limit)


def modular(
    free: Discharge, head_m: float, tail_m: float | None, limit: float, lowest_tail_m: float = LOWEST_TAIL_M
) -> Discharge:
    """A free answer judged by its tailwater: free to `limit` (h2/h1), then an upper bound, none above `DROWNED`."""
    if tail_m is None:
        return free
    if why := no_tail(tail_m, lowest_tail_m):
        return free.suspect(why)
    ratio = tail_m / head_m
    if ratio <= limit:
        return free
    if ratio > 1:
        return no_answer("reverse", free.source, REVERSED)
    if ratio > DROWNED:
        return no_answer("drowned", free.source, f"drowned: tail over head {ratio:.3f}, more than {DROWNED:g}")
    note = f"SUBMERGED: tail over head {ratio:.3f}, free to {limit:g}; the value is an upper bound"
    bound = Discharge(free.value_m3s, free.flag, "submerged", None, free.source, free.notes, upper_bound=True)
    return bound.suspect(note)

"""Thin-plate weirs: rectangular (Kindsvater-Carter), Francis, Cipolletti. Heads in m above the crest, flow in m3/s.

All need an aerated nappe: a tailwater within 5 cm of the crest gives flag 3, above it the flow is reduced (Villemonte).
"""

from bisect import bisect_right
from dataclasses import dataclass
from math import sqrt

from hydrology.constants import G
from hydrology.structures.answer import (
    BELOW_BED_M,
    CANAL,
    REVERSED,
    Discharge,
    HeadRange,
    check_positive,
    combined_uncertainty_pct,
    is_missing,
    judged,
    missing,
    no_answer,
    no_flow,
    no_tail,
)
from hydrology.structures.villemonte import VILLEMONTE_SOURCE, villemonte_factor

AERATION_M = 0.05
"""The tailwater must stay this far below the crest (ISO 1438, from memory)."""

# b/B, alpha, beta, kb in m. Columns 1.0 and 0 cross-checked, the others from memory; kb at .9 and .5 read off a curve.
_KINDSVATER_CARTER = (
    (0.0, 0.587, -0.0023, 0.0024),
    (0.2, 0.589, -0.0018, 0.0024),
    (0.4, 0.591, 0.0058, 0.0027),
    (0.5, 0.592, 0.010, 0.0030),
    (0.6, 0.593, 0.018, 0.0037),
    (0.7, 0.595, 0.030, 0.0041),
    (0.8, 0.597, 0.045, 0.0042),
    (0.9, 0.599, 0.064, 0.0037),
    (1.0, 0.602, 0.075, -0.0009),
)
_KH_M = 0.001
KINDSVATER_CARTER_SOURCE = (
    "Kindsvater-Carter (ISO 1438 form; full width cross-checked, contracted coefficients from memory, unverified)"
)


def kindsvater_carter_coefficients(width_ratio: float) -> tuple[float, float, float]:
    """alpha, beta and kb (m) for b/B in 0 to 1, linear between the table's columns. Raises ValueError outside."""
    if not 0 <= width_ratio <= 1:
        raise ValueError(f"b/B = {width_ratio} is not in 0 to 1")
    columns = [row[0] for row in _KINDSVATER_CARTER]
    at = min(bisect_right(columns, width_ratio), len(columns) - 1)
    low, high = _KINDSVATER_CARTER[at - 1], _KINDSVATER_CARTER[at]
    share = (width_ratio - low[0]) / (high[0] - low[0])
    alpha, beta, kb = (a + (b - a) * share for a, b in zip(low[1:], high[1:], strict=True))
    return alpha, beta, kb


def tailwater(
    free: Discharge, head_m: float, tail_m: float | None, exponent: float, aeration_m: float = AERATION_M
) -> Discharge:
    """A thin-plate weir's free answer, corrected for a tailwater in m above the crest (negative below it)."""
    if tail_m is None or free.value_m3s is None:
        return free
    if why := no_tail(tail_m):
        return free.suspect(why)
    if tail_m <= -aeration_m:
        return free
    if tail_m <= 0:
        return free.suspect(f"tailwater within {aeration_m:g} m of the crest: the nappe may cling")
    if tail_m > head_m:
        return no_answer("reverse", free.source, REVERSED)
    flow = free.value_m3s * villemonte_factor(head_m, tail_m, exponent)
    answer = Discharge(flow, free.flag, "submerged", None, f"{free.source}; {VILLEMONTE_SOURCE}", free.notes)
    return answer.suspect(f"submerged: tailwater {tail_m:.4g} m above the crest")


@dataclass(frozen=True, slots=True)
class RectangularWeir:
    """A rectangular thin-plate weir: crest `width_m` b in a channel `channel_m` B wide, crest `height_m` P above the bed.

    `Q = Ce 2/3 sqrt(2g) (b + kb)(h + kh)^1.5`, `Ce = alpha + beta h/P`. Range: h >= .03, b >= .15, P >= .10 m,
    h/P <= 2.5, (B - b)/2 zero or >= .10 m, tailwater 5 cm below the crest (from memory). Uncertainty of the coefficient
    1.5 % to h/P 1, 2 % to 1.5, 3 % to 2.5 (ISO 1438, from memory); pass the half-widths of head and width to include
    them. Raises ValueError for impossible dimensions.
    """

    width_m: float
    channel_m: float
    height_m: float
    head_u_m: float = 0.0
    width_u_m: float = 0.0
    g: float = G

    def __post_init__(self) -> None:
        check_positive(width_m=self.width_m, channel_m=self.channel_m, height_m=self.height_m, g=self.g)
        if self.width_m > self.channel_m:
            raise ValueError("the crest cannot be wider than the channel")

    def _geometry_notes(self) -> tuple[str, ...]:
        side = (self.channel_m - self.width_m) / 2
        found = (
            (self.width_m < 0.15, "crest narrower than 0.15 m"),
            (self.height_m < 0.10, "crest lower than 0.10 m"),
            (0 < side < 0.10, "side contraction between 0 and 0.10 m"),
        )
        return tuple(f"outside the stated geometry: {note}" for wrong, note in found if wrong)

    def discharge(self, head_m: float | None, tail_m: float | None = None) -> Discharge:
        """Discharge for a head and an optional tailwater, both in m above the crest."""
        source = KINDSVATER_CARTER_SOURCE
        if head_m is None or is_missing(head_m):
            return missing(source)
        if told := no_flow(head_m, source, HeadRange(-self.height_m - BELOW_BED_M, CANAL.high_m), tail_m):
            return told
        alpha, beta, kb = kindsvater_carter_coefficients(self.width_m / self.channel_m)
        ratio = head_m / self.height_m
        ce = alpha + beta * min(ratio, 2.5)
        flow = ce * 2 / 3 * sqrt(2 * self.g) * (self.width_m + kb) * (head_m + _KH_M) ** 1.5
        notes = HeadRange(0.03, 2.5 * self.height_m).notes(head_m) + self._geometry_notes()
        coefficient = 1.5 if ratio <= 1 else 2.0 if ratio <= 1.5 else 3.0 if ratio <= 2.5 else None
        spread = None
        if coefficient is not None:
            spread = combined_uncertainty_pct(coefficient, 1.5, head_m, self.head_u_m, self.width_m, self.width_u_m)
        free = judged(flow, "free", spread, source, notes)
        return tailwater(free, head_m, tail_m, 1.5)


_SI_FROM_FT = sqrt(0.3048)
FRANCIS = 3.33 * _SI_FROM_FT
"""Francis' coefficient, 3.33 in ft and cfs, as 1.838 in m and m3/s."""
CIPOLLETTI = 3.367 * _SI_FROM_FT
"""Cipolletti's coefficient, 3.367 in ft and cfs, as 1.859 in m and m3/s."""
_USBR = "USBR Water Measurement Manual, coefficients from memory, unverified"


@dataclass(frozen=True, slots=True)
class FrancisWeir:
    """A rectangular weir by Francis: `Q = 1.838 (L - .1 n h) h^1.5`, n = 2 with both ends contracted, 0 suppressed.

    Range h <= L/3 (from memory, unverified). The source gives no uncertainty.
    """

    width_m: float
    contracted: bool = True

    def __post_init__(self) -> None:
        check_positive(width_m=self.width_m)

    def discharge(self, head_m: float | None, tail_m: float | None = None) -> Discharge:
        """Discharge for a head and an optional tailwater, both in m above the crest."""
        source = f"Francis ({_USBR})"
        if head_m is None or is_missing(head_m):
            return missing(source)
        if told := no_flow(head_m, source, CANAL, tail_m):
            return told
        # Beyond h = 2 L the contracted law would fall with a rising head; it is out of range from L/3 on anyway.
        length = self.width_m - 0.2 * min(head_m, 2 * self.width_m) if self.contracted else self.width_m
        notes = HeadRange(0.0, self.width_m / 3).notes(head_m)
        flow = FRANCIS * length * head_m**1.5
        free = judged(flow, "free", None, source, notes)
        return tailwater(free, head_m, tail_m, 1.5)


@dataclass(frozen=True, slots=True)
class CipollettiWeir:
    """A trapezoidal weir with sides 1:4, crest `width_m` L: `Q = 1.859 L h^1.5`.

    Range h <= L/3 (from memory, unverified). The source gives no uncertainty.
    """

    width_m: float

    def __post_init__(self) -> None:
        check_positive(width_m=self.width_m)

    def discharge(self, head_m: float | None, tail_m: float | None = None) -> Discharge:
        """Discharge for a head and an optional tailwater, both in m above the crest."""
        source = f"Cipolletti ({_USBR})"
        if head_m is None or is_missing(head_m):
            return missing(source)
        if told := no_flow(head_m, source, CANAL, tail_m):
            return told
        notes = HeadRange(0.0, self.width_m / 3).notes(head_m)
        flow = CIPOLLETTI * self.width_m * head_m**1.5
        free = judged(flow, "free", None, source, notes)
        return tailwater(free, head_m, tail_m, 1.5)

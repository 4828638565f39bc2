"""Sluice gates in a canal: closed, free, submerged, or out of the water, without a step between them; radial gates."""

from bisect import bisect_right
from dataclasses import dataclass, replace
from itertools import pairwise
from math import sqrt

from hydrology.constants import G
from hydrology.structures.answer import (
    GATE,
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
from hydrology.structures.broad_crested import CRITICAL
from hydrology.structures.gate_laws import conjugate_depth_m, energy_momentum_m3s, swamee_m3s
from wire.flags import Flag

UNCALIBRATED_PCT = 12.0
CALIBRATED_PCT = 8.0
"""The reference page gives 8 to 12 % for gates in a water balance, k = 2."""
MAX_OPENING = 0.9
"""Opening over head beyond which Swamee's fit bends back; the weir's law is the smaller one from about .71 on."""
CANAL_GATES = HeadRange(0.0, 20.0)
"""Upstream depths for which Swamee's fit, of gates in canals, is taken (our rule)."""
SUBMERGED_TRUST = 0.3
"""Opening over head beyond which the two submerged laws part by 20 to 30 %."""


def drowned_crest_factor(ratio: float, modular_limit: float) -> float:
    """Submerged over free discharge of a broad crest: 1 to the modular limit, 0 at a tail as high as the head.

    Our own bridge, in Villemonte's form, between the two values that are known; it is flagged wherever it is not 1.
    """
    if ratio <= modular_limit:
        return 1.0
    if ratio >= 1:
        return 0.0
    return float((1 - ((ratio - modular_limit) / (1 - modular_limit)) ** 1.5) ** 0.385)


@dataclass(frozen=True, slots=True)
class SluiceGate:
    """`count` equal vertical gates, each `width_m` wide; depths and opening in m above the sill.

    One law for free and submerged (Swamee 1992), and the smaller of it and the broad crest's (`crest_cd` on the head)
    once the gate leaves the water: they cross at an opening of .71 of the head (by the energy equation it would be .64),
    so a gate that is raised never steps.
    `calibration` is a factor from own measurements. Uncalibrated, a submerged jet with a/h1 above .3 is flag 3, and so is
    a drowned crest, and a gate without a tail level unless it has a `free_outfall`.
    """

    width_m: float
    count: int = 1
    calibration: float | None = None
    free_outfall: bool = False
    crest_cd: float = 0.864
    crest_modular_limit: float = 0.66
    g: float = G

    def __post_init__(self) -> None:
        check_positive(width_m=self.width_m, count=self.count, crest_cd=self.crest_cd, g=self.g)
        if self.calibration is not None:
            check_positive(calibration=self.calibration)
        if not 0 < self.crest_modular_limit < 1:
            raise ValueError("crest_modular_limit must be between 0 and 1")

    @property
    def source(self) -> str:
        """The law and its standing."""
        own = ", own calibration" if self.calibration is not None else ""
        return f"Swamee 1992 (coefficients from memory, cross-checked), broad crest when out of the water{own}"

    def discharge(self, head_m: float | None, opening_m: float | None, tail_m: float | None = None) -> Discharge:
        """Discharge of all the gates for the upstream depth, the opening and the tail depth."""
        source = self.source
        if head_m is None or opening_m is None or is_missing(head_m, opening_m):
            return missing(source)
        if opening_m <= 0:
            return Discharge(0.0, Flag.PASS, "closed", None, source)
        if told := no_flow(head_m, source, GATE, tail_m):
            return told
        untold = no_tail(tail_m)
        h3 = 0.0 if tail_m is None or untold else max(tail_m, 0.0)
        if h3 > head_m:
            return no_answer("reverse", source, REVERSED)

        factor = 1.0 if self.calibration is None else self.calibration
        opening = min(opening_m, MAX_OPENING * head_m)
        gate, submerged = swamee_m3s(self.width_m, opening, head_m, h3, self.g)
        gate *= factor
        crest = drowned_crest_factor(h3 / head_m, self.crest_modular_limit)
        weir = crest * self.crest_cd * CRITICAL * sqrt(self.g) * self.width_m * head_m**1.5

        notes = CANAL_GATES.notes(head_m)
        if weir <= gate:
            flow, regime = weir, "free weir" if crest == 1 else "submerged weir"
            if crest < 1:
                notes += (f"crest drowned beyond {self.crest_modular_limit:g}: our own bridge, not a published law",)
        else:
            flow, regime = gate, "submerged orifice" if submerged else "free orifice"
            if submerged and self.calibration is None and opening_m > SUBMERGED_TRUST * head_m:
                notes += (f"submerged with a/h1 {opening_m / head_m:.2f}: laws part by 20 to 30 %, calibrate",)
        if untold and not (self.free_outfall and tail_m is None):
            notes += (untold,)
        spread = CALIBRATED_PCT if self.calibration is not None else UNCALIBRATED_PCT
        return judged(flow, regime, spread, source, notes).times(self.count)

    def second_opinion_m3s(self, head_m: float, opening_m: float, tail_m: float = 0.0) -> float:
        """The flow of all gates by energy and momentum, uncalibrated, for a gate in the water."""
        return self.count * energy_momentum_m3s(self.width_m, opening_m, head_m, max(tail_m, 0.0), self.g)[0]


@dataclass(frozen=True, slots=True)
class RadialGate:
    """A radial gate with its own calibrated table of (a/h1, Cd), rising in a/h1: `Q = Cd b a sqrt(2 g h1)`.

    Published radial algorithms are too heavy to carry here, so there is no default table. Outside the table the nearest
    Cd and flag 3; with a tail above the conjugate depth the free value is an upper bound, flag 3.
    """

    width_m: float
    table: tuple[tuple[float, float], ...]
    count: int = 1
    g: float = G

    def __post_init__(self) -> None:
        check_positive(width_m=self.width_m, count=self.count, g=self.g)
        ratios = [row[0] for row in self.table]
        if not ratios or any(b <= a for a, b in pairwise(ratios)) or ratios[0] <= 0:
            raise ValueError("the table needs rows of (a/h1, Cd) with a/h1 rising from above 0")
        if ratios[-1] > 1 or not all(0 < cd <= 1 for _, cd in self.table):
            raise ValueError("a/h1 must be at most 1, where the gate leaves the water, and each Cd from above 0 to 1")
        for (r1, c1), (r2, c2) in pairwise(self.table):
            slope = (c2 - c1) / (r2 - r1)
            if c2 + slope * r2 < 0:
                raise ValueError(f"from a/h1 {r1:g} to {r2:g} Cd falls so fast that an opening gate would carry less")
            if any(2 * slope * r > c for r, c in ((r1, c1), (r2, c2))):
                raise ValueError(f"from a/h1 {r1:g} to {r2:g} Cd rises so fast that a rising head would carry less")

    def coefficient(self, ratio: float) -> float:
        """Cd at a/h1, linear in the table, held at its ends."""
        at = bisect_right(self.table, (ratio, float("inf")))
        if at == 0:
            return self.table[0][1]
        if at == len(self.table):
            return self.table[-1][1]
        (r1, c1), (r2, c2) = self.table[at - 1], self.table[at]
        return c1 + (c2 - c1) * (ratio - r1) / (r2 - r1)

    def discharge(self, head_m: float | None, opening_m: float | None, tail_m: float | None = None) -> Discharge:
        """Discharge of all the gates for the upstream depth, the opening and the tail depth, m above the sill."""
        source = "radial gate, own table of Cd by a/h1"
        if head_m is None or opening_m is None or is_missing(head_m, opening_m):
            return missing(source)
        if opening_m <= 0:
            return Discharge(0.0, Flag.PASS, "closed", None, source)
        if told := no_flow(head_m, source, GATE, tail_m):
            return told
        ratio = opening_m / head_m
        if ratio >= 1:
            return no_answer("out of the water", source, "the gate is out of the water: no calibrated law")
        notes: tuple[str, ...] = ()
        if not self.table[0][0] <= ratio <= self.table[-1][0]:
            notes += (f"extrapolated: a/h1 {ratio:.2f} is outside the table",)
        flow = self.coefficient(ratio) * self.width_m * opening_m * sqrt(2 * self.g * head_m)
        regime, bound = "free orifice", False
        untold = no_tail(tail_m)
        if tail_m is None or untold:
            notes += (untold,)
        elif tail_m > head_m:
            return no_answer("reverse", source, REVERSED)
        elif tail_m > conjugate_depth_m(self.width_m, opening_m, head_m, self.g):
            regime, bound = "submerged orifice", True
            notes += ("SUBMERGED: tail above the conjugate depth; the value is an upper bound",)
        answer = judged(flow, regime, CALIBRATED_PCT, source, notes)
        return replace(answer, upper_bound=bound).times(self.count)

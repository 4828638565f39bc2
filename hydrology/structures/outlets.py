"""A reservoir's spillway and outlets. Heads in m, flow in m3/s. All coefficients from memory, unverified."""

from dataclasses import dataclass
from math import pi, sqrt

from hydrology.constants import G
from hydrology.structures.answer import (
    DAM,
    REVERSED,
    Discharge,
    check_positive,
    is_missing,
    judged,
    missing,
    no_answer,
    no_flow,
    no_tail,
)
from hydrology.structures.gate_laws import submerged_orifice_m3s
from wire.flags import Flag

BRIDGE = 1 / 3
"""Opening over head from which a gated crest's Cd rises towards the free crest's."""
MOST_NARROWING = 1.62 / 2.62
"""Share of the crest that contraction takes where `(L - k H) H^1.62` is largest."""
MAX_HEAD_RATIO = 1.33
"""Head over design head beyond which the ogee's coefficient is extrapolated (our rule)."""


@dataclass(frozen=True, slots=True)
class OgeeSpillway:
    """An uncontrolled ogee crest: `Q = C Le H^1.5`, `C = 2.18 (H/Hd)^.12`, `Le = L - 2 (N Kp + Ka) H`.

    L is the net crest length, N the piers, Kp and Ka the pier and abutment contractions. From memory, unverified.
    """

    length_m: float
    design_head_m: float
    piers: int = 0
    pier_contraction: float = 0.01
    abutment_contraction: float = 0.0
    coefficient: float = 2.18

    def __post_init__(self) -> None:
        check_positive(length_m=self.length_m, design_head_m=self.design_head_m, coefficient=self.coefficient)
        if self.piers < 0 or self.pier_contraction < 0 or self.abutment_contraction < 0:
            raise ValueError("piers and contractions must not be negative")

    def discharge(self, head_m: float | None) -> Discharge:
        """Discharge for the head above the crest."""
        source = "ogee crest, design coefficient 2.18 (from memory, unverified)"
        if head_m is None or is_missing(head_m):
            return missing(source)
        if told := no_flow(head_m, source, DAM):
            return told
        ratio = head_m / self.design_head_m
        notes: tuple[str, ...] = (f"extrapolated: {ratio:.2f} of the design head",) if ratio > MAX_HEAD_RATIO else ()
        contraction = 2 * (self.piers * self.pier_contraction + self.abutment_contraction)
        narrowing = contraction * head_m
        # Beyond 1.62/2.62 of the crest the law would fall with a rising head.
        if narrowing > MOST_NARROWING * self.length_m:
            narrowing = MOST_NARROWING * self.length_m
            notes += ("extrapolated: piers and abutments would take more than half of the crest",)
        flow = self.coefficient * ratio**0.12 * (self.length_m - narrowing) * head_m**1.5
        return judged(flow, "free", None, source, notes)


@dataclass(frozen=True, slots=True)
class GatedSpillway:
    """A gated crest as an orifice: `Q = Cd b a sqrt(2 g (H - a/2))`, never more than the free crest below it.

    `crest` is the same bay with the gate raised. Where the water only just touches the gate (a = H) the orifice's law may be
    below the crest's by up to 15 %: from a third of the head on its Cd rises to that of the crest at H = a, so that they meet
    (our own bridge; a rising head never lowers the flow).
    """

    width_m: float
    crest: OgeeSpillway
    cd: float = 0.61
    count: int = 1
    g: float = G

    def __post_init__(self) -> None:
        check_positive(width_m=self.width_m, cd=self.cd, count=self.count, g=self.g)

    def discharge(self, head_m: float | None, opening_m: float | None) -> Discharge:
        """Discharge of all bays for the head above the crest and the opening, both in m."""
        source = "gated crest as an orifice (from memory, unverified)"
        if head_m is None or opening_m is None or is_missing(head_m, opening_m):
            return missing(source)
        if opening_m <= 0:
            return Discharge(0.0, Flag.PASS, "closed", None, source)
        free = self.crest.discharge(head_m)
        if not free.value_m3s:
            return free
        # The orifice's law has its largest flow at a = 4H/3, outside the water; beyond a = H it is not one.
        opening = min(opening_m, head_m)
        orifice = self._cd(opening, head_m) * self.width_m * opening * sqrt(2 * self.g * (head_m - opening / 2))
        if free.value_m3s <= orifice or opening_m >= head_m:
            return free.times(self.count)
        return judged(orifice, "orifice", None, source, free.notes).times(self.count)

    def _cd(self, opening_m: float, head_m: float) -> float:
        share = (opening_m / head_m - BRIDGE) / (1 - BRIDGE)
        if share <= 0:
            return self.cd
        touching = self.crest.discharge(opening_m).value_m3s or 0.0
        crest = touching / (self.width_m * opening_m * sqrt(self.g * opening_m))
        return self.cd + max(crest - self.cd, 0.0) * share


@dataclass(frozen=True, slots=True)
class BottomOutlet:
    """A bottom outlet or a submerged orifice: `Q = mu A sqrt(2 g dH)` over `dH` = head - tail, both above its axis.

    With a tail below the axis the head counts to the axis. mu .61 for a sharp orifice (USBR, partly read); conduits need
    their own. `opening_share` of the calls, 0 to 1, scales the area (from memory, linear: calibrate).
    A head under the radius of a round outlet of this area is flag 3: it does not run full.
    """

    area_m2: float
    mu: float = 0.61
    g: float = G

    def __post_init__(self) -> None:
        check_positive(area_m2=self.area_m2, mu=self.mu, g=self.g)

    def discharge(self, head_m: float | None, tail_m: float | None = None, opening_share: float = 1.0) -> Discharge:
        """Discharge for the head and the optional tail, in m above the outlet's axis."""
        source = "orifice (coefficient from memory or own)"
        if head_m is None or is_missing(head_m):
            return missing(source)
        if told := no_flow(head_m, source, DAM, tail_m):
            return told
        untold = "" if tail_m is None else no_tail(tail_m, DAM.low_m)
        tail = 0.0 if tail_m is None or untold else max(tail_m, 0.0)
        share = min(max(opening_share, 0.0), 1.0)
        flow = submerged_orifice_m3s(self.area_m2 * share, head_m, tail, self.mu, self.g)
        regime = "closed" if share == 0 else "submerged" if tail > 0 else "free"
        if tail > head_m:
            return no_answer("reverse", source, REVERSED)
        notes: tuple[str, ...] = (untold,) if untold else ()
        if share > 0 and head_m < sqrt(self.area_m2 / pi):
            notes += ("below rated range: the outlet does not run full",)
        return judged(flow, regime, None, source, notes)

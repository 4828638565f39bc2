"""The structures of `hydrology.structures` as tables: a `kind` and its dimensions, in the registry and for `aryk calc`.

Every table gives a law: heads in, discharge out. Heads and openings in m above the crest or sill.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Annotated, ClassVar, Literal, Self

from pydantic import Field, model_validator

from hydrology import structures as laws
from hydrology.registry.base import Number, Positive, Span, Table
from hydrology.registry.limits import (
    AbutmentContraction,
    Bottom,
    Cd,
    Ce,
    CrestCd,
    ErrorPct,
    GateFactor,
    HeadCorrection,
    HeadError,
    Height,
    IndexByStage,
    IndexFactor,
    IndexOffset,
    Length,
    OgeeC,
    OutletArea,
    PierContraction,
    Plate,
    Share,
    Slope,
    SubmergedC,
    SubmergedC2,
    SubmergedN,
    Width,
)
from hydrology.structures.answer import DAM, Discharge, HeadRange, is_missing
from hydrology.structures.broad_crested import Crest, modular
from hydrology.structures.parshall import System
from hydrology.structures.section import Section
from settings.errors import FaultError

MOST_OPENING_M = 50.0
"""No gate opens further: taken as the full opening where none is given."""
LEAST_OPENING_M = 1e-6
"""Less is closed: no sensor tells it, and the laws' powers leave the range of a double."""
OPENING_SLACK = 0.02
"""A gate's sensor may say so much more than fully open without being doubted: of the full opening, and m below zero."""
Count = Annotated[int, Field(ge=1, le=1000, strict=True)]
Pairs = Annotated[tuple[tuple[Number, Number], ...], Field(min_length=1)]


@dataclass(frozen=True, slots=True)
class Heads:
    """What a structure is asked with, in m (and m/s): upstream head, tail, gate opening, index velocity."""

    head_m: float | None = None
    tail_m: float | None = None
    opening_m: float | None = None
    velocity_m_s: float | None = None


Law = Callable[[Heads], Discharge]


class _Structure(Table):
    blamed: ClassVar[str] = "kind"
    """The key whose line an impossible structure is told at."""

    @model_validator(mode="after")
    def _possible(self) -> Self:
        try:
            self.law()
        except ValueError as error:
            raise FaultError(((self.blamed,), str(error))) from error
        return self

    def law(self) -> Law:
        """The law of this structure."""
        raise NotImplementedError

    @property
    def has_opening(self) -> bool:
        """Whether the flow depends on an opening."""
        return False


class RectangularWeir(_Structure):
    """A rectangular thin-plate weir (Kindsvater-Carter)."""

    kind: Literal["rectangular_weir"]
    width_m: Width
    channel_m: Length
    height_m: Plate
    head_u_m: HeadError = 0.0
    width_u_m: HeadError = 0.0

    def law(self) -> Law:
        """The law of this structure."""
        it = laws.RectangularWeir(self.width_m, self.channel_m, self.height_m, self.head_u_m, self.width_u_m)
        return lambda at: it.discharge(at.head_m, at.tail_m)


class FrancisWeir(_Structure):
    """A rectangular weir by Francis."""

    kind: Literal["francis_weir"]
    width_m: Width
    contracted: bool = True

    def law(self) -> Law:
        """The law of this structure."""
        it = laws.FrancisWeir(self.width_m, self.contracted)
        return lambda at: it.discharge(at.head_m, at.tail_m)


class CipollettiWeir(_Structure):
    """A trapezoidal weir with sides 1:4."""

    kind: Literal["cipolletti_weir"]
    width_m: Width

    def law(self) -> Law:
        """The law of this structure."""
        it = laws.CipollettiWeir(self.width_m)
        return lambda at: it.discharge(at.head_m, at.tail_m)


class VNotchWeir(_Structure):
    """A V-notch thin-plate weir (Kindsvater-Shen)."""

    kind: Literal["v_notch_weir"]
    angle_deg: Positive = 90.0
    height_m: Plate
    channel_m: Length
    ce: Ce | None = None
    kh_m: HeadCorrection | None = None
    head_u_m: HeadError = 0.0

    def law(self) -> Law:
        """The law of this structure."""
        it = laws.VNotchWeir(self.angle_deg, self.height_m, self.channel_m, self.ce, self.kh_m, self.head_u_m)
        return lambda at: it.discharge(at.head_m, at.tail_m)


class BroadCrestedWeir(_Structure):
    """A broad-crested weir or a long-throated flume with a rectangular control."""

    kind: Literal["broad_crested_weir"]
    width_m: Length
    length_m: Width
    height_m: Height
    channel_m: Length
    crest: Crest = Crest.THROAT
    nose_radius_m: Height = 0.0
    modular_limit: Share | None = None
    approach_velocity: bool = True

    def law(self) -> Law:
        """The law of this structure."""
        it = laws.BroadCrestedWeir(
            self.width_m,
            self.length_m,
            self.height_m,
            self.channel_m,
            self.crest,
            self.nose_radius_m,
            self.modular_limit,
            self.approach_velocity,
        )
        return lambda at: it.discharge(at.head_m, at.tail_m)


class LongThroatedFlume(_Structure):
    """A long-throated flume with a trapezoidal throat in a trapezoidal canal; slopes horizontal to vertical."""

    kind: Literal["long_throated_flume"]
    throat_bottom_m: Width
    throat_slope: Slope = 0.0
    length_m: Width
    sill_m: Height
    channel_bottom_m: Length
    channel_slope: Slope = 0.0
    modular_limit: Share = 0.75

    def law(self) -> Law:
        """The law of this structure."""
        it = laws.LongThroatedFlume(
            laws.Trapezoid(self.throat_bottom_m, self.throat_slope),
            self.length_m,
            laws.Trapezoid(self.channel_bottom_m, self.channel_slope, -self.sill_m),
            self.modular_limit,
        )
        return lambda at: it.discharge(at.head_m, at.tail_m)


class Submerged(Table):
    """A Parshall flume's own submerged calibration, `Qs = c1 (hu - hd)^n1 / [-(log10 S + c2)]^n2`."""

    c1: SubmergedC
    n1: SubmergedN
    c2: SubmergedC2
    n2: SubmergedN


class ParshallFlume(_Structure):
    """A Parshall flume. `size` as in "9in", "1.5ft" or, with `system` "iso", "2.40m"."""

    blamed: ClassVar[str] = "size"
    kind: Literal["parshall_flume"]
    size: str
    system: System = System.ILRI
    submerged: Submerged | None = None

    def law(self) -> Law:
        """The law of this structure."""
        own = self.submerged
        calibration = None if own is None else laws.SubmergedCalibration(own.c1, own.n1, own.c2, own.n2)
        it = laws.ParshallFlume(laws.parshall_size(self.size, self.system), calibration)
        return lambda at: it.discharge(at.head_m, at.tail_m)


class SluiceGate(_Structure):
    """Equal vertical gates in a canal, free, submerged or out of the water."""

    kind: Literal["sluice_gate"]
    width_m: Width
    count: Count = 1
    full_opening_m: Width | None = None
    calibration: GateFactor | None = None
    free_outfall: bool = False
    crest_cd: CrestCd = 0.864
    crest_modular_limit: Share = 0.66

    def law(self) -> Law:
        """The law of this structure."""
        it = laws.SluiceGate(
            self.width_m, self.count, self.calibration, self.free_outfall, self.crest_cd, self.crest_modular_limit
        )
        return lambda at: _opened(at, self.full_opening_m, lambda opening: it.discharge(at.head_m, opening, at.tail_m))

    @property
    def has_opening(self) -> bool:
        """Whether the flow depends on an opening."""
        return True


class RadialGate(_Structure):
    """Equal radial gates with their own table of (opening over head, Cd)."""

    blamed: ClassVar[str] = "table"
    kind: Literal["radial_gate"]
    width_m: Width
    count: Count = 1
    full_opening_m: Width | None = None
    table: Pairs

    def law(self) -> Law:
        """The law of this structure."""
        it = laws.RadialGate(self.width_m, self.table, self.count)
        return lambda at: _opened(at, self.full_opening_m, lambda opening: it.discharge(at.head_m, opening, at.tail_m))

    @property
    def has_opening(self) -> bool:
        """Whether the flow depends on an opening."""
        return True


def _opened(at: Heads, full_m: float | None, ask: Callable[[float | None], Discharge]) -> Discharge:
    """A gate's answer for an opening that is at most the full one; an opening that cannot be is told, and doubted."""
    opening_m = at.opening_m
    if opening_m is None or is_missing(opening_m):
        return ask(None)
    full = MOST_OPENING_M if full_m is None else full_m
    if opening_m < -OPENING_SLACK:
        return ask(0.0).suspect(f"opening {opening_m:.4g} m, below zero: taken as closed; look at the gate's sensor")
    if opening_m <= full:
        return ask(opening_m if opening_m >= LEAST_OPENING_M else 0.0)
    answer, note = ask(full), f"opening {opening_m:.4g} m, more than the full {full:g} m: taken as fully open"
    if opening_m <= full * (1 + OPENING_SLACK):
        return replace(answer, notes=(*answer.notes, note))
    return answer.suspect(f"{note}; look at the gate's sensor")


def _over_tail(answer: Discharge, at: Heads) -> Discharge:
    """A crest's law knows no submergence: with tailwater above the crest its answer is an upper bound."""
    if answer.value_m3s is None or at.head_m is None or at.head_m <= 0 or at.tail_m is None:
        return answer
    return modular(answer, at.head_m, at.tail_m, 0.0, DAM.low_m)


class OgeeSpillway(_Structure):
    """An uncontrolled ogee crest."""

    kind: Literal["ogee_spillway"]
    length_m: Length
    design_head_m: Width
    piers: Annotated[int, Field(ge=0)] = 0
    pier_contraction: PierContraction = 0.01
    abutment_contraction: AbutmentContraction = 0.0
    coefficient: OgeeC = 2.18

    def crest(self) -> laws.OgeeSpillway:
        """The crest."""
        return laws.OgeeSpillway(
            self.length_m,
            self.design_head_m,
            self.piers,
            self.pier_contraction,
            self.abutment_contraction,
            self.coefficient,
        )

    def law(self) -> Law:
        """The law of this structure."""
        it = self.crest()
        return lambda at: _over_tail(it.discharge(at.head_m), at)


class GatedSpillway(_Structure):
    """Equal gated bays on an ogee crest; `width_m` and `design_head_m` are of one bay."""

    kind: Literal["gated_spillway"]
    width_m: Width
    design_head_m: Width
    cd: Cd = 0.61
    count: Count = 1
    full_opening_m: Width | None = None

    def law(self) -> Law:
        """The law of this structure."""
        bay = laws.OgeeSpillway(self.width_m, self.design_head_m)
        it = laws.GatedSpillway(self.width_m, bay, self.cd, self.count)
        full = self.full_opening_m
        return lambda at: _over_tail(_opened(at, full, lambda opening: it.discharge(at.head_m, opening)), at)

    @property
    def has_opening(self) -> bool:
        """Whether the flow depends on an opening."""
        return True


class BottomOutlet(_Structure):
    """A bottom outlet; its head is above its axis. With `full_opening_m` an opening throttles it in proportion."""

    kind: Literal["bottom_outlet"]
    area_m2: OutletArea
    mu: Cd = 0.61
    full_opening_m: Width | None = None

    def law(self) -> Law:
        """The law of this structure."""
        it = laws.BottomOutlet(self.area_m2, self.mu)
        full = self.full_opening_m

        def discharge(at: Heads) -> Discharge:
            if full is None:
                return it.discharge(at.head_m, at.tail_m)
            return _opened(at, full, lambda opening: by_opening(at, opening, full))

        def by_opening(at: Heads, opening_m: float | None, full_m: float) -> Discharge:
            if opening_m is None:
                return it.discharge(None)
            return it.discharge(at.head_m, at.tail_m, opening_m / full_m)

        return discharge

    @property
    def has_opening(self) -> bool:
        """Whether the flow depends on an opening."""
        return self.full_opening_m is not None


class IndexVelocity(_Structure):
    """A calibrated velocity sensor over a section: a trapezoid (`bottom_m`, `slope`, `bottom_stage_m`) or a survey."""

    kind: Literal["index_velocity"]
    a: IndexOffset = 0.0
    b: IndexFactor
    c: IndexByStage = 0.0
    bottom_m: Bottom | None = None
    slope: Slope = 0.0
    bottom_stage_m: Number = 0.0
    survey: tuple[tuple[Number, Number], ...] = ()
    pairs: Annotated[int, Field(ge=0)] = 10
    r_squared: Annotated[float, Field(ge=0, le=1)] | None = None
    standard_error_pct: ErrorPct | None = None
    stages: Span | None = None

    def law(self) -> Law:
        """The law of this structure."""
        if (self.bottom_m is None) == (not self.survey):
            raise ValueError("give a trapezoid (bottom_m) or a survey, one of them")
        section: Section
        if self.bottom_m is None:
            section = laws.SurveyedSection(self.survey)
        else:
            section = laws.Trapezoid(self.bottom_m, self.slope, self.bottom_stage_m)
        stages = HeadRange(*(self.stages or (float("-inf"), float("inf"))))
        it = laws.IndexVelocity(
            section, self.a, self.b, self.c, self.pairs, self.r_squared, self.standard_error_pct, stages
        )
        return lambda at: it.discharge(at.velocity_m_s, at.head_m)


Structure = Annotated[
    RectangularWeir
    | FrancisWeir
    | CipollettiWeir
    | VNotchWeir
    | BroadCrestedWeir
    | LongThroatedFlume
    | ParshallFlume
    | SluiceGate
    | RadialGate
    | OgeeSpillway
    | GatedSpillway
    | BottomOutlet
    | IndexVelocity,
    Field(discriminator="kind"),
]
"""Any structure, told by its `kind`."""

"""Between what the numbers of the registry lie: what no physics and no builder allows is refused, with the reason.

The bounds are generous (our rule): they catch a wrong unit, a slipped point and swapped keys, and no real structure.
"""

from typing import Annotated

from pydantic import AfterValidator

from hydrology.registry.base import NotNegative, Number, Positive


def within(low: float, high: float, why: str) -> AfterValidator:
    """A check that a number lies between two, both included."""

    def check(value: float) -> float:
        if not low <= value <= high:
            raise ValueError(f"{value:g} cannot be: write {_plain(low)} to {_plain(high)} ({why})")
        return value

    return AfterValidator(check)


def _plain(bound: float) -> str:
    return f"{bound:.0f}" if abs(bound) >= 1 and bound == int(bound) else f"{bound:g}"


Width = Annotated[Positive, within(0.01, 100, "m, one plate, gate or bay")]
Length = Annotated[Positive, within(0.001, 5000, "m")]
Height = Annotated[NotNegative, within(0, 350, "m, no dam is higher")]
Plate = Annotated[Positive, within(0.01, 350, "m above the bed")]
Slope = Annotated[NotNegative, within(0, 20, "horizontal to vertical")]
Bottom = Annotated[NotNegative, within(0, 5000, "m")]
HeadError = Annotated[NotNegative, within(0, 0.5, "m, half of the interval that holds the head")]
Share = Annotated[Positive, within(0.01, 0.99, "tail over head")]

Cd = Annotated[Positive, within(0.05, 1, "no jet carries more than its head drives through the whole opening")]
Ce = Annotated[Positive, within(0.4, 0.8, "Ce of a V-notch is near 0.58")]
HeadCorrection = Annotated[Number, within(-0.01, 0.01, "m, the correction is of millimetres")]
CrestCd = Annotated[
    Positive, within(0.3, 1.4, "on the head, of a critical flow: 0.85 for a square edge, 1.28 for an ogee")
]
GateFactor = Annotated[Positive, within(0.3, 1.7, "1.64 would be a jet that does not contract at all")]
OgeeC = Annotated[Positive, within(1.2, 2.6, "in m and s: 3.95 in ft is 2.18")]
PierContraction = Annotated[NotNegative, within(0, 0.2, "Kp, 0.02 for a square nose")]
AbutmentContraction = Annotated[NotNegative, within(0, 0.5, "Ka, 0.2 for a square abutment")]
OutletArea = Annotated[Positive, within(1e-5, 1000, "m2")]

IndexOffset = Annotated[Number, within(-3, 3, "m/s")]
IndexFactor = Annotated[Positive, within(0.1, 3, "mean velocity over index velocity")]
IndexByStage = Annotated[Number, within(-3, 3, "1/m")]
ErrorPct = Annotated[NotNegative, within(0, 100, "%")]

PowerA = Annotated[Positive, within(1e-6, 1e6, "Q at h - e = 1 m, in m3/s")]
PowerB = Annotated[Positive, within(0.3, 6, "1.5 for a section, 1.67 for a channel, 2.5 for a V")]
Flow = Annotated[NotNegative, within(0, 1e6, "m3/s, the Amazon carries 0.2 million")]
ShiftM = Annotated[Number, within(-5, 5, "m, a shift is of centimetres")]

SubmergedC = Annotated[Positive, within(1e-3, 200, "in m and s")]
SubmergedN = Annotated[Positive, within(0.5, 3, "an exponent, near the free one or near 1")]
SubmergedC2 = Annotated[Number, within(-0.5, 0.5, "near 0.0044")]

Elevation = Annotated[Number, within(-500, 9000, "m in the height system")]
AboveZero = Annotated[Number, within(-500, 9000, "m above gauge zero")]
ReachKm = Annotated[Positive, within(0.001, 2000, "km, the longest canal has 1,400")]
RiverKm = Annotated[NotNegative, within(0, 7000, "km")]
CanalM3s = Annotated[Positive, within(1e-3, 1e4, "m3/s")]
LimitHm3 = Annotated[NotNegative, within(0, 1e5, "hm3, millions of m3")]
PlanM3s = Annotated[NotNegative, within(0, 1e4, "m3/s")]
AreaHa = Annotated[Positive, within(1e-3, 1e7, "ha")]
WellM = Annotated[Positive, within(0.01, 5000, "m")]
UnitKw = Annotated[Positive, within(0.01, 2e6, "kW, no unit makes more than a million")]
LossM = Annotated[NotNegative, within(0, 500, "m of head")]

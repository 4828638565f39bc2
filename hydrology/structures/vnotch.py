"""V-notch thin-plate weirs (Kindsvater-Shen), any angle, and USBR's cone equation as a second opinion."""

from dataclasses import dataclass
from math import radians, sqrt, tan

from hydrology.constants import G
from hydrology.structures.answer import (
    BELOW_BED_M,
    CANAL,
    Discharge,
    HeadRange,
    check_positive,
    combined_uncertainty_pct,
    is_missing,
    judged,
    missing,
    no_flow,
)
from hydrology.structures.weirs import tailwater

_FT = 0.3048
AERATION_M = 0.2 * _FT
"""The tailwater must stay this far below the vertex (USBR, read in the source)."""
COEFFICIENT_PCT = 1.0
"""Uncertainty of Ce at 95 % (ISO 1438, from memory)."""


def shen_coefficients(angle_deg: float) -> tuple[float, float]:
    """Ce and kh (m) of a fully contracted notch, a fit over 20 to 100 degrees.

    Cross-checked at 20, 40, 60, 80, 100 degrees against Shen's constants: Ce and Q within .4 %.
    """
    th = angle_deg
    ce = 0.607165052 - 8.74466963e-4 * th + 6.10393334e-6 * th**2
    kh_ft = 0.0144902648 - 3.3955535e-4 * th + 3.29819003e-6 * th**2 - 1.06215442e-8 * th**3
    return ce, kh_ft * _FT


def cone_m3s(head_m: float) -> float:
    """USBR's equation for a fully contracted 90 degree notch, `2.49 h^2.48` in ft and cfs, here m to m3/s.

    From memory; the manual's chapter 7 calls it of comparable accuracy.
    """
    return float(2.49 * (max(head_m, 0.0) / _FT) ** 2.48 * _FT**3)


@dataclass(frozen=True, slots=True)
class VNotchWeir:
    """A V-notch of `angle_deg`, its vertex `height_m` P above the bed, in a channel `channel_m` B wide.

    `Q = 8/15 Ce sqrt(2g) tan(theta/2) (h + kh)^2.5`. 90 degrees takes Ce .578 (read in a source) and kh .85 mm (ISO;
    the same source prints .88), other angles the fit; `ce` and `kh_m` override both. Range 25 to 100 degrees, h >= .06 m,
    and fully contracted h/P <= .4, P >= .45, B >= .9 m (read in a library), h <= .38 m, h/B <= .2 (from memory).
    Raises ValueError for impossible dimensions or an angle outside 10 to 120 degrees.
    """

    angle_deg: float = 90.0
    height_m: float = 0.95
    channel_m: float = 1.9
    ce: float | None = None
    kh_m: float | None = None
    head_u_m: float = 0.0
    g: float = G

    def __post_init__(self) -> None:
        check_positive(height_m=self.height_m, channel_m=self.channel_m, g=self.g)
        if not 10 <= self.angle_deg <= 120:
            raise ValueError(f"angle_deg = {self.angle_deg} is not in 10 to 120")

    def coefficients(self) -> tuple[float, float]:
        """Ce and kh (m) in force."""
        ce, kh = (0.578, 0.00085) if self.angle_deg == 90 else shen_coefficients(self.angle_deg)
        return (ce if self.ce is None else self.ce, kh if self.kh_m is None else self.kh_m)

    def _range_notes(self, head_m: float) -> tuple[str, ...]:
        high = min(0.38, 0.4 * self.height_m, 0.2 * self.channel_m)
        notes = HeadRange(0.06, high).notes(head_m)
        found = (
            (not 25 <= self.angle_deg <= 100, "angle outside 25 to 100 degrees"),
            (self.height_m < 0.45, "vertex lower than 0.45 m"),
            (self.channel_m < 0.9, "channel narrower than 0.9 m"),
        )
        return notes + tuple(f"outside the stated geometry: {note}" for wrong, note in found if wrong)

    def discharge(self, head_m: float | None, tail_m: float | None = None) -> Discharge:
        """Discharge for a head and an optional tailwater, both in m above the vertex."""
        source = "Kindsvater-Shen (ISO 1438 form; 90 degrees read in a source, other angles a cross-checked fit)"
        if head_m is None or is_missing(head_m):
            return missing(source)
        if told := no_flow(head_m, source, HeadRange(-self.height_m - BELOW_BED_M, CANAL.high_m), tail_m):
            return told
        ce, kh = self.coefficients()
        flow = 8 / 15 * ce * sqrt(2 * self.g) * tan(radians(self.angle_deg) / 2) * (head_m + kh) ** 2.5
        notes = self._range_notes(head_m)
        spread = combined_uncertainty_pct(COEFFICIENT_PCT, 2.5, head_m, self.head_u_m)
        free = judged(flow, "free", spread, source, notes)
        return tailwater(free, head_m, tail_m, 2.5, AERATION_M)

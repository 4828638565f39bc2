"""Parshall flumes: every US and ISO size, each system of coefficients under its own name, and the submergence rule.

Heads in m above the flume's floor, flow in m3/s. Evidence: the W-formulas of 1 to 50 ft and ISO 2.40 m were read in
sources; the other coefficients are cross-checked against those; head ranges and the limits .60 and .70 are from memory.
"""

from dataclasses import dataclass
from enum import StrEnum
from math import log10

from hydrology.structures.answer import (
    CANAL,
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

_FT = 0.3048
_FT3 = _FT**3
MAX_SUBMERGENCE = 0.90
"""Above it no correction is practical (read in an encyclopaedia): flag 4, no value."""
MAX_MISFIT = 1.25
"""An own submerged calibration may be so many times the free discharge, or so little, where it takes over (our rule)."""
UNCERTAINTY_PCT = 5.0
"""The reference page's figure for a Parshall flume in a water balance, k = 2."""


class System(StrEnum):
    """Who printed the coefficients. They differ by up to 7 %: an answer names the one in use."""

    US = "us"  # W-formulas in ft and cfs for 1 to 50 ft, C in ft for the smaller
    ILRI = "ilri"  # ILRI/Bos, in m; reproduces US to 0.1 %
    USBR = "usbr"  # USBR's table prints 3.95 and 1.55 for the 1 ft flume
    ISO = "iso"  # ISO 9826, metric sizes


@dataclass(frozen=True, slots=True)
class ParshallSize:
    """One flume: `Q = c ha^n` in m, valid for heads in `heads`, free while hb/ha <= `limit`."""

    name: str
    width_m: float
    c: float
    n: float
    heads: HeadRange
    limit: float
    system: System


def _si(c_ft: float, n: float) -> float:
    """A coefficient in ft and cfs as one in m and m3/s."""
    return float(c_ft * _FT3 / _FT**n)


# name, W in m, C (ft), C (SI, ILRI), n, Ha from, Ha to, limit. C (ft) of 1 to 8 ft comes from the W-formula.
_SMALL = (
    ("1in", 0.0254, 0.338, 0.0604, 1.55, 0.015, 0.21, 0.50),
    ("2in", 0.0508, 0.676, 0.1207, 1.55, 0.015, 0.24, 0.50),
    ("3in", 0.0762, 0.992, 0.1771, 1.55, 0.03, 0.33, 0.50),
    ("6in", 0.1524, 2.06, 0.3812, 1.58, 0.03, 0.45, 0.60),
    ("9in", 0.2286, 3.07, 0.5354, 1.53, 0.03, 0.61, 0.60),
)
_FEET = (
    ("1ft", 1.0, 0.6909, 1.522, 0.03, 0.76),
    ("1.5ft", 1.5, 1.056, 1.538, 0.03, 0.76),
    ("2ft", 2.0, 1.428, 1.550, 0.046, 0.76),
    ("3ft", 3.0, 2.184, 1.566, 0.046, 0.76),
    ("4ft", 4.0, 2.953, 1.578, 0.06, 0.76),
    ("5ft", 5.0, 3.732, 1.587, 0.06, 0.76),
    ("6ft", 6.0, 4.519, 1.595, 0.076, 0.76),
    ("7ft", 7.0, 5.312, 1.601, 0.076, 0.76),
    ("8ft", 8.0, 6.112, 1.607, 0.076, 0.76),
)
_LARGE = (
    ("10ft", 10.0, 7.463, 1.07),
    ("12ft", 12.0, 8.859, 1.37),
    ("15ft", 15.0, 10.96, 1.67),
    ("20ft", 20.0, 14.45, 1.83),
    ("25ft", 25.0, 17.94, 1.83),
    ("30ft", 30.0, 21.44, 1.83),
    ("40ft", 40.0, 28.43, 1.83),
    ("50ft", 50.0, 35.41, 1.83),
)
_ISO = (
    (0.152, 0.381, 1.580, 0.03, 0.45, 0.60),
    (0.25, 0.561, 1.513, 0.03, 0.60, 0.60),
    (0.30, 0.679, 1.521, 0.03, 0.75, 0.70),
    (0.45, 1.038, 1.537, 0.03, 0.75, 0.70),
    (0.60, 1.403, 1.548, 0.05, 0.75, 0.70),
    (0.75, 1.772, 1.557, 0.06, 0.75, 0.70),
    (0.90, 2.147, 1.565, 0.06, 0.75, 0.70),
    (1.00, 2.397, 1.569, 0.06, 0.80, 0.70),
    (1.20, 2.904, 1.577, 0.06, 0.80, 0.70),
    (1.50, 3.668, 1.586, 0.06, 0.80, 0.70),
    (1.80, 4.440, 1.593, 0.08, 0.80, 0.70),
    (2.10, 5.222, 1.599, 0.08, 0.80, 0.70),
    (2.40, 6.004, 1.605, 0.08, 0.80, 0.70),
)


def _sizes() -> dict[tuple[str, System], ParshallSize]:
    sizes: list[ParshallSize] = []
    for name, width, c_ft, c_si, n, low, high, limit in _SMALL:
        heads = HeadRange(low, high)
        sizes.append(ParshallSize(name, width, c_si, n, heads, limit, System.ILRI))
        n_us = 1.547 if name == "3in" else n
        sizes.append(ParshallSize(name, width, _si(c_ft, n_us), n_us, heads, limit, System.US))
    for name, feet, c_si, n, low, high in _FEET:
        heads = HeadRange(low, high)
        sizes.append(ParshallSize(name, feet * _FT, c_si, n, heads, 0.70, System.ILRI))
        n_us = 1.522 * feet**0.026
        sizes.append(ParshallSize(name, feet * _FT, _si(4 * feet, n_us), n_us, heads, 0.70, System.US))
    sizes.append(ParshallSize("1ft", _FT, _si(3.95, 1.55), 1.55, HeadRange(0.03, 0.76), 0.70, System.USBR))
    for name, feet, c_si, high in _LARGE:
        heads = HeadRange(0.09, high)
        sizes.append(ParshallSize(name, feet * _FT, c_si, 1.6, heads, 0.80, System.ILRI))
        sizes.append(ParshallSize(name, feet * _FT, _si(3.6875 * feet + 2.5, 1.6), 1.6, heads, 0.80, System.US))
    for width, c, n, low, high, limit in _ISO:
        name = f"{width:g}m" if width == 0.152 else f"{width:.2f}m"
        sizes.append(ParshallSize(name, width, c, n, HeadRange(low, high), limit, System.ISO))
    return {(size.name, size.system): size for size in sizes}


PARSHALL_SIZES: dict[tuple[str, System], ParshallSize] = _sizes()


def parshall_size(name: str, system: System | str) -> ParshallSize:
    """The size `name` ("9in", "1.5ft", "2.40m") of a system. Raises ValueError with the sizes that the system has."""
    chosen = System(system)
    found = PARSHALL_SIZES.get((name, chosen))
    if found is None:
        known = ", ".join(size for size, its in PARSHALL_SIZES if its is chosen)
        raise ValueError(f"the {chosen} system has no Parshall flume {name!r}: one of {known}")
    return found


@dataclass(frozen=True, slots=True)
class SubmergedCalibration:
    """A flume's own submerged calibration, `Qs = c1 (hu - hd)^n1 / [-(log10 S + c2)]^n2` in m and m3/s.

    Utah State's form (from memory); the published coefficients could not be read, so there is no default.
    """

    c1: float
    n1: float
    c2: float
    n2: float

    def flow_m3s(self, upstream_m: float, downstream_m: float) -> float | None:
        """Submerged discharge in m3/s, or None where the form has none."""
        depth = -(log10(downstream_m / upstream_m) + self.c2)
        if depth <= 0:
            return None
        return float(self.c1 * (upstream_m - downstream_m) ** self.n1 / depth**self.n2)


@dataclass(frozen=True, slots=True)
class ParshallFlume:
    """A Parshall flume of one size and system, e.g. `ParshallFlume(parshall_size("9in", "ilri"))`.

    Free to hb/ha = the size's limit. Beyond it, without a calibration, flag 3 and the free value as an upper bound; above
    .9 flag 4 and no value.
    """

    size: ParshallSize
    submerged: SubmergedCalibration | None = None

    def __post_init__(self) -> None:
        if self.submerged is None:
            return
        head_m = (self.size.heads.low_m + self.size.heads.high_m) / 2
        below = self.submerged.flow_m3s(head_m, self.size.limit * head_m)
        share = 0.0 if below is None else below / self.free_m3s(head_m)
        if not 1 / MAX_MISFIT <= share <= MAX_MISFIT:
            raise ValueError(
                f"at hb/ha {self.size.limit:g}, where submergence begins, the submerged calibration gives {share:.2g}"
                " of the free discharge, not about 1: is it in m and m3/s?"
            )

    @property
    def source(self) -> str:
        """The size, system and standing."""
        return f"Parshall {self.size.name} ({self.size.system} coefficients; head range from memory)"

    def free_m3s(self, head_m: float) -> float:
        """Free discharge in m3/s for the upstream head in m."""
        return float(self.size.c * max(head_m, 0.0) ** self.size.n)

    def head_m(self, flow_m3s: float) -> float:
        """Upstream head in m that a free discharge needs. Raises ValueError for a flow that is not positive."""
        check_positive(flow_m3s=flow_m3s)
        return float((flow_m3s / self.size.c) ** (1 / self.size.n))

    def discharge(self, head_m: float | None, tail_m: float | None = None) -> Discharge:
        """Discharge for the upstream head ha and the throat's head hb, both in m above the crest's floor."""
        source = self.source
        if head_m is None or is_missing(head_m):
            return missing(source)
        if told := no_flow(head_m, source, CANAL, tail_m):
            return told
        flow = self.free_m3s(head_m)
        notes = self.size.heads.notes(head_m)
        free = judged(flow, "free", UNCERTAINTY_PCT, source, notes)
        if tail_m is None:
            return free
        if why := no_tail(tail_m):
            return free.suspect(why)
        ratio = tail_m / head_m
        if ratio <= self.size.limit:
            return free
        if ratio > 1:
            return no_answer("reverse", source, REVERSED)
        if ratio > MAX_SUBMERGENCE:
            return no_answer("drowned", source, f"submergence {ratio:.3f} above {MAX_SUBMERGENCE:g}: no correction")
        if self.submerged is not None:
            below = self.submerged.flow_m3s(head_m, tail_m)
            if below is not None:
                own = f"{source}; own submerged calibration"
                return judged(min(below, flow), "submerged", UNCERTAINTY_PCT, own, notes)
        note = f"SUBMERGED: hb/ha {ratio:.3f}, free to {self.size.limit:g}; the value is an upper bound"
        return Discharge(flow, free.flag, "submerged", None, source, notes, upper_bound=True).suspect(note)

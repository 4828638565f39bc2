"""The fixed table of unit codes (UCUM's, where UCUM has one) and exact conversions between them.

A table, not a UCUM parser: the parser that we tried reads `[cft_i]/s` as centifeet and refuses `ha`. Factors are exact
fractions, so that 1 cm is the double nearest to 0.01 m and a conversion rounds at most twice.
"""

import re
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache
from math import isfinite

_FOOT = Fraction(3048, 10000)
_US_GALLON = Fraction(3785411784, 10**12)


@dataclass(frozen=True, slots=True)
class Unit:
    """A unit. `value_in_si = value * scale + offset`; `dimension` names what may be converted into what."""

    code: str
    dimension: str
    scale: Fraction
    offset: Fraction = Fraction(0)


def _table() -> dict[str, Unit]:
    one = Fraction(1)
    rows: tuple[tuple[str, str, Fraction], ...] = (
        ("m", "length", one),
        ("cm", "length", Fraction(1, 100)),
        ("mm", "length", Fraction(1, 1000)),
        ("km", "length", Fraction(1000)),
        ("[ft_i]", "length", _FOOT),
        ("m2", "area", one),
        ("km2", "area", Fraction(10**6)),
        ("har", "area", Fraction(10**4)),
        ("hm2", "area", Fraction(10**4)),
        ("m3", "volume", one),
        ("L", "volume", Fraction(1, 1000)),
        ("hm3", "volume", Fraction(10**6)),
        ("km3", "volume", Fraction(10**9)),
        ("[ft_i]3", "volume", _FOOT**3),
        ("[gal_us]", "volume", _US_GALLON),
        ("ac-ft", "volume", 43560 * _FOOT**3),
        ("m3/s", "discharge", one),
        ("L/s", "discharge", Fraction(1, 1000)),
        ("m3/h", "discharge", Fraction(1, 3600)),
        ("m3/d", "discharge", Fraction(1, 86400)),
        ("[ft_i]3/s", "discharge", _FOOT**3),
        ("m/s", "velocity", one),
        ("mm/h", "velocity", Fraction(1, 3_600_000)),
        ("mm/d", "velocity", Fraction(1, 86_400_000)),
        ("L/s/har", "velocity", Fraction(1, 10**7)),
        ("Pa", "pressure", one),
        ("hPa", "pressure", Fraction(100)),
        ("mbar", "pressure", Fraction(100)),
        ("kPa", "pressure", Fraction(1000)),
        ("S/m", "conductivity", one),
        ("mS/cm", "conductivity", Fraction(1, 10)),
        ("uS/cm", "conductivity", Fraction(1, 10_000)),
        ("NTU", "turbidity", one),
        ("W", "power", one),
        ("kW", "power", Fraction(1000)),
        ("MW", "power", Fraction(10**6)),
        ("J", "energy", one),
        ("kW.h", "energy", Fraction(3_600_000)),
        ("MW.h", "energy", Fraction(3_600_000_000)),
        ("V", "voltage", one),
        ("mA", "current", Fraction(1, 1000)),
        ("A", "current", one),
        ("s", "time", one),
        ("min", "time", Fraction(60)),
        ("h", "time", Fraction(3600)),
        ("d", "time", Fraction(86400)),
        ("1", "ratio", one),
        ("%", "ratio", Fraction(1, 100)),
        ("dBm", "signal", one),
    )
    units = {code: Unit(code, dimension, scale) for code, dimension, scale in rows}
    units["K"] = Unit("K", "temperature", one)
    units["Cel"] = Unit("Cel", "temperature", one, Fraction(27315, 100))
    return units


UNITS: dict[str, Unit] = _table()


class UnitError(ValueError):
    """A unit code that is not in the table, or two units of different dimensions."""


def unit(code: str) -> Unit:
    """The unit with this code. Raises UnitError with the known codes."""
    found = UNITS.get(code)
    if found is None:
        raise UnitError(f"unit {code!r} is not known: one of {', '.join(sorted(UNITS))}")
    return found


@lru_cache(maxsize=256)
def _factor(source: str, target: str) -> tuple[int, int, float]:
    before, after = unit(source), unit(target)
    if before.dimension != after.dimension:
        raise UnitError(f"{source} is a {before.dimension}, {target} a {after.dimension}")
    ratio = before.scale / after.scale
    return ratio.numerator, ratio.denominator, float((before.offset - after.offset) / after.scale)


def convert(value: float, source: str, target: str) -> float:
    """`value` in unit `source`, expressed in unit `target`. Raises UnitError."""
    numerator, denominator, offset = _factor(source, target)
    scaled = value * numerator / denominator
    return scaled + offset if offset else scaled


_SPOKEN = {
    "ft": "[ft_i]",
    "cfs": "[ft_i]3/s",
    "l/s": "L/s",
    "m³/s": "m3/s",
    "м": "m",
    "см": "cm",
    "мм": "mm",
    "м/с": "m/s",
    "л/с": "L/s",
    "м3/с": "m3/s",
    "м³/с": "m3/s",
}
_WRITTEN = re.compile(r"\s*([-+\u2212]?(?:\d+(?:[.,]\d*)?|[.,]\d+)(?:[eE][-+]?\d{1,3})?)\s*(\S*)\s*")
_SHOWN = 40


def parse(text: str, target: str) -> float:
    """A number with a unit behind it ("35cm", "0,35 m", "1e-3"; `target` without one) in unit `target`. Raises UnitError."""
    found = _WRITTEN.fullmatch(text)
    shown = text if len(text) <= _SHOWN else text[:_SHOWN] + "..."
    if found is None:
        raise UnitError(f"{shown!r} is not a number, with or without a unit")
    value = float(found[1].replace(",", ".").replace("\u2212", "-"))
    if not isfinite(value):
        raise UnitError(f"{shown!r} is too large a number")
    code = spoken(found[2]) or target
    if code not in UNITS:
        like = [one.code for one in UNITS.values() if one.dimension == unit(target).dimension]
        names = ", ".join(name for name in (*like, *_SPOKEN) if _SPOKEN.get(name, name) in like and name.isascii())
        raise UnitError(f"unit {code[:_SHOWN]!r} is not known: one of {names}")
    return convert(value, code, target)


def spoken(text: str) -> str:
    """The code of a unit as people write it here; what is not known stays as it is."""
    return _SPOKEN.get(text, text)

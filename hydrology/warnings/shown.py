"""How a quantity of a warning is shown: its unit, as people say it, and how many decimals."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Shown:
    """A stored value times `factor` is shown in `unit` with `decimals`."""

    unit: str
    factor: float
    decimals: int

    def number(self, value: float | None, *, sign: bool = False, more: int = 0) -> str:
        """The number alone; a dash for none. Nothing is shown as -0."""
        if value is None:
            return "-"
        rounded = round(self.factor * value, self.decimals + more) + 0.0
        return f"{rounded:{'+' if sign else ''}.{self.decimals + more}f}"


_KNOWN = {
    "level": Shown("cm", 100.0, 0),
    "elevation": Shown("m", 1.0, 2),
    "discharge": Shown("m3/s", 1.0, 3),
    "volume": Shown("mln m3", 1e-6, 3),
}
OF_AN_INTERVAL = frozenset({"rain"})
"""Amounts of the interval before: they have no rate of rise, and no yesterday."""


def shown(quantity: str, unit: str, decimals: int = 2) -> Shown:
    """Levels in centimetres, volumes in millions; all else in its unit with the sensor's decimals."""
    return _KNOWN.get(quantity) or Shown(unit, 1.0, decimals)

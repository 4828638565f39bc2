"""How fairly and reliably water was shared: Molden and Gates' four indicators, Gini, head-tail ratio.

Molden & Gates 1990, J. Irrig. Drain. Eng. 116(6):804-823 (existence read; formulas and class limits from memory,
unverified). Rows are regions, columns periods.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import sqrt
from statistics import fmean

Table = Sequence[Sequence[float]]


@dataclass(frozen=True, slots=True)
class Performance:
    """Adequacy and efficiency (1 is best), equity and dependability (coefficients of variation, 0 is best)."""

    adequacy: float
    efficiency: float
    equity: float
    dependability: float

    def classes(self) -> dict[str, str]:
        """good, fair or poor for each indicator, by the 1990 paper's limits (from memory)."""

        def high(value: float, good: float, fair: float) -> str:
            return "good" if value >= good else "fair" if value >= fair else "poor"

        def low(value: float, good: float, fair: float) -> str:
            return "good" if value <= good else "fair" if value <= fair else "poor"

        return {
            "adequacy": high(self.adequacy, 0.90, 0.80),
            "efficiency": high(self.efficiency, 0.85, 0.70),
            "equity": low(self.equity, 0.10, 0.25),
            "dependability": low(self.dependability, 0.10, 0.20),
        }


def variation(values: Sequence[float], *, sample: bool = False) -> float:
    """Coefficient of variation, with the population's standard deviation unless `sample`; 0 for a mean of 0."""
    mean = fmean(values)
    if mean == 0 or len(values) - sample <= 0:
        return 0.0
    return sqrt(sum((value - mean) ** 2 for value in values) / (len(values) - sample)) / mean


def performance(delivered: Table, required: Table, *, sample: bool = False) -> Performance:
    """Molden and Gates' indicators of delivered and required amounts, regions by periods.

    Standard deviations are the population's unless `sample`: the two differ by a fifth for a few regions, so a report
    says which. Raises ValueError for tables of different shape, no cells, or a requirement that is not positive.
    """
    if len(delivered) != len(required) or not delivered or not delivered[0]:
        raise ValueError("delivered and required must be two tables of the same shape")
    periods = len(delivered[0])
    if any(len(row) != periods for row in (*delivered, *required)):
        raise ValueError("delivered and required must be two tables of the same shape")
    if any(cell <= 0 for row in required for cell in row) or any(cell < 0 for row in delivered for cell in row):
        raise ValueError("required amounts must be positive, delivered ones not negative")
    ratio = [[d / r for d, r in zip(ds, rs, strict=True)] for ds, rs in zip(delivered, required, strict=True)]
    cells = [value for row in ratio for value in row]
    adequacy = fmean(min(value, 1.0) for value in cells)
    efficiency = fmean(1.0 if value <= 1 else 1 / value for value in cells)
    equity = fmean(variation([row[t] for row in ratio], sample=sample) for t in range(periods))
    dependability = fmean(variation(row, sample=sample) for row in ratio)
    return Performance(adequacy, efficiency, equity, dependability)


def gini(values: Sequence[float]) -> float:
    """Gini coefficient of volumes, 0 (equal) to below 1. Raises ValueError for none or a negative one; 0 if all are 0."""
    if not values or any(value < 0 for value in values):
        raise ValueError("Gini needs volumes, none negative")
    ordered = sorted(values)
    total, n = sum(ordered), len(ordered)
    if total == 0:
        return 0.0
    return sum((2 * rank - n - 1) * value for rank, value in enumerate(ordered, 1)) / (n * total)


def head_tail_ratio(ratios: Sequence[float]) -> float | None:
    """Mean delivery ratio of the tail third over that of the head third, users in order from head to tail.

    None where the head third got nothing. Raises ValueError for fewer than three users.
    """
    third = len(ratios) // 3
    if third == 0:
        raise ValueError("at least three users are needed")
    head = fmean(ratios[:third])
    return None if head == 0 else fmean(ratios[-third:]) / head

"""How good a nowcast was. Beating persistence (PI above 0) is the honest measure; KGE is the 2009 form.

NSE, KGE and RMSE agree with two published libraries on the reference vector.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import sqrt
from statistics import fmean


def _pairs(observed: Sequence[float], simulated: Sequence[float]) -> None:
    if len(observed) != len(simulated) or len(observed) < 2:
        raise ValueError("observed and simulated must have the same length, at least 2")


def _squares(observed: Sequence[float], simulated: Sequence[float]) -> float:
    return sum((o - s) ** 2 for o, s in zip(observed, simulated, strict=True))


def nse(observed: Sequence[float], simulated: Sequence[float]) -> float:
    """Nash-Sutcliffe efficiency, `1 - SSE/SST`. Raises ValueError for observations that do not move."""
    _pairs(observed, simulated)
    mean = fmean(observed)
    total = sum((o - mean) ** 2 for o in observed)
    if total == 0:
        raise ValueError("the observations do not move")
    return 1 - _squares(observed, simulated) / total


def persistence_index(observed: Sequence[float], simulated: Sequence[float], lead: int) -> float:
    """`1 - SSE/sum (o_t - o_{t-L})^2`, both sums from t = L on: 0 is as good as "it stays as it is".

    Raises ValueError for a lead below 1 or beyond the series, or observations that do not move.
    """
    _pairs(observed, simulated)
    if not 1 <= lead < len(observed):
        raise ValueError("the lead must be at least 1 and shorter than the series")
    still = sum((b - a) ** 2 for a, b in zip(observed, observed[lead:], strict=False))
    if still == 0:
        raise ValueError("the observations do not move")
    return 1 - _squares(observed[lead:], simulated[lead:]) / still


def forecast_index(observed: Sequence[float], forecast: Sequence[float], before: Sequence[float]) -> float:
    """The persistence index of single forecasts, `1 - SSE/sum (o - b)^2`, b what was observed when each was made.

    Raises ValueError for unequal lengths or observations that did not move.
    """
    _pairs(observed, forecast)
    still = _squares(observed, before)
    if still == 0:
        raise ValueError("the observations do not move")
    return 1 - _squares(observed, forecast) / still


@dataclass(frozen=True, slots=True)
class Kge:
    """Kling-Gupta efficiency with its parts: correlation, ratio of deviations, ratio of means."""

    value: float
    r: float
    alpha: float
    beta: float


def kge(observed: Sequence[float], simulated: Sequence[float]) -> Kge:
    """`1 - sqrt((r-1)^2 + (alpha-1)^2 + (beta-1)^2)`. Raises ValueError where r or beta are not defined."""
    _pairs(observed, simulated)
    mo, ms = fmean(observed), fmean(simulated)
    so = sqrt(sum((o - mo) ** 2 for o in observed))
    ss = sqrt(sum((s - ms) ** 2 for s in simulated))
    if so == 0 or ss == 0 or mo == 0:
        raise ValueError("a series does not move, or the observations' mean is 0")
    r = sum((o - mo) * (s - ms) for o, s in zip(observed, simulated, strict=True)) / (so * ss)
    alpha, beta = ss / so, ms / mo
    return Kge(1 - sqrt((r - 1) ** 2 + (alpha - 1) ** 2 + (beta - 1) ** 2), r, alpha, beta)


def rmse(observed: Sequence[float], simulated: Sequence[float]) -> float:
    """Root of the mean square error, in the values' unit."""
    _pairs(observed, simulated)
    return sqrt(_squares(observed, simulated) / len(observed))


def pbias(observed: Sequence[float], simulated: Sequence[float]) -> float:
    """`100 sum(o - s)/sum(o)` (hydroeval's sign: positive is too low). Raises ValueError for a sum of 0."""
    _pairs(observed, simulated)
    total = sum(observed)
    if total == 0:
        raise ValueError("the observations sum to 0")
    return 100 * sum(o - s for o, s in zip(observed, simulated, strict=True)) / total


@dataclass(frozen=True, slots=True)
class Contingency:
    """Warnings against events: hits, misses, false alarms. The scores are None where there is nothing to divide by."""

    hits: int
    misses: int
    false_alarms: int

    @property
    def pod(self) -> float | None:
        """Probability of detection, H/(H+M)."""
        return self.hits / (self.hits + self.misses) if self.hits + self.misses else None

    @property
    def far(self) -> float | None:
        """False alarm ratio, F/(H+F)."""
        return self.false_alarms / (self.hits + self.false_alarms) if self.hits + self.false_alarms else None

    @property
    def csi(self) -> float | None:
        """Critical success index, H/(H+M+F)."""
        total = self.hits + self.misses + self.false_alarms
        return self.hits / total if total else None

    @property
    def bias(self) -> float | None:
        """Warnings over events, (H+F)/(H+M)."""
        events = self.hits + self.misses
        return (self.hits + self.false_alarms) / events if events else None


def brier(probabilities: Sequence[float], happened: Sequence[bool]) -> float:
    """Brier score, 0 is best. Raises ValueError for unequal lengths, none, or a probability outside 0 to 1."""
    if len(probabilities) != len(happened) or not probabilities:
        raise ValueError("probabilities and events must have the same length, at least 1")
    if any(not 0 <= p <= 1 for p in probabilities):
        raise ValueError("a probability is outside 0 to 1")
    return fmean((p - event) ** 2 for p, event in zip(probabilities, happened, strict=True))

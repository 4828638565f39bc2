"""From an upstream gauge to a downstream one: lag by correlation, stage regression, wave celerity, Muskingum."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from math import ceil, sqrt
from statistics import fmean


def correlation(x: Sequence[float], y: Sequence[float]) -> float | None:
    """Pearson's r; None for a column that does not move."""
    mx, my = fmean(x), fmean(y)
    sxx = sum((a - mx) ** 2 for a in x)
    syy = sum((b - my) ** 2 for b in y)
    if sxx == 0 or syy == 0:
        return None
    return sum((a - mx) * (b - my) for a, b in zip(x, y, strict=True)) / sqrt(sxx * syy)


def lag_correlations(upstream: Sequence[float], downstream: Sequence[float], max_lag: int) -> list[float | None]:
    """r of the two series' *changes* at lags 0..max_lag steps (downstream later). Equal steps, equal length.

    Raises ValueError for unequal lengths or too few readings for the longest lag.
    """
    if len(upstream) != len(downstream) or len(upstream) < max_lag + 4:
        raise ValueError("both series must have the same length, at least max_lag + 4")
    up = [b - a for a, b in pairwise(upstream)]
    down = [b - a for a, b in pairwise(downstream)]
    return [correlation(up[: len(up) - lag], down[lag:]) for lag in range(max_lag + 1)]


def best_lag(upstream: Sequence[float], downstream: Sequence[float], max_lag: int) -> int | None:
    """The lag in steps with the largest r; None where nothing moved."""
    found = [(r, -lag) for lag, r in enumerate(lag_correlations(upstream, downstream, max_lag)) if r is not None]
    return -max(found)[1] if found else None


@dataclass(frozen=True, slots=True)
class StageRelation:
    """`h_d(t + L) = a + b h_u(t)`, fitted to one event."""

    a: float
    b: float
    lag_steps: int

    def downstream(self, upstream: float) -> float:
        """The downstream stage, a lag later."""
        return self.a + self.b * upstream


def fit_stage_relation(upstream: Sequence[float], downstream: Sequence[float], lag_steps: int) -> StageRelation:
    """Least squares of the downstream stage on the upstream one a lag before. Raises ValueError if upstream never moved."""
    x = list(upstream[: len(upstream) - lag_steps])
    y = list(downstream[lag_steps:])
    mx, my = fmean(x), fmean(y)
    sxx = sum((value - mx) ** 2 for value in x)
    if sxx == 0:
        raise ValueError("the upstream stage never moved")
    b = sum((u - mx) * (d - my) for u, d in zip(x, y, strict=True)) / sxx
    return StageRelation(my - b * mx, b, lag_steps)


def wave_lag_s(length_m: float, velocity_m_s: float) -> float:
    """Travel time in s of a flood wave in a wide channel, celerity 5/3 of the mean velocity (Manning)."""
    if length_m <= 0 or velocity_m_s <= 0:
        raise ValueError("length and velocity must be positive")
    return length_m / (5 / 3 * velocity_m_s)


@dataclass(frozen=True, slots=True)
class Muskingum:
    """`S = K [x I + (1 - x) O]` in steps of `dt`; K and dt in the same unit of time.

    Coefficients are all non-negative only for `2 K x <= dt <= 2 K (1 - x)`: outside, a rising inflow first lowers the
    outflow, so it is refused; split the reach (`reaches`). An honest forecast reaches no further than the travel time.
    Raises ValueError for K or dt not positive, x outside 0 to .5, or a step outside the bounds.
    """

    k: float
    x: float
    dt: float

    def __post_init__(self) -> None:
        if self.k <= 0 or self.dt <= 0 or not 0 <= self.x <= 0.5:
            raise ValueError("K and dt must be positive, x in 0 to .5")
        if min(self.coefficients()) < -1e-12:
            raise ValueError(f"need 2Kx <= dt <= 2K(1-x): {2 * self.k * self.x:g} to {2 * self.k * (1 - self.x):g}")

    def coefficients(self) -> tuple[float, float, float]:
        """C0, C1, C2 of `O2 = C0 I2 + C1 I1 + C2 O1`; their sum is 1."""
        down = self.k - self.k * self.x + self.dt / 2
        c0 = (self.dt / 2 - self.k * self.x) / down
        c1 = (self.dt / 2 + self.k * self.x) / down
        return c0, c1, (self.k - self.k * self.x - self.dt / 2) / down

    def route(self, inflows: Sequence[float], first_outflow: float | None = None) -> list[float]:
        """Outflows at the inflows' times, the first one given or equal to the first inflow."""
        c0, c1, c2 = self.coefficients()
        out = [inflows[0] if first_outflow is None else first_outflow]
        for before, after in pairwise(inflows):
            out.append(c0 * after + c1 * before + c2 * out[-1])
        return out


def reaches(k: float, x: float, dt: float) -> int:
    """Into how many equal parts a reach must be cut so that a step `dt` is not below 2 K x of a part."""
    if k <= 0 or dt <= 0:
        raise ValueError("K and dt must be positive")
    return max(1, ceil(2 * k * x / dt - 1e-12))

"""Fitting a rating of one to three power segments to gaugings, by least squares of ln Q. SciPy is imported on use.

Install the extra `fitting`. One segment: for each e the line of ln Q on ln(h - e) is exact, so only e is searched. More:
every choice of breaks between the points gives a start (separate fits, joined where they cross), and the best few are
polished together, continuous at the breaks.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations, pairwise
from math import exp, inf, isfinite, log, sqrt
from typing import Any

from hydrology.curve_tests import CurveTests, curve_tests
from hydrology.rating import PowerRating, Quality, Segment

MIN_POINTS = 4
"""Points a segment needs at least: one more than its parameters."""
MAX_STARTS = 6
MAX_BREAK_CANDIDATES = 24
_WORST = 1e6
_CEILING_B = 6.0
"""No control of water has a higher exponent; without a bound three close points ask for one."""


class FittingError(ValueError):
    """The gaugings do not carry the fit that was asked for."""


@dataclass(frozen=True, slots=True)
class Fit:
    """A fitted rating and how well it holds. Residuals are ln(Q measured / Q rated), in the order of the stages.

    `standard_error_ln` has N - p degrees of freedom (p = 3 a segment), `rms_ln` has N. `uncertainty_pct` is the 95 %
    half-width about the curve, `t * standard error` as a percentage, by Student's t.
    """

    rating: PowerRating
    stages_m: tuple[float, ...]
    flows_m3s: tuple[float, ...]
    residuals_ln: tuple[float, ...]
    standard_error_ln: float
    rms_ln: float
    uncertainty_pct: float
    tests: CurveTests


def fit_rating(stages_m: Sequence[float], flows_m3s: Sequence[float], segments: int = 1, name: str = "") -> Fit:
    """Fit `segments` (1 to 3) power segments to gaugings. Raises FittingError, or ImportError without SciPy."""
    if not 1 <= segments <= 3:
        raise FittingError("a rating is fitted with 1 to 3 segments")
    points = _sorted(stages_m, flows_m3s)
    if len(points) < MIN_POINTS * segments:
        raise FittingError(f"{segments} segments need {MIN_POINTS * segments} gaugings, there are {len(points)}")
    h = [stage for stage, _ in points]
    y = [log(flow) for _, flow in points]
    if h[-1] - h[0] <= 0:
        raise FittingError("all gaugings are at one stage")
    parts = _fit_one(h, y) if segments == 1 else _fit_many(h, y, segments)
    residuals = [value - log(max(_flow(parts, stage), 1e-300)) for stage, value in zip(h, y, strict=True)]
    square = sum(r * r for r in residuals)
    freedom = len(h) - 3 * segments
    error = sqrt(square / freedom)
    flows = tuple(flow for _, flow in points)
    rating = PowerRating(tuple(parts), Quality(h[0], h[-1], max(flows), error), name)
    return Fit(
        rating,
        tuple(h),
        flows,
        tuple(residuals),
        error,
        sqrt(square / len(h)),
        100 * (exp(_student_t(freedom) * error) - 1),
        curve_tests(residuals),
    )


def _sorted(stages_m: Sequence[float], flows_m3s: Sequence[float]) -> list[tuple[float, float]]:
    if len(stages_m) != len(flows_m3s):
        raise FittingError("stages and flows differ in number")
    for stage, flow in zip(stages_m, flows_m3s, strict=True):
        if not (isfinite(stage) and isfinite(flow) and flow > 0):
            raise FittingError(f"gauging ({stage}, {flow}): the flow must be positive, both must be numbers")
    return sorted(zip(stages_m, flows_m3s, strict=True))


def _flow(parts: Sequence[Segment], stage: float) -> float:
    found = parts[0]
    for part in parts[1:]:
        if stage >= part.start_m:
            found = part
    return found.flow_m3s(stage)


def _student_t(freedom: int) -> float:
    from scipy.stats import t

    return float(t.ppf(0.975, freedom))


def _line(h: Sequence[float], y: Sequence[float], e: float) -> tuple[float, float, float]:
    """ln a, b and the sum of squares of the line of y on ln(h - e)."""
    x = [log(stage - e) for stage in h]
    n = len(x)
    mx, my = sum(x) / n, sum(y) / n
    sxx = sum((u - mx) ** 2 for u in x)
    if sxx == 0:
        return my, 1.0, inf
    b = sum((u - mx) * (w - my) for u, w in zip(x, y, strict=True)) / sxx
    b = min(max(b, 0.1), _CEILING_B)
    ln_a = my - b * mx
    return ln_a, b, sum((w - ln_a - b * u) ** 2 for u, w in zip(x, y, strict=True))


def _fit_one(h: Sequence[float], y: Sequence[float]) -> list[Segment]:
    """The best single segment: e searched in ln(lowest stage - e), first on a grid, then to the end."""
    from scipy.optimize import minimize_scalar

    span = max(h[-1] - h[0], 1e-6)

    def cost(u: float) -> float:
        return _line(h, y, h[0] - span * exp(u))[2]

    grid = [-14 + 0.5 * k for k in range(34)]
    best = min(grid, key=cost)
    found: Any = minimize_scalar(cost, bounds=(best - 0.5, best + 0.5), method="bounded", options={"xatol": 1e-12})
    u = float(found.x) if found.fun <= cost(best) else best
    e = h[0] - span * exp(u)
    ln_a, b, _ = _line(h, y, e)
    return [Segment(exp(ln_a), e, b)]


def _crossing(below: Segment, above: Segment, low: float, high: float) -> float:
    """The stage between two points where two segments meet, or the middle where they do not."""
    from scipy.optimize import brentq

    def gap(stage: float) -> float:
        return log(max(below.flow_m3s(stage), 1e-300)) - log(max(above.flow_m3s(stage), 1e-300))

    if gap(low) * gap(high) >= 0:
        return (low + high) / 2
    return float(brentq(gap, low, high))


def _fit_many(h: Sequence[float], y: Sequence[float], segments: int) -> list[Segment]:
    from scipy.optimize import least_squares

    starts: list[tuple[float, list[Segment], list[float]]] = []
    cuts = range(MIN_POINTS, len(h) - MIN_POINTS + 1)
    thinned = cuts[:: max(1, len(cuts) // MAX_BREAK_CANDIDATES)]
    fitted: dict[tuple[int, int], list[Segment]] = {}
    for chosen in combinations(thinned, segments - 1):
        edges = [0, *chosen, len(h)]
        if any(after - before < MIN_POINTS or h[after - 1] <= h[before] for before, after in pairwise(edges)):
            continue
        pieces = []
        square = 0.0
        for before, after in pairwise(edges):
            if (before, after) not in fitted:
                fitted[before, after] = _fit_one(h[before:after], y[before:after])
            (piece,) = fitted[before, after]
            pieces.append(piece)
            square += _line(h[before:after], y[before:after], piece.e_m)[2]
        breaks = [
            _crossing(one, two, h[cut - 1], h[cut]) for (one, two), cut in zip(pairwise(pieces), chosen, strict=True)
        ]
        starts.append((square, pieces, breaks))
    if not starts:
        raise FittingError(f"the gaugings cannot be cut into {segments} parts")
    starts.sort(key=lambda start: start[0])

    def cost(x: Any) -> list[float]:
        parts = _parts(x, h)
        if parts is None:
            return [_WORST] * len(h)
        return [value - log(max(_flow(parts, stage), 1e-300)) for stage, value in zip(h, y, strict=True)]

    best: list[Segment] | None = None
    least = inf
    for _, pieces, breaks in starts[:MAX_STARTS]:
        first = pieces[0]
        x0 = [log(first.a), log(h[0] - first.e_m), first.b]
        for piece, at in zip(pieces[1:], breaks, strict=True):
            x0 += [at, log(max(at - piece.e_m, 1e-6)), piece.b]
        found: Any = least_squares(cost, x0, x_scale="jac", xtol=1e-15, ftol=1e-15, gtol=1e-15, max_nfev=400)
        parts = _parts(found.x, h)
        if parts is not None and found.cost < least:
            best, least = parts, float(found.cost)
    if best is None:
        raise FittingError(f"no continuous rating of {segments} segments fits these gaugings")
    return best


def _parts(x: Sequence[float], h: Sequence[float]) -> list[Segment] | None:
    """Parameters as continuous segments; None where they make none. For each further segment: break, ln(break - e), b."""
    ln_a, ln_depth, b = float(x[0]), float(x[1]), float(x[2])
    if abs(ln_a) > 50 or abs(ln_depth) > 20 or not 0.05 < b <= _CEILING_B:
        return None
    parts = [Segment(exp(ln_a), h[0] - exp(ln_depth), b)]
    for k in range(3, len(x), 3):
        at, ln_above, b = float(x[k]), float(x[k + 1]), float(x[k + 2])
        if not (max(parts[-1].start_m, h[0]) < at < h[-1]) or abs(ln_above) > 20 or not 0.05 < b <= _CEILING_B:
            return None
        flow = parts[-1].flow_m3s(at)
        if flow <= 0:
            return None
        parts.append(Segment(flow / exp(ln_above * b), at - exp(ln_above), b, at))
    return parts

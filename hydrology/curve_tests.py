"""Tests of a rating against its gaugings: bias, signs and runs (after ISO 1100-2, from memory, unverified)."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from math import exp, sqrt

Z_95 = 1.959963984540054
MAX_BIAS_PCT = 5.0


@dataclass(frozen=True, slots=True)
class CurveTests:
    """What the residuals, taken by rising stage, say. Each `..._ok` is at 95 %.

    `bias_pct` is the mean residual as a percentage. Signs: as many gaugings above as below. Runs: the signs change as often
    as chance would have it; too few runs are a bend that the curve does not follow, too many are
    gaugings that alternate about it, as two mixed sets would.
    """

    bias_pct: float
    bias_ok: bool
    above: int
    below: int
    signs_ok: bool
    runs: int
    runs_ok: bool
    too_many_runs: bool = False


def curve_tests(residuals_ln: Sequence[float]) -> CurveTests:
    """Test residuals ln(Q measured / Q rated), sorted by stage. Raises ValueError for none."""
    if not residuals_ln:
        raise ValueError("there are no residuals")
    bias = 100 * (exp(sum(residuals_ln) / len(residuals_ln)) - 1)
    signs = [r > 0 for r in residuals_ln if r != 0]
    above, n = sum(signs), len(signs)
    below = n - above
    signs_ok = n == 0 or (abs(above - n / 2) - 0.5) / (sqrt(n) / 2) <= Z_95
    runs = 0 if n == 0 else 1 + sum(a != b for a, b in pairwise(signs))
    runs_ok, too_many = True, False
    if above and below and n > 2:
        expected = 1 + 2 * above * below / n
        variance = (expected - 1) * (expected - 2) / (n - 1)
        runs_ok = variance <= 0 or abs(runs - expected) / sqrt(variance) <= Z_95
        too_many = not runs_ok and runs > expected
    return CurveTests(bias, abs(bias) < MAX_BIAS_PCT, above, below, signs_ok, runs, runs_ok, too_many)

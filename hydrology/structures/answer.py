"""The answer of every flow law, and the rules that all of them share: no head, out of range, uncertainty."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from math import isfinite, sqrt

from wire.flags import Flag


@dataclass(frozen=True, slots=True)
class Discharge:
    """A discharge in m3/s and all that is known of it.

    `value_m3s` is None exactly where the flag is 4 (the law has no answer here) or 9 (no head). `regime` names the
    equation's branch. `uncertainty_pct` is at 95 %, None where the source gives none and
    where the flag is not 1: what a source says of a law does not hold outside it. `source` names the law and how far
    it was verified. `notes` say, in words, every reason for a flag. With `upper_bound` the true value is at most this.
    """

    value_m3s: float | None
    flag: Flag
    regime: str
    uncertainty_pct: float | None
    source: str
    notes: tuple[str, ...] = ()
    upper_bound: bool = False

    def suspect(self, *notes: str) -> "Discharge":
        """The same answer with flag 3 (4 and 9 stay), no uncertainty, and further notes."""
        flag = Flag.SUSPECT if self.flag in (Flag.PASS, Flag.NOT_EVALUATED) else self.flag
        return replace(self, flag=flag, uncertainty_pct=None, notes=self.notes + notes)

    def times(self, count: int) -> "Discharge":
        """The flow of `count` equal structures side by side."""
        if count == 1 or self.value_m3s is None:
            return self
        return replace(self, value_m3s=self.value_m3s * count)


@dataclass(frozen=True, slots=True)
class HeadRange:
    """The heads in m for which a law is stated."""

    low_m: float
    high_m: float

    def notes(self, head_m: float) -> tuple[str, ...]:
        """Why a head is outside, in words; empty inside."""
        if head_m < self.low_m:
            return (f"below rated range: head {head_m:.4g} m, stated from {self.low_m:.4g} m",)
        if head_m > self.high_m:
            return (f"extrapolated: head {head_m:.4g} m, stated to {self.high_m:.4g} m",)
        return ()


CANAL = HeadRange(-3.0, 30.0)
"""Heads that can be at a weir or flume (our rule): no canal bed lies lower below a crest, and no canal is so deep."""
GATE = HeadRange(-30.0, 350.0)
DAM = HeadRange(-350.0, 350.0)
"""No dam is higher than 335 m."""
BELOW_BED_M = 1.0
"""How far below the bed the water in a gauge well may stand."""
REVERSED = "the tail is above the head: reversed flow or a zero error"
DRY_TAIL_M = 0.05
LOWEST_TAIL_M = -50.0
"""No canal falls deeper behind a structure (our rule)."""


def judged(
    flow_m3s: float, regime: str, uncertainty_pct: float | None, source: str, notes: tuple[str, ...] = ()
) -> Discharge:
    """A law's answer: suspect where notes say why, and then without the source's uncertainty."""
    flag = Flag.SUSPECT if notes else Flag.PASS
    return Discharge(flow_m3s, flag, regime, None if notes else uncertainty_pct, source, notes)


def no_flow(head_m: float, source: str, heads: HeadRange, tail_m: float | None = None) -> Discharge | None:
    """The answer where no law need be asked: a head that cannot be (flag 4, no value), or a dry crest; else None.

    Over a crest that is dry upstream a tail may stand `DRY_TAIL_M` high, two dry sensors' noise; more is flag 4.
    """
    if not heads.low_m <= head_m <= heads.high_m:
        where = f"{head_m:.4g} m, which cannot be ({heads.low_m:g} to {heads.high_m:g} m)"
        note = f"outside the rated range: flagged, not guessed. The head is {where}: look at its unit and its zero"
        return no_answer("impossible head", source, note)
    if head_m > 0:
        return None
    if tail_m is not None and isfinite(tail_m) and tail_m > DRY_TAIL_M:
        return no_answer("reverse", source, REVERSED)
    return dry(source)


def no_tail(tail_m: float | None, lowest_m: float = LOWEST_TAIL_M) -> str:
    """Why there is no tail level, or the one that is given cannot be used; empty where it can."""
    if tail_m is None or is_missing(tail_m):
        return "no tail level: taken as free"
    if tail_m < lowest_m:
        return f"the tail level, {tail_m:.4g} m, cannot be: taken as free; look at its unit and its zero"
    return ""


def missing(source: str) -> Discharge:
    """The answer to no head: flag 9, no value."""
    return Discharge(None, Flag.MISSING, "missing", None, source, ("no head",))


def no_answer(regime: str, source: str, note: str) -> Discharge:
    """The answer where a law has none: flag 4, no value."""
    return Discharge(None, Flag.FAIL, regime, None, source, (note,))


def dry(source: str, notes: tuple[str, ...] = ()) -> Discharge:
    """The answer to a head at or below zero: no flow, which is not a missing value."""
    return Discharge(0.0, Flag.SUSPECT if notes else Flag.PASS, "no flow", None, source, notes)


def is_missing(*levels_m: float | None) -> bool:
    """Whether one of the levels is None, NaN or infinite."""
    return any(level is None or not isfinite(level) for level in levels_m)


def check_positive(**lengths: float) -> None:
    """Raise ValueError unless each is a positive finite number."""
    for name, value in lengths.items():
        if not (isfinite(value) and value > 0):
            raise ValueError(f"{name} = {value} must be a positive number")


def combined_uncertainty_pct(
    coefficient_pct: float,
    exponent: float,
    head_m: float,
    head_u_m: float = 0.0,
    width_m: float = 1.0,
    width_u_m: float = 0.0,
) -> float:
    """Relative uncertainty of a head structure in %, `sqrt(uC^2 + (n uh/h)^2 + (ub/b)^2)`, all at the same level.

    `head_u_m` and `width_u_m` are half-widths in m. Cross-checked: it is the law's derivative.
    """
    head_pct = 100 * exponent * head_u_m / head_m
    return sqrt(coefficient_pct**2 + head_pct**2 + (100 * width_u_m / width_m) ** 2)


def solve_rising(target: float, function: Callable[[float], float], low: float, high: float) -> float:
    """The x in low..high where a rising function reaches `target`, to 1e-12 of the interval (bisection)."""
    for _ in range(60):
        middle = 0.5 * (low + high)
        if function(middle) < target:
            low = middle
        else:
            high = middle
    return 0.5 * (low + high)

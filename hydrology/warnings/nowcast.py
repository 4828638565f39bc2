"""What a gauge will show when the water that has passed the gauge above it arrives: a trend with its spread, no forecast. Pure.

Two ways. *Muskingum*: the discharge above is routed down, its last value held. *Lag*: the gauge below moves as the gauge above
has moved a travel time before, times a factor that least squares finds from such pairs of moves so far. Both begin at what the
gauge below shows now, and reach no further than the travel time: what comes later has not passed the gauge above yet.

How good that is, is found by doing it at every step of the readings with what was known then: the spread is the middle 80 % of
those errors, and the persistence index and KGE say if it beats "it stays as it is".
"""

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil
from typing import Protocol

from hydrology.warnings.routing import Muskingum, best_lag, reaches
from hydrology.warnings.skill import forecast_index, kge, rmse

LABEL = "carried down from the gauge above; no forecast"
SPREAD = (0.1, 0.9)
LEAST_FOR_SPREAD = 20
"""Errors from which a spread is told."""
LEAST_MOVES = 24
"""Pairs of moves from which a factor is believed."""
MOST_STEPS = 200
"""Of a travel time."""
WARM_UP = 2
"""Travel times after a gap until the routing has forgotten how it began."""

Values = Sequence[float | None]
"""Of equal steps of time; None where nothing is known."""


class Way(Protocol):
    """One way to carry water down, fed step by step."""

    steps: int
    """How many steps it looks ahead."""

    def step(self, above: float | None, below: float | None) -> list[float] | None:
        """The values below after 1 to `steps` further steps; None where it cannot tell."""
        ...


class ByMuskingum:
    """Routing of discharge. The travel time K is cut into whole steps, and the reach where the step asks for it."""

    def __init__(self, k_s: float, x: float, interval_s: float) -> None:
        self.steps = min(max(1, round(k_s / interval_s)), MOST_STEPS)
        self.step_s = k_s / self.steps
        parts = reaches(k_s, x, self.step_s)
        self._part = Muskingum(k_s / parts, x, self.step_s)
        self._parts = parts
        self._flows: list[list[float]] = []
        """Of each part the inflow and the outflow of the last step."""
        self._seen = 0

    def step(self, above: float | None, below: float | None) -> list[float] | None:
        """See Way."""
        if above is None:
            self._flows, self._seen = [], 0
            return None
        if not self._flows:
            self._flows = [[above, above] for _ in range(self._parts)]
        else:
            self._route(self._flows, above)
        self._seen += 1
        if below is None or self._seen <= WARM_UP * self.steps:
            return None
        missed = below - self._flows[-1][1]
        flows = [list(one) for one in self._flows]
        return [max(self._route(flows, above) + missed, 0.0) for _ in range(self.steps)]

    def _route(self, flows: list[list[float]], inflow: float) -> float:
        for part in flows:
            inflow, part[0], part[1] = self._next(part, inflow), inflow, self._next(part, inflow)
        return inflow

    def _next(self, part: list[float], inflow: float) -> float:
        c0, c1, c2 = self._part.coefficients()
        return c0 * inflow + c1 * part[0] + c2 * part[1]


class ByLag:
    """Moves of the gauge above, a number of steps later and times a factor; the factor so far is used, never a later one."""

    def __init__(self, steps: int) -> None:
        self.steps = steps
        self._above: deque[float | None] = deque(maxlen=2 * steps + 1)
        self._below: deque[float | None] = deque(maxlen=steps + 1)
        self._moves = 0
        self._xx = self._xy = 0.0

    @property
    def factor(self) -> float | None:
        """How far the gauge below moves for one of the gauge above."""
        return self._xy / self._xx if self._moves >= LEAST_MOVES and self._xx > 0 else None

    def step(self, above: float | None, below: float | None) -> list[float] | None:
        """See Way."""
        self._above.append(above)
        self._below.append(below)
        lag, held = self.steps, list(self._above)
        before = self._below[0] if len(self._below) > lag else None
        if len(held) > 2 * lag and below is not None and before is not None:
            first, last = held[0], held[lag]
            if first is not None and last is not None:
                self._moves += 1
                self._xx += (last - first) ** 2
                self._xy += (last - first) * (below - before)
        factor, since = self.factor, held[-lag - 1 :]
        if factor is None or below is None or len(since) <= lag or since[0] is None:
            return None
        out = []
        for one in since[1:]:
            if one is None:
                return None
            out.append(below + factor * (one - since[0]))
        return out


def found_lag(above: Values, below: Values, most: int) -> int | None:
    """The lag in steps by correlation of the changes, over the longest stretch that both know; None where none stands out."""
    known = [a is not None and b is not None for a, b in zip(above, below, strict=True)]
    best, start = (0, 0), None
    for at, is_known in enumerate([*known, False]):
        if is_known and start is None:
            start = at
        elif not is_known and start is not None:
            best, start = max(best, (at - start, start)), None
    length, first = best
    if length < 4 * LEAST_MOVES:
        return None
    up = [value for value in above[first : first + length] if value is not None]
    down = [value for value in below[first : first + length] if value is not None]
    return best_lag(up, down, min(most, length // 4)) or None


@dataclass(frozen=True, slots=True)
class Skill:
    """How good past answers at one lead were: over so many, against persistence (0: no better), and KGE (1: perfect).

    None where it is not defined: too few, or nothing moved.
    """

    lead_s: float
    answers: int
    persistence_index: float | None
    kge: float | None
    rmse: float | None


def skill(lead_s: float, rows: Sequence[tuple[float, float, float]]) -> Skill:
    """Of (observed, answered, what it was when answered)."""
    observed, answered, before = [r[0] for r in rows], [r[1] for r in rows], [r[2] for r in rows]
    if len(rows) < 2:
        return Skill(lead_s, len(rows), None, None, None)
    try:
        index = forecast_index(observed, answered, before)
    except ValueError:
        index = None
    try:
        kling = kge(observed, answered).value
    except ValueError:
        kling = None
    return Skill(lead_s, len(rows), index, kling, rmse(observed, answered))


@dataclass(frozen=True, slots=True)
class Ahead:
    """The value after a lead, and the spread that 80 % of the past errors had; None where there were too few."""

    lead_s: float
    value: float
    low: float | None
    high: float | None


@dataclass(frozen=True, slots=True)
class Nowcast:
    """From the last step on: what the gauge below shows there, the values ahead, and the skill at the longest lead."""

    now: float
    ahead: tuple[Ahead, ...]
    skill: Skill
    label: str = LABEL


def nowcast(way: Way, step_s: float, above: Values, below: Values, least: float | None = None) -> Nowcast | None:
    """Feed a way with all steps; what it says at the last one, with the spread of what it said before.

    `least` is the lowest value there is (0 for a discharge). None where it cannot tell at the last step.
    """
    said = [way.step(a, b) for a, b in zip(above, below, strict=True)]
    if not said or said[-1] is None:
        return None
    now = below[-1]
    assert now is not None
    errors: list[list[float]] = [[] for _ in range(way.steps)]
    rows: list[tuple[float, float, float]] = []
    for at, ahead in enumerate(said):
        for lead, value in enumerate(ahead or (), 1):
            observed = below[at + lead] if at + lead < len(below) else None
            if observed is None:
                continue
            errors[lead - 1].append(observed - value)
            before = below[at]
            if lead == way.steps and before is not None:
                rows.append((observed, value, before))
    out = []
    for lead, value in enumerate(said[-1], 1):
        low, high = _spread(errors[lead - 1])
        low = None if low is None else value + low
        out.append(
            Ahead(
                lead * step_s,
                value,
                low if low is None or least is None else max(low, least),
                None if high is None else value + high,
            )
        )
    return Nowcast(now, tuple(out), skill(way.steps * step_s, rows))


def _spread(errors: list[float]) -> tuple[float | None, float | None]:
    """Of the errors, widened to hold no error at all: a way that always missed to one side is not that sure of it."""
    if len(errors) < LEAST_FOR_SPREAD:
        return None, None
    ordered = sorted(errors)
    low, high = SPREAD
    return (
        min(ordered[int(low * (len(ordered) - 1))], 0.0),
        max(ordered[ceil(high * (len(ordered) - 1))], 0.0),
    )


def on_steps(
    times_s: Sequence[float], values: Values, end_s: float, step_s: float, steps: int, gap_s: float
) -> list[float | None]:
    """The values at `steps` equal steps that end at a time, linear between two readings no further apart than a gap."""
    known = [(t, v) for t, v in zip(times_s, values, strict=True) if v is not None]
    out: list[float | None] = []
    at = 0
    for step in range(steps):
        t = end_s - (steps - 1 - step) * step_s
        while at < len(known) and known[at][0] < t:
            at += 1
        if at < len(known) and known[at][0] == t:
            out.append(known[at][1])
        elif 0 < at < len(known) and known[at][0] - known[at - 1][0] <= gap_s:
            (t1, v1), (t2, v2) = known[at - 1], known[at]
            out.append(v1 + (v2 - v1) * (t - t1) / (t2 - t1))
        else:
            out.append(None)
    return out

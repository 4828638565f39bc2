"""How a flow goes down a reach: a pure delay, then one linear reservoir. On a grid of times, and exact there: what went in
is what came out and what is still inside, to the last digit.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import floor

GRID_S = 120.0


@dataclass(frozen=True, slots=True)
class Reach:
    """A reach with its delay in steps of the grid and the time constant of its storage."""

    lag_steps: int
    tau_s: float

    @classmethod
    def of_travel_time(cls, travel_s: float) -> "Reach":
        """Three quarters of the travel time are delay, the rest is storage; together they are the mean time of the water."""
        lag = floor(0.75 * travel_s / GRID_S)
        return cls(lag, travel_s - lag * GRID_S)


@dataclass(frozen=True, slots=True)
class Routed:
    """What leaves a reach (m3/s), and what is inside it (m3), at every node."""

    flow_m3s: list[float]
    stored_m3: list[float]


def route(flow_m3s: Sequence[float], reach: Reach) -> Routed:
    """Send a flow, given at every node, down a reach that held the first node's flow for ever before.

    dS/dt = in - S / tau by the trapezoidal rule, so that volumes by trapezoids close.
    """
    lag, share = reach.lag_steps, GRID_S / (2.0 * reach.tau_s)
    first = flow_m3s[0]
    waiting = first * lag * GRID_S
    inside = first * reach.tau_s
    out, stored = [first], [waiting + inside]
    for n in range(1, len(flow_m3s)):
        early, late = (flow_m3s[max(k - lag, 0)] for k in (n - 1, n))
        entered = (flow_m3s[n - 1] + flow_m3s[n]) / 2.0 * GRID_S
        arrived = (early + late) / 2.0 * GRID_S
        waiting += entered - arrived
        inside = (inside * (1.0 - share) + arrived) / (1.0 + share)
        out.append(inside / reach.tau_s)
        stored.append(waiting + inside)
    return Routed(out, stored)

"""How water answers a step at a gate: nothing for the lag, then a first-order approach that ends in a finite time."""

from math import exp


def first_order(elapsed_s: float, tau_s: float, end_s: float) -> float:
    """0 before the step, 1 from `end_s` on, and (1 - exp(-t/tau)) between, scaled so that both ends meet.

    The finite end makes the state depend on the last step alone, and so computable for any time by itself.
    """
    if elapsed_s <= 0.0:
        return 0.0
    if elapsed_s >= end_s:
        return 1.0
    return (1.0 - exp(-elapsed_s / tau_s)) / (1.0 - exp(-end_s / tau_s))


def ramp(elapsed_s: float, duration_s: float) -> float:
    """0 before, 1 after, straight between: a gate that travels."""
    return min(1.0, max(0.0, elapsed_s / duration_s))

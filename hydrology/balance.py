"""A reservoir's water balance: inflow from the change of storage, and level-pool routing. m3, m3/s, seconds.

The level's noise dominates: 1 cm on 50 km2 is 0.5 hm3, 5.8 m3/s over a day. So levels are averaged and the window is hours.
"""

from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from wire.flags import Flag

MIN_WINDOW_S = 3 * 3600.0
"""The shortest window over which a balance is more than the level's noise."""

Sample = tuple[float, float]
"""(seconds, value); sequences of them rise in time."""


def value_at(samples: Sequence[Sample], t_s: float) -> float:
    """A sampled quantity at a time, linear between samples. Raises ValueError outside them."""
    times = [t for t, _ in samples]
    at = bisect_left(times, t_s)
    if at < len(times) and times[at] == t_s:
        return samples[at][1]
    if at in (0, len(times)):
        raise ValueError(f"{t_s} s is outside the samples")
    (t1, v1), (t2, v2) = samples[at - 1], samples[at]
    return v1 + (v2 - v1) * (t_s - t1) / (t2 - t1)


def end_of_period_mean(samples: Sequence[Sample], start_s: float, end_s: float) -> float:
    """Mean over a window of values that hold for the period before their time (as hydropower reports releases).

    Raises ValueError if the last sample ends before the window.
    """
    if end_s <= start_s:
        raise ValueError("the window must end after it starts")
    total, before = 0.0, start_s
    for t, value in samples:
        if t <= start_s:
            continue
        until = min(t, end_s)
        total += value * (until - before)
        before = until
        if before >= end_s:
            return total / (end_s - start_s)
    raise ValueError("the samples end before the window does")


def storage_rate_m3s(storage_m3: Sequence[Sample], start_s: float, end_s: float) -> float:
    """Change of storage over a window in m3/s, with linear interpolation at its ends."""
    return (value_at(storage_m3, end_s) - value_at(storage_m3, start_s)) / (end_s - start_s)


def smoothed(samples: Sequence[Sample], width_s: float) -> list[Sample]:
    """Each value replaced by the mean of the samples within `width_s`/2 of it: for levels before a balance."""
    out: list[Sample] = []
    first = last = 0
    total = 0.0
    for t, _ in samples:
        while last < len(samples) and samples[last][0] <= t + width_s / 2:
            total += samples[last][1]
            last += 1
        while samples[first][0] < t - width_s / 2:
            total -= samples[first][1]
            first += 1
        out.append((t, total / (last - first)))
    return out


@dataclass(frozen=True, slots=True)
class Inflow:
    """Inflow in m3/s by balance. `shown_m3s` is clipped at 0 for display; the value itself never is."""

    value_m3s: float
    flag: Flag
    notes: tuple[str, ...] = ()

    @property
    def shown_m3s(self) -> float:
        """The value for a page: not below 0."""
        return max(self.value_m3s, 0.0)


def inflow(
    storage_rate: float,
    release_m3s: float,
    *,
    window_s: float,
    evaporation_m3s: float = 0.0,
    diversions_m3s: float = 0.0,
    bank_storage_rate_m3s: float = 0.0,
    rain_m3s: float = 0.0,
) -> Inflow:
    """Inflow = change of storage + release + evaporation + bank storage + diversions - rain, all in m3/s over the window.

    The balance of OpenDCS's HdbReservoirMassBalance (read). A negative inflow, and a window under 3 h, are flag 3.
    """
    value = storage_rate + release_m3s + evaporation_m3s + bank_storage_rate_m3s + diversions_m3s - rain_m3s
    notes: tuple[str, ...] = ()
    if value < 0:
        notes += ("negative inflow: the level's noise or a missing outflow",)
    if window_s < MIN_WINDOW_S:
        notes += ("window under 3 h: the level's noise dominates",)
    return Inflow(value, Flag.SUSPECT if notes else Flag.PASS, notes)


def rate_uncertainty_m3s(area_km2: float, level_u_m: float, window_s: float) -> float:
    """What a level uncertain by `level_u_m` at both ends of a window makes of the inflow, m3/s (root of the squares)."""
    return float(2**0.5 * level_u_m * area_km2 * 1e6 / window_s)


@dataclass(frozen=True, slots=True)
class Routed:
    """Level-pool routing: outflow and storage at each step's end."""

    outflow_m3s: tuple[float, ...]
    storage_m3: tuple[float, ...]


def puls(
    inflows_m3s: Sequence[float], dt_s: float, curve: Sequence[tuple[float, float]], storage_m3: float = 0.0
) -> Routed:
    """Level-pool (Puls) routing, `2 S2/dt + O2 = I1 + I2 + 2 S1/dt - O1`, through a table of (storage m3, outflow m3/s).

    The first answer is the start. The table must rise in storage and not fall in outflow; linear between its rows. Water is
    conserved to rounding. Raises ValueError for such a table, or a storage that leaves it.
    """
    if dt_s <= 0:
        raise ValueError("dt_s must be positive")
    if len(curve) < 2 or any(b[0] <= a[0] or b[1] < a[1] for a, b in pairwise(curve)):
        raise ValueError("the table must rise in storage and not fall in outflow")
    indicator = [(2 * s / dt_s + o, s) for s, o in curve]
    storage = storage_m3
    outflow = value_at(curve, storage)
    outflows, storages = [outflow], [storage]
    for before, after in pairwise(inflows_m3s):
        target = before + after + 2 * storage / dt_s - outflow
        new = value_at(indicator, target)
        outflow = target - 2 * new / dt_s
        storage = new
        outflows.append(outflow)
        storages.append(storage)
    return Routed(tuple(outflows), tuple(storages))

"""A reservoir: its inflow, the canal it feeds, the river below it, evaporation, and the water balance of all these.

The balance has to be known for any time without adding up all the days before. So the volume at each local midnight is given (the
dispatcher's plan), and the day's release to the river is what makes the day's balance end there: dV/dt = inflow - canal - river -
evaporation holds at every moment, and any day can be worked out by itself.
"""

from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise
from math import cos, floor, pi

from simulator.physics.canal import Canal
from simulator.physics.clock import DAY_S, HOUR_S, day_start, local_day, local_hour
from simulator.physics.noise import lattice, stream
from simulator.physics.response import first_order
from simulator.physics.storage_table import StorageTable

_GRID_S = 120.0
_NODES = int(DAY_S / _GRID_S)
_DAY_GATE_HOURS = (4.0, 22.0)
"""The river gate is set for the day and for the night; its answer of two hours ends before midnight."""
_GATE_TAU_S = 900.0
_GATE_END_S = 2 * HOUR_S
_MELT_PEAK_HOUR = 19.0
_PLAN_STEP_S = 4 * DAY_S


@dataclass(frozen=True, slots=True)
class ReservoirParameters:
    """One reservoir on a river fed by snow."""

    table: StorageTable
    full_level_m: float
    """Normal full level (NPU)."""
    plan_level_m: float
    plan_swing_m: float
    mean_inflow_m3s: float
    melt_swing: float = 0.10
    weather_swing: float = 0.12
    night_release_m3s: float = 9.0
    evaporation_m_per_day: float = 0.0065


@dataclass(frozen=True, slots=True)
class ReservoirState:
    """What is true of the reservoir, before any instrument has looked at it. `release` is canal and river together."""

    inflow_m3s: float
    canal_m3s: float
    river_m3s: float
    evaporation_m3s: float
    volume_m3: float
    level_m: float

    @property
    def release_m3s(self) -> float:
        """All that leaves through gates."""
        return self.canal_m3s + self.river_m3s


@dataclass(frozen=True, slots=True)
class _Day:
    """One local day worked out: the river's extra release by day, and the volume at every node of the grid."""

    extra_m3s: float
    volume_m3: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class Reservoir:
    """A reservoir of this seed, and the canal that it feeds."""

    parameters: ReservoirParameters
    canal: Canal
    seed: int

    def inflow_m3s(self, t: float) -> float:
        """The river above: snow melts by day and arrives in the evening; the weather moves it over days."""
        p = self.parameters
        melt = p.melt_swing * cos(2.0 * pi * (local_hour(t) - _MELT_PEAK_HOUR) / 24.0)
        weather = p.weather_swing * lattice(stream(self.seed, "weather"), t, 3.0 * DAY_S)
        return p.mean_inflow_m3s * (1.0 + melt + weather)

    def evaporation_m3s(self, t: float) -> float:
        """From the surface at the planned level: most at three in the afternoon, a fifth of the mean before dawn."""
        p = self.parameters
        hourly = 1.0 + 0.8 * cos(2.0 * pi * (local_hour(t) - 15.0) / 24.0)
        return p.table.area_at(self._plan_m(t)) * p.evaporation_m_per_day / DAY_S * hourly

    def state_at(self, t: float) -> ReservoirState:
        """The reservoir at this time."""
        day = local_day(t)
        worked = _work_out(self, day)
        since = t - day_start(day)
        river = self.parameters.night_release_m3s + worked.extra_m3s * _day_gate(since)
        node = min(floor(since / _GRID_S), _NODES - 1)
        start = day_start(day) + node * _GRID_S
        volume = _between(
            worked.volume_m3[node],
            worked.volume_m3[node + 1],
            self._net(start, worked.extra_m3s, day),
            self._net(start + _GRID_S, worked.extra_m3s, day),
            (t - start) / _GRID_S,
        )
        return ReservoirState(
            self.inflow_m3s(t),
            self.canal.head_discharge_m3s(t),
            river,
            self.evaporation_m3s(t),
            volume,
            self.parameters.table.level_at(volume),
        )

    def _plan_m(self, t: float) -> float:
        p = self.parameters
        return p.plan_level_m + p.plan_swing_m * lattice(stream(self.seed, "plan"), t, _PLAN_STEP_S)

    def _plan_m3(self, day: int) -> float:
        return self.parameters.table.volume_at(self._plan_m(day_start(day)))

    def _net_at_night(self, t: float) -> float:
        """All but the river's extra release, m3/s."""
        return (
            self.inflow_m3s(t)
            - self.canal.head_discharge_m3s(t)
            - self.evaporation_m3s(t)
            - self.parameters.night_release_m3s
        )

    def _net(self, t: float, extra_m3s: float, day: int) -> float:
        return self._net_at_night(t) - extra_m3s * _day_gate(t - day_start(day))


def _day_gate(since_midnight_s: float) -> float:
    """How much of the day's extra release flows: 0 at night, 1 by day, and both ends of the day are 0."""
    opened, shut = (hour * HOUR_S for hour in _DAY_GATE_HOURS)
    return first_order(since_midnight_s - opened, _GATE_TAU_S, _GATE_END_S) - first_order(
        since_midnight_s - shut, _GATE_TAU_S, _GATE_END_S
    )


@lru_cache(maxsize=128)
def _work_out(reservoir: Reservoir, day: int) -> _Day:
    start = day_start(day)
    net = _summed([reservoir._net_at_night(start + n * _GRID_S) for n in range(_NODES + 1)])
    gate = _summed([_day_gate(n * _GRID_S) for n in range(_NODES + 1)])
    first, last = reservoir._plan_m3(day), reservoir._plan_m3(day + 1)
    extra = (net[-1] - (last - first)) / gate[-1]
    return _Day(extra, tuple(first + a - extra * b for a, b in zip(net, gate, strict=True)))


def _summed(values: list[float]) -> list[float]:
    """The integral from the first node to each node, by trapezoids."""
    out = [0.0]
    for left, right in pairwise(values):
        out.append(out[-1] + (left + right) / 2.0 * _GRID_S)
    return out


def _between(left: float, right: float, left_slope: float, right_slope: float, x: float) -> float:
    """Hermite's cubic over one cell of the grid; slopes per second."""
    a, b = left_slope * _GRID_S, right_slope * _GRID_S
    step = right - left
    return left + x * (a + x * (3.0 * step - 2.0 * a - b + x * (a + b - 2.0 * step)))

"""A main canal: the farms' demand, a head gate that follows it in steps, and the gauge some kilometres down.

Parameters are those of canals in Central Asia: demand Q(t) = Qm (1 + 0.15 cos(2 pi (t - 16 h) / 24 h)) and slower moods of
the weather, gate steps at most four times a day of a few increments of 2.5 %, a lag of distance / celerity, a first-order
response with tau of 10 to 40 minutes, and an AR(1) disturbance. Night storage at the farms spares the gate most of the daily
swing.
"""

from dataclasses import dataclass
from functools import lru_cache
from math import cos, pi, sqrt

from simulator.physics.clock import DAY_S, HOUR_S, day_start, local_day, local_hour
from simulator.physics.noise import ar1, lattice, stream, uniform
from simulator.physics.response import first_order, ramp

_STEP_HOURS = (5.5, 10.5, 16.0, 21.5)
_STEP_JITTER_H = 0.5
_SHORTEST_HOLD_S = 4 * HOUR_S
"""Two steps are never nearer than this, so the answer to one has ended when the next one arrives."""
_GATE_TRAVEL_S = 300.0
_DIURNAL = 0.15
_PEAK_HOUR = 16.0
_FOLLOWED = 0.4
"""The part of the daily swing that the gate follows."""
_GRAVITY = 9.81
_GATE_COEFFICIENT = 0.6


@dataclass(frozen=True, slots=True)
class CanalParameters:
    """One canal. The rating is Q = factor (h - zero)^exponent, h in m above gauge zero, Q in m3/s."""

    mean_discharge_m3s: float = 12.0
    increment: float = 0.025
    distance_m: float = 4_800.0
    celerity_ms: float = 1.5
    tau_s: float = 1_500.0
    disturbance: float = 0.01
    disturbance_tau_s: float = 3_600.0
    rating_factor: float = 8.2
    rating_zero_m: float = 0.10
    rating_exponent: float = 1.6
    gate_width_m: float = 4.0
    gate_head_m: float = 2.4

    def level_m(self, discharge_m3s: float) -> float:
        """The level that the rating gives to this discharge."""
        return self.rating_zero_m + float((discharge_m3s / self.rating_factor) ** (1.0 / self.rating_exponent))

    def discharge_m3s(self, level_m: float) -> float:
        """The discharge that the rating gives to this level; 0 below its zero."""
        return self.rating_factor * float(max(0.0, level_m - self.rating_zero_m) ** self.rating_exponent)


@dataclass(frozen=True, slots=True)
class CanalState:
    """What is true in the canal, before any instrument has looked at it."""

    head_discharge_m3s: float
    gate_opening_m: float
    discharge_m3s: float
    level_m: float


@dataclass(frozen=True, slots=True)
class Canal:
    """A canal of this seed."""

    parameters: CanalParameters
    seed: int

    def demand_m3s(self, t: float) -> float:
        """What the farms would take, smooth."""
        return self._with_daily_swing(t, _DIURNAL)

    def _with_daily_swing(self, t: float, swing: float) -> float:
        daily = swing * cos(2.0 * pi * (local_hour(t) - _PEAK_HOUR) / 24.0)
        weather = 0.06 * lattice(stream(self.seed, "weather"), t, 2.5 * DAY_S)
        return self.parameters.mean_discharge_m3s * (1.0 + daily + weather)

    def head_discharge_m3s(self, t: float) -> float:
        """What the head gate lets in."""
        (_, before), (moved_at, after) = self._last_two_steps(t)
        return before + (after - before) * ramp(t - moved_at, _GATE_TRAVEL_S)

    def state_at(self, t: float) -> CanalState:
        """The canal at this time."""
        p = self.parameters
        head = self.head_discharge_m3s(t)
        arrived = t - p.distance_m / p.celerity_ms
        (_, before), (moved_at, after) = self._last_two_steps(arrived)
        calm = before + (after - before) * first_order(arrived - moved_at, p.tau_s, _SHORTEST_HOLD_S)
        discharge = calm * (1.0 + p.disturbance * ar1(stream(self.seed, "disturbance"), t, 300.0, p.disturbance_tau_s))
        opening = head / (_GATE_COEFFICIENT * p.gate_width_m * sqrt(2.0 * _GRAVITY * p.gate_head_m))
        return CanalState(head, opening, discharge, p.level_m(discharge))

    def _last_two_steps(self, t: float) -> tuple[tuple[float, float], tuple[float, float]]:
        """The newest step at or before t and the one before it, each as (time, setting in m3/s)."""
        day = local_day(t)
        steps = self._steps(day)
        at = sum(1 for when, _ in steps if when <= t)
        if at >= 2:
            return steps[at - 2], steps[at - 1]
        steps = self._steps(day - 1) + steps
        return steps[at + len(_STEP_HOURS) - 2], steps[at + len(_STEP_HOURS) - 1]

    def _steps(self, day: int) -> tuple[tuple[float, float], ...]:
        return _day_steps(self, day)


@lru_cache(maxsize=512)
def _day_steps(canal: Canal, day: int) -> tuple[tuple[float, float], ...]:
    """The gate's four dates of a day: each is set for the demand two hours later, in whole increments."""
    seed = stream(canal.seed, "gate")
    increment = canal.parameters.mean_discharge_m3s * canal.parameters.increment
    out = []
    for k, hour in enumerate(_STEP_HOURS):
        jitter = uniform(seed, day * len(_STEP_HOURS) + k, -_STEP_JITTER_H, _STEP_JITTER_H)
        when = day_start(day) + (hour + jitter) * HOUR_S
        out.append(
            (when, round(canal._with_daily_swing(when + 2.0 * HOUR_S, _FOLLOWED * _DIURNAL) / increment) * increment)
        )
    return tuple(out)

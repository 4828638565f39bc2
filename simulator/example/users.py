"""What the water users take, moment by moment, and what the dispatcher lets into the canal for them."""

from collections.abc import Callable, Sequence
from functools import lru_cache
from math import cos, pi

from hydrology.registry import Reach, User
from simulator.example.climate import Climate
from simulator.physics.clock import DAY_S, HOUR_S, day_start, local_day, local_hour
from simulator.physics.noise import ar1, lattice, stream, uniform
from simulator.physics.response import ramp

LOSSES = {"upper": 0.03, "middle": 0.045, "lower": 0.16}
"""What each reach loses, as a share of what passes: concrete, concrete, earth."""
_LOSS = 0.05
_DIURNAL = 0.05
_PEAK_HOUR = 15.0
_FOLLOWED = 0.4
"""The part of the daily swing that the dispatcher follows."""
_WEATHER = 0.06
_GATE_TRAVEL_S = 600.0
_SHUT_CHANCE = 0.12
_SHUT_TO = 0.35
_SMALL_HA = 500.0
_OPEN_HOURS = (4.0, 22.0)
"""A small user waters by day only."""
_TAIL_M3S = 0.5
"""What the dispatcher lets through for certainty; it leaves by the tail escape."""
_STEP_M3S = 0.15
_STEP_HOURS = (5.5, 10.5, 16.0, 21.5)
_STEP_JITTER_H = 0.5
_AHEAD_S = 2.0 * HOUR_S


def loss_of(reach: Reach) -> float:
    """The share of what passes that is lost in a reach."""
    return LOSSES.get(reach.id, _LOSS)


class Users:
    """The users of one canal, by their turnouts."""

    def __init__(self, seed: int, climate: Climate, users: Sequence[User], reaches: Sequence[Reach]) -> None:
        self._climate = climate
        self._by_turnout = {turnout: user for user in users for turnout in user.turnouts}
        self._reaches = reaches
        self._weather = stream(seed, "weather of the fields")
        self._gate = stream(seed, "head gates")
        self._own = {user.id: (stream(seed, f"ripple {user.id}"), stream(seed, f"shut {user.id}")) for user in users}
        self._settings: Callable[[int], tuple[tuple[float, float], ...]] = lru_cache(maxsize=64)(self._settings_of)

    def taken_m3s(self, turnout: str, t: float) -> float:
        """What goes through a turnout when there is enough."""
        user = self._by_turnout[turnout]
        ripple, shut = self._own[user.id]
        flow = self._mean_m3s(user, t, _DIURNAL) * (1.0 + 0.012 * ar1(ripple, t, 600.0, 5_400.0))
        flow *= _open_by_day(user, t)
        day = local_day(t)
        if uniform(shut, 4 * day) < _SHUT_CHANCE:
            begin = day_start(day) + uniform(shut, 4 * day + 1, 8.0, 16.0) * HOUR_S
            end = begin + uniform(shut, 4 * day + 2, 2.0, 5.0) * HOUR_S
            flow *= 1.0 - (1.0 - _SHUT_TO) * (ramp(t - begin, _GATE_TRAVEL_S) - ramp(t - end, _GATE_TRAVEL_S))
        return flow

    def head_m3s(self, t: float) -> float:
        """What the head gates let in: a setting in whole steps, four a day, and the gates' travel between two."""
        day = local_day(t)
        settings = self._settings(day - 1) + self._settings(day)
        at = sum(1 for when, _ in settings if when <= t)
        (_, before), (moved_at, after) = settings[at - 2], settings[at - 1]
        return before + (after - before) * ramp(t - moved_at, _GATE_TRAVEL_S)

    def _settings_of(self, day: int) -> tuple[tuple[float, float], ...]:
        out = []
        for k, hour in enumerate(_STEP_HOURS):
            jitter = uniform(self._gate, day * len(_STEP_HOURS) + k, -_STEP_JITTER_H, _STEP_JITTER_H)
            when = day_start(day) + (hour + jitter) * HOUR_S
            out.append((when, round(self._needed_m3s(when + _AHEAD_S) / _STEP_M3S) * _STEP_M3S))
        return tuple(out)

    def _needed_m3s(self, t: float) -> float:
        flow = _TAIL_M3S
        for reach in reversed(self._reaches):
            for turnout in reach.turnouts:
                flow += self._mean_m3s(self._by_turnout[turnout], t, _FOLLOWED * _DIURNAL)
            flow /= 1.0 - loss_of(reach)
        return flow

    def _mean_m3s(self, user: User, t: float, swing: float) -> float:
        daily = swing * cos(2.0 * pi * (local_hour(t) - _PEAK_HOUR) / 24.0)
        return self._climate.wanted_m3s(user, t) * (1.0 + daily + _WEATHER * lattice(self._weather, t, 2.5 * DAY_S))


def _open_by_day(user: User, t: float) -> float:
    if user.area_ha is None or user.area_ha >= _SMALL_HA:
        return 1.0
    opened, shut = (day_start(local_day(t)) + hour * HOUR_S for hour in _OPEN_HOURS)
    share = 24.0 / (_OPEN_HOURS[1] - _OPEN_HOURS[0])
    return share * (ramp(t - opened, _GATE_TRAVEL_S) - ramp(t - shut, _GATE_TRAVEL_S))

"""The water of the example system, worked out one local day at a time: flows, volumes and losses that balance.

Any day can be worked out by itself: a canal forgets in hours, so a day is begun a day and a half early; and the reservoir's
volume at each midnight is the dispatcher's plan, for which the day's release to the river makes up.
"""

from collections import OrderedDict
from collections.abc import Callable, Sequence
from itertools import pairwise
from math import cos, exp, floor, pi

from hydrology.registry import Registry, Station
from simulator.example.climate import Climate
from simulator.example.routing import GRID_S, Reach, route
from simulator.example.users import Users, loss_of
from simulator.physics.clock import DAY_S, HOUR_S, day_start, local_day, local_hour
from simulator.physics.noise import lattice, stream, uniform
from simulator.physics.response import first_order

NODES = round(DAY_S / GRID_S)
_EARLY = 3 * NODES // 2
_TURBINE_MOST_M3S = 9.6
_BYPASS_M3S = 0.5
_TAIL_LEAST_M3S = 0.02
_DAY_GATE_HOURS = (4.0, 19.0)
_GATE_TAU_S = 2_400.0
_GATE_END_S = 2 * HOUR_S
"""Three hours before midnight the river has the night's release, so that a day needs to know nothing of the one before."""
_EVAPORATION_M_PER_DAY = 0.0065
_FLOOD_EVERY_S = 4 * DAY_S
_FLOOD_PEAK_S = 8 * HOUR_S
_FLOOD_CHANCE = 0.5
_FLOOD_HELD_S = 2 * DAY_S
"""The reservoir takes a flood and lets it go with this time constant."""
_FLOOD_STEP_S = HOUR_S
_KEPT_DAYS = 40

Columns = dict[str, list[float]]
"""Columns by name over the nodes of a day, both midnights included.

Flows in m3/s by their meter as the registry writes it; "inflow" to the reservoir; losses "loss:REACH", "evaporation"; what is
stored in m3: "stored:REACH", "stored:river", "stored:below", "volume". "release" is all that goes to the river.
"""


class Water:
    """The water of this seed in this climate."""

    def __init__(self, registry: Registry, climate: Climate, seed: int) -> None:
        (self.canal,) = registry.canals
        self.climate = climate
        self._users = Users(stream(seed, "users"), climate, registry.users, self.canal.reaches)
        self._seed = stream(seed, "river")
        stations = {station.id: station for station in registry.stations}
        self.reservoir: Station = stations[self.canal.takes_from or "reservoir"]
        assert self.reservoir.datum is not None
        self._zero_m = self.reservoir.datum.zero_m
        self._table = self.reservoir.storage[-1].table(self.reservoir.levels)
        lags = {link.upstream: link.lag or 0.0 for link in registry.links}
        self._to_reservoir = Reach.of_travel_time(lags["river-bridge"])
        self._to_gauge = Reach.of_travel_time(lags["power-house"])
        self._days: OrderedDict[int, Columns] = OrderedDict()
        self._taken: OrderedDict[int, Columns] = OrderedDict()

    def level_m(self, volume_m3: float) -> float:
        """The reservoir's level above its gauge zero."""
        return self._table.elevation_m(volume_m3 / 1e6) - self._zero_m

    def day(self, day: int) -> Columns:
        """The water of a local day."""
        return _kept(self._days, day, self._work_out)

    def river_m3s(self, t: float) -> float:
        """The river at the bridge: snow melts by day and arrives in the evening, the weather moves it, rain makes floods."""
        melt = 0.08 * cos(2.0 * pi * (local_hour(t) - 19.0) / 24.0)
        weather = 0.12 * lattice(stream(self._seed, "weather"), t, 3.0 * DAY_S)
        return self.climate.river_m3s(t) * (1.0 + melt + weather) + self._flood_m3s(t)

    def _flood_m3s(self, t: float) -> float:
        rain, slot = stream(self._seed, "rain"), floor(t / _FLOOD_EVERY_S)
        flood = 0.0
        for n in (slot - 1, slot):
            if uniform(rain, 3 * n) < _FLOOD_CHANCE:
                begin = (n + uniform(rain, 3 * n + 1)) * _FLOOD_EVERY_S
                x = max(t - begin, 0.0) / _FLOOD_PEAK_S
                # Dies away before the slot after the next one begins, where it is no longer asked for.
                flood += uniform(rain, 3 * n + 2, 10.0, 34.0) * (x * exp(1.0 - x)) ** 2
        return flood

    def _taken_of(self, day: int) -> Columns:
        """What depends on nothing upstream: what users would take, what the dispatcher lets in, and the river."""
        times = [day_start(day) + n * GRID_S for n in range(NODES)]
        turnouts = [turnout for reach in self.canal.reaches for turnout in reach.turnouts]
        out = {name: [self._users.taken_m3s(name, t) for t in times] for name in turnouts}
        out["head"] = [self._users.head_m3s(t) for t in times]
        out["river"] = [self.river_m3s(t) for t in times]
        return out

    def _before_and_on(self, day: int, name: str) -> list[float]:
        """A free column from a day and a half before this day to its end."""
        parts = [_kept(self._taken, one, self._taken_of)[name] for one in (day - 2, day - 1, day, day + 1)]
        return [*parts[0][2 * NODES - _EARLY :], *parts[1], *parts[2], parts[3][0]]

    def _work_out(self, day: int) -> Columns:
        early: Columns = {}
        flow = self._before_and_on(day, "head")
        for reach in self.canal.reaches:
            early[reach.head] = flow
            routed = route(flow, Reach.of_travel_time(reach.travel_time or HOUR_S))
            lost = loss_of(reach)
            early[f"loss:{reach.id}"] = [lost * q for q in routed.flow_m3s]
            early[f"stored:{reach.id}"] = routed.stored_m3
            flow = [(1.0 - lost) * q for q in routed.flow_m3s]
            for turnout in reach.turnouts:
                # The last one gets what is left.
                wanted = self._before_and_on(day, turnout)
                early[turnout] = [
                    min(q, max(left - _TAIL_LEAST_M3S, 0.0)) for q, left in zip(wanted, flow, strict=True)
                ]
                flow = [left - q for left, q in zip(flow, early[turnout], strict=True)]
        early[self.canal.reaches[-1].tail or "tail"] = flow
        bridge = self._before_and_on(day, "river")
        arriving = route(bridge, self._to_reservoir)
        early |= {"river-bridge": bridge, "inflow": arriving.flow_m3s, "stored:river": arriving.stored_m3}
        columns = {name: column[_EARLY:] for name, column in early.items()}
        columns |= self._reservoir(day, columns)
        # What was released in the last hours before midnight was the night's least release.
        least = self.climate.least_release_m3s
        below = route([least] * NODES + columns["release"], self._to_gauge)
        columns["river-below"], columns["stored:below"] = below.flow_m3s[NODES:], below.stored_m3[NODES:]
        return columns

    def _reservoir(self, day: int, columns: Columns) -> Columns:
        head = columns[self.canal.reaches[0].head]
        least = self.climate.least_release_m3s
        times = [day_start(day) + n * GRID_S for n in range(NODES + 1)]
        evaporation = [self._evaporation_m3s(t) for t in times]
        net = _summed([a - b - c - least for a, b, c in zip(columns["inflow"], head, evaporation, strict=True)])
        gate = [_day_gate(n * GRID_S) for n in range(NODES + 1)]
        summed = _summed(gate)
        first, last = self._plan_m3(times[0]), self._plan_m3(times[-1])
        extra = (net[-1] - (last - first)) / summed[-1]
        release = [least + extra * share for share in gate]
        turbine = [min(max(q - _BYPASS_M3S, 0.0), _TURBINE_MOST_M3S) for q in release]
        return {
            "evaporation": evaporation,
            "release": release,
            "power-house": turbine,
            "reservoir/outlet": [q - unit for q, unit in zip(release, turbine, strict=True)],
            "reservoir/spillway": [0.0] * (NODES + 1),
            "volume": [first + a - extra * b for a, b in zip(net, summed, strict=True)],
        }

    def _plan_m3(self, t: float) -> float:
        """The dispatcher's plan for a midnight, and above it what is left of the floods of the last days."""
        planned = self._table.volume_hm3(self._zero_m + self.climate.plan_level_m(t)) * 1e6
        steps = range(round(6.0 * _FLOOD_HELD_S / _FLOOD_STEP_S))
        arrived = t - self._to_reservoir.lag_steps * GRID_S
        return planned + sum(
            self._flood_m3s(arrived - n * _FLOOD_STEP_S) * exp(-n * _FLOOD_STEP_S / _FLOOD_HELD_S) * _FLOOD_STEP_S
            for n in steps
        )

    def _evaporation_m3s(self, t: float) -> float:
        """From the surface at the planned level: most at three in the afternoon, a fifth of the mean before dawn."""
        area_km2 = self._table.area_km2(self._zero_m + self.climate.plan_level_m(t)) or 0.0
        hourly = 1.0 + 0.8 * cos(2.0 * pi * (local_hour(t) - 15.0) / 24.0)
        return area_km2 * 1e6 * _EVAPORATION_M_PER_DAY / DAY_S * hourly


def _kept(days: OrderedDict[int, Columns], day: int, work_out: Callable[[int], Columns]) -> Columns:
    found = days.get(day)
    if found is None:
        found = days[day] = work_out(day)
        if len(days) > _KEPT_DAYS:
            days.popitem(last=False)
    return found


def _day_gate(since_midnight_s: float) -> float:
    """How much of the day's extra release flows: 0 at night, 1 by day, and both ends of the day are 0."""
    opened, shut = (hour * HOUR_S for hour in _DAY_GATE_HOURS)
    return first_order(since_midnight_s - opened, _GATE_TAU_S, _GATE_END_S) - first_order(
        since_midnight_s - shut, _GATE_TAU_S, _GATE_END_S
    )


def _summed(values: Sequence[float]) -> list[float]:
    """The integral from the first node to each node, by trapezoids."""
    out = [0.0]
    for left, right in pairwise(values):
        out.append(out[-1] + (left + right) / 2.0 * GRID_S)
    return out


def between(column: Sequence[float], t: float) -> float:
    """The value of a day's column at a time of that day."""
    place = (t - day_start(local_day(t))) / GRID_S
    n = min(floor(place), NODES - 1)
    return column[n] + (column[n + 1] - column[n]) * (place - n)

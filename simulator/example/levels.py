"""From the water to what stands at each gauge: levels, openings, pressures, power, by sensor id, at every node of a day."""

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from math import cos, pi, sqrt

from hydrology.constants import G
from hydrology.hydropower import net_head_m, power_w
from hydrology.registry import Registry, Station
from hydrology.sensors import water_density_kg_m3
from simulator.example.inverse import Opening, Stage
from simulator.example.routing import GRID_S
from simulator.example.water import NODES, Columns, Water
from simulator.physics.clock import DAY_S, HOUR_S, day_start, local_hour
from simulator.physics.noise import lattice, stream

_WELL_WATER_C = 12.0
_OUTLET_FULL_M3S = 10.0
"""A first guess for an opening in m: discharge over this."""

# Gates: what stands above them (mean and swing of days, m), and below (depth at so much discharge, m).
_POOLS = {
    "canal-head": ("head-up", "head-down", "head-opening", 2.12, 0.32, 0.80, 6.3),
    "canal-km8": ("km8-up", "km8-down", "km8-opening", 1.90, 0.18, 0.75, 3.7),
    "canal-km17": ("km17-up", "km17-down", "km17-opening", 1.70, 0.12, 1.15, 1.6),
}
_STAGES = {
    "river-bridge": ("bridge-level", 7.0),
    "river-below": ("below-level", 3.4),
    "canal-tail": ("tail-level", 1.5),
    "turnout-a": ("a-head", 1.2),
    "turnout-b": ("b-head", 1.2),
    "turnout-c": ("c-head", 1.2),
    "turnout-d": ("d-head", 1.2),
    "turnout-e": ("e-head", 1.2),
    "turnout-f": ("f-head", 1.2),
}
_F_TAIL_SHARE = 0.55
"""In the throat of turnout F, below the flume's limit of 0.7: its water does not stand back."""
_WELLS = {"well-north": ("north-pressure", 6.2), "well-south": ("south-pressure", 4.5)}
"""The logger of each well and its mean depth to water, m."""


class Levels:
    """What a perfect instrument would read."""

    def __init__(self, registry: Registry, water: Water, seed: int) -> None:
        self._water = water
        stations = {station.id: station for station in registry.stations}
        zone = registry.zone_of(water.reservoir)
        self._pools = {
            name: (stream(seed, f"pool {name}"), Opening(stations[name], "discharge", zone, 1.99)) for name in _POOLS
        }
        self._stages = {
            name: Stage(
                stations[name], "discharge", zone, most, tail_share=_F_TAIL_SHARE if name == "turnout-f" else None
            )
            for name, (_, most) in _STAGES.items()
        }
        self._outlet = Opening(water.reservoir, "outlet", zone, 1.5)
        self._unit: Station = stations["power-house"]
        self._wells = {name: stations[name] for name in _WELLS}
        self._seed = seed
        self._days: dict[int, Columns] = {}

    def day(self, day: int) -> Columns:
        """The readings of a local day, over the same nodes as the water's columns."""
        found = self._days.get(day)
        if found is None:
            if len(self._days) > 40:
                del self._days[min(self._days)]
            found = self._days[day] = self._work_out(day)
        return found

    def _work_out(self, day: int) -> Columns:
        flows = self._water.day(day)
        times = [day_start(day) + n * GRID_S for n in range(NODES + 1)]
        whens = [datetime.fromtimestamp(t, UTC) for t in times]
        out: Columns = {}
        for name, (sensor, _) in _STAGES.items():
            stage = self._stages[name].stage_m
            out[sensor] = [stage(q, when) for q, when in zip(flows[name], whens, strict=True)]
        out["f-tail"] = [_F_TAIL_SHARE * head for head in out["f-head"]]
        for name in _POOLS:
            self._pool(name, flows[name], times, whens, out)
        out["dam-level"] = [self._water.level_m(volume) for volume in flows["volume"]]
        out["outlet-gate"] = _followed(
            lambda n, near: self._outlet.opening_m(
                flows["reservoir/outlet"][n], out["dam-level"][n], None, whens[n], near
            ),
            len(times),
            flows["reservoir/outlet"][0] / _OUTLET_FULL_M3S,
        )
        self._power(flows, out)
        self._aquifer(times, out)
        return out

    def _pool(
        self, name: str, flow: Sequence[float], times: Sequence[float], whens: Sequence[datetime], out: Columns
    ) -> None:
        up, down, opening, mean, swing, depth, at_m3s = _POOLS[name]
        seed, gates = self._pools[name]
        above = out[up] = [mean + swing * lattice(seed, t, 1.5 * DAY_S) for t in times]
        below = out[down] = [depth * max(q / at_m3s, 0.0) ** 0.6 for q in flow]
        out[opening] = _followed(
            lambda n, near: gates.opening_m(flow[n], above[n], below[n], whens[n], near), len(times), 0.2
        )

    def _power(self, flows: Columns, out: Columns) -> None:
        unit = self._unit.hydropower
        assert unit is not None
        out["turbine-discharge"] = flows["power-house"]
        out["tailrace-level"] = [1.3 + 0.28 * sqrt(max(q, 0.0)) for q in flows["release"]]
        # Both levels stand above the same zero, 780 m.
        out["turbine-power"] = [
            power_w(q, net_head_m(upper, lower, unit.losses_m), unit.efficiency)
            for q, upper, lower in zip(flows["power-house"], out["dam-level"], out["tailrace-level"], strict=True)
        ]

    def _aquifer(self, times: Sequence[float], out: Columns) -> None:
        weather = stream(self._seed, "barometer")
        weight = water_density_kg_m3(_WELL_WATER_C) * G
        air = out["north-barometer"] = [
            92_100.0 + 600.0 * lattice(weather, t, 41.0 * HOUR_S) + 60.0 * cos(2.0 * pi * (local_hour(t) - 9.0) / 24.0)
            for t in times
        ]
        for name, (logger, depth) in _WELLS.items():
            well = self._wells[name].well
            assert well is not None
            pumping = [0.03 * cos(2.0 * pi * (local_hour(t) - 6.0) / 24.0) for t in times]
            heads = [
                well.cable_m - depth + self._water.climate.groundwater_m(t) + drawn
                for t, drawn in zip(times, pumping, strict=True)
            ]
            out[logger] = [pressure + weight * head for pressure, head in zip(air, heads, strict=True)]


def _followed(solve: Callable[[int, float], float], count: int, first: float) -> list[float]:
    """Solve at every node, beginning from the solution before."""
    out: list[float] = []
    near = first
    for n in range(count):
        near = solve(n, near)
        out.append(near)
    return out

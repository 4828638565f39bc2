"""A growing season of the example registry, seeded: what its meters would have stored. For tests and for pictures.

It hangs together: the canal's head carries its users and its losses, the reservoir's level follows inflow and releases.
A wet May and a hot end of June. Birlik takes more than planned, Saryozek at the tail gets less; Dostyk's gateway was silent
for two days.
"""

from collections.abc import Iterator
from datetime import date, datetime, timedelta
from math import exp, pi, sin
from random import Random

from dashboards.report.span import local_day
from hydrology.accounting import local_time
from hydrology.registry import Registry, Station
from store.points import SeriesKey, SeriesPoints
from wire.flags import Flag

STEP = timedelta(minutes=30)
SEED = 20260401
OUTAGE = (date(2026, 7, 13), date(2026, 7, 15))
_TAKES = {"birlik": 1.10, "enbek": 1.02, "zhana-zhol": 0.98, "dostyk": 0.97, "orchard-of-sadyr": 1.03, "saryozek": 0.86}
_LOSS = {"upper": 0.03, "middle": 0.045, "lower": 0.16}
_RELEASE_M3S, _EVAPORATION_M = 2.0, 0.005


def season(
    registry: Registry, zone: str, first: date, last: date, seed: int = SEED, step: timedelta = STEP
) -> Iterator[SeriesPoints]:
    """All series from the first local midnight to the one after the last day."""
    start, end = local_time(first, zone), local_time(last + timedelta(days=1), zone)
    times = [start + step * n for n in range(int((end - start) / step) + 1)]
    random = Random(seed)
    flows: dict[str, list[float]] = {}
    for user in registry.users:
        plan = {one.year: one for one in user.plans}
        drift, column = 0.0, []
        for when in times:
            drift = 0.995 * drift + random.gauss(0, 0.004)
            day = local_day(when, zone)
            wanted = plan[day.year].flow_m3s(day) if day.year in plan else 0.0
            weather = (
                1
                - 0.22 * exp(-((((when - times[0]).days - 48) / 9) ** 2))
                + 0.09 * exp(-((((when - times[0]).days - 84) / 7) ** 2))
            )
            daily = 1 + 0.04 * sin(2 * pi * (when.timestamp() / 86_400 - 0.4))
            column.append(max(wanted * _TAKES.get(user.id, 1.0) * (1 + drift) * daily * weather, 0.0))
        flows[user.turnouts[0]] = column
    canal = registry.canals[0]
    flows[canal.reaches[-1].tail or "tail"] = [0.08 + 0.02 * sin(n / 40) for n in range(len(times))]
    for reach in reversed(canal.reaches):
        below = [flows[name] for name in (*reach.turnouts, reach.tail or "tail")]
        lost = 1 - _LOSS.get(reach.id, 0.05)
        flows[reach.head] = [max(sum(column[n] for column in below) / lost, 0.0) for n in range(len(times))]
    stations = {station.id: station for station in registry.stations}
    canal_head = flows[canal.reaches[0].head]
    bridge, turbine, dam = _reservoir(stations["reservoir"], times, canal_head, step.total_seconds(), random)
    flows |= {"river-bridge": bridge, "power-house": turbine, "river-below": [q + _RELEASE_M3S for q in turbine]}
    yield from _series(stations, times, flows, zone, random)
    yield _points(SeriesKey("discharge", "reservoir", "outlet"), times, [_RELEASE_M3S] * len(times))
    yield _points(SeriesKey("discharge", "reservoir", "spillway"), times, [0.0] * len(times))
    yield _points(SeriesKey("level", "reservoir", "dam-level"), times, [round(level, 3) for level in dam])
    for name, sensor in (("river-bridge", "bridge-level"), ("river-below", "below-level"), ("canal-head", "head-up")):
        levels = [round(0.3 + (q / 9) ** 0.6, 3) for q in flows[name]]
        yield _points(SeriesKey("level", name, sensor), times, levels)


def _reservoir(
    station: Station, times: list[datetime], canal: list[float], step_s: float, random: Random
) -> tuple[list[float], list[float], list[float]]:
    """The river's inflow, the turbine's discharge, and the level above gauge zero that follows from both."""
    assert station.datum is not None
    table = station.storage[-1].table(station.levels)
    volume_hm3, drift = 34.0, 0.0
    inflow, turbine, levels = [], [], []
    for n, when in enumerate(times):
        day = (when - times[0]) / timedelta(days=1)
        drift = 0.99 * drift + random.gauss(0, 0.006)
        river = (4.5 + 14.0 * exp(-(((day - 62) / 26) ** 2))) * (1 + drift)
        wanted = 46.0 - 0.10 * max(day - 75, 0)
        unit = min(max(river - canal[n] - _RELEASE_M3S + 0.8 * (volume_hm3 - wanted), 1.0), 10.0)
        level = table.elevation_m(volume_hm3)
        inflow.append(river)
        turbine.append(unit)
        levels.append(level - station.datum.zero_m)
        area = table.area_km2(level) or 0.0
        volume_hm3 += (river - unit - _RELEASE_M3S - canal[n]) * step_s / 1e6
        volume_hm3 -= area * _EVAPORATION_M * step_s / 86_400
        volume_hm3 = min(max(volume_hm3, 5.0), 57.0)
    return inflow, turbine, levels


def _series(
    stations: dict[str, Station], times: list[datetime], flows: dict[str, list[float]], zone: str, random: Random
) -> Iterator[SeriesPoints]:
    silent = (local_time(OUTAGE[0], zone), local_time(OUTAGE[1], zone))
    for name, column in flows.items():
        station = stations[name]
        measured = [sensor.id for sensor in station.sensors if sensor.quantity == "discharge"]
        series = (measured or list(station.discharges()))[0]
        noisy = [max(round(q * (1 + random.gauss(0, 0.01)), 4), 0.0) for q in column]
        kept = [
            n for n, when in enumerate(times) if name != "turnout-d" or not silent[0] <= when < silent[1] + STEP * 11
        ]
        doubtful = {n for n in kept if name == "turnout-e" and n % 6 == 0}
        key = SeriesKey("discharge", name, series)
        yield _points(
            key,
            [times[n] for n in kept],
            [noisy[n] for n in kept],
            {place for place, n in enumerate(kept) if n in doubtful},
        )


def _points(
    key: SeriesKey, times: list[datetime], values: list[float], doubtful: set[int] | frozenset[int] = frozenset()
) -> SeriesPoints:
    flags = [int(Flag.SUSPECT if n in doubtful else Flag.PASS) for n in range(len(times))]
    return SeriesPoints(key, [round(when.timestamp() * 1000) for when in times], list(values), flags)

"""A season of the example system as it truly was: what perfect instruments would have stored, for reports."""

from collections.abc import Iterator
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from hydrology.registry import Registry
from simulator.example.climate import true_season
from simulator.example.derived import Derived
from simulator.example.levels import Levels
from simulator.example.routing import GRID_S
from simulator.example.water import NODES, Water
from simulator.physics.clock import DAY_S, day_start, local_day
from simulator.physics.noise import stream
from store.points import Points, SeriesKey, SeriesPoints
from wire.flags import Flag

DIGITS = 6


def season_days(until: date) -> list[date]:
    """The days of `until`'s growing season, from 1 April to this day."""
    first = date(until.year, 4, 1)
    last = min(until, date(until.year, 9, 30))
    return [first + timedelta(days=n) for n in range((last - first).days + 1)]


def true_points(registry: Registry, until: date, *, seed: int = 1, step_s: float = 1_800.0) -> Iterator[list[Points]]:
    """Levels, openings, pressures, power and what ingest would derive of them, a local day in each portion.

    `step_s` is a whole number of the simulation's steps of two minutes; raises ValueError otherwise.
    """
    every = round(step_s / GRID_S)
    if every < 1 or NODES % every or abs(every * GRID_S - step_s) > 1e-6:
        raise ValueError(f"the step must be {GRID_S:g} s, or a whole number of them that divides a day")
    ((_, district),) = registry.districts.items()
    water = Water(registry, true_season(registry, stream(seed, "climate")), seed)
    levels = Levels(registry, water, stream(seed, "levels"))
    derived = Derived(registry)
    days = season_days(until)
    for day in days:
        noon = datetime.combine(day, time(12), ZoneInfo(district.timezone)).timestamp()
        yield _day(registry, levels, derived, local_day(noon), every, last=day == days[-1])


def _day(registry: Registry, levels: Levels, derived: Derived, day: int, every: int, *, last: bool) -> list[Points]:
    columns = levels.day(day)
    nodes = range(0, NODES + (1 if last else 0), every)
    times_s = [day_start(day) + n * GRID_S for n in nodes]
    assert times_s[-1] <= day_start(day) + DAY_S
    out: list[Points] = []
    all_readings: dict[tuple[str, str], list[float | None]] = {}
    for station in registry.stations:
        readings: dict[str, list[float | None]] = {
            sensor.id: [round(columns[sensor.id][n], DIGITS) for n in nodes]
            for sensor in station.sensors
            if sensor.id in columns
        }
        times_ms = [round(t * 1000.0) for t in times_s]
        out += [
            SeriesPoints(
                SeriesKey(sensor.quantity, station.id, sensor.id),
                times_ms,
                readings[sensor.id],
                [int(Flag.PASS)] * len(times_ms),
            )
            for sensor in station.sensors
            if sensor.id in readings
        ]
        all_readings |= {(station.id, sensor): column for sensor, column in readings.items()}
    return [*out, *derived.of(times_s, all_readings)]

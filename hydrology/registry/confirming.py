"""Which neighbour confirms a sensor's thresholds: the one that its quality tests name. One rule for ingest and `aryk warn`."""

from collections.abc import Mapping
from dataclasses import dataclass

from hydrology.registry.sensor import Sensor
from hydrology.registry.stations import Station
from hydrology.warnings.follow import Memory
from hydrology.warnings.thresholds import LevelName


@dataclass(frozen=True, slots=True)
class Confirming:
    """A neighbour, and from where on it confirms each threshold: at or over its own of that name, or where it has none, at or
    over the sensor's own, less the usual distance of the two. Its reading may be `age_ms` before or after."""

    station: str
    sensor: str
    quantity: str
    age_ms: float
    limits: tuple[tuple[LevelName, float], ...]

    def at(self, memory: Memory, t_ms: int) -> frozenset[LevelName]:
        """The thresholds that the neighbour's readings confirm at a time."""
        return frozenset(name for name, limit in self.limits if memory.at_or_over(t_ms, self.age_ms, limit))


def confirming(sensor: Sensor, sensors: Mapping[tuple[str, str], tuple[Station, Sensor]]) -> Confirming | None:
    """The neighbour of a sensor with upper thresholds among these, by station and id; None without one."""
    near = sensor.quality.neighbour if sensor.quality else None
    found = sensors.get((near.station, near.sensor)) if near else None
    if near is None or found is None:
        return None
    station, other = found
    own = {one.name: one.level_m for one in other.alarm_levels()}
    limits = tuple((one.name, own.get(one.name, one.level_m - near.offset)) for one in sensor.alarm_levels())
    return Confirming(station.id, other.id, other.quantity, near.max_age * 1000, limits)

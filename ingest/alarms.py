"""The alarms of all sensors that have upper thresholds, by the rules of the registry. Pure but for the readings it remembers.

A suspect reading alarms like a good one: a flood's peak looks suspect. What raises and clears one is in
hydrology.warnings.thresholds; at a start the state is made again from the readings in the store and in the spool.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import NamedTuple

from hydrology.registry import Registry, Sensor, Station
from hydrology.registry.confirming import confirming
from hydrology.warnings import Follower, LevelName, Memory, Threshold, decided
from hydrology.warnings.follow import KEPT, Confirm
from ingest.pipeline import Accepted, Changed
from ingest.quality import Need
from store.points import Latest, SeriesKey, StoredPoint

STALE_INTERVALS = 2

Name = tuple[str, str, str]
"""Station, sensor, quantity."""


class AlarmState(NamedTuple):
    """One threshold of one sensor that has had a usable reading."""

    station: str
    sensor: str
    quantity: str
    district: str
    severity: LevelName
    raised: bool


@dataclass(slots=True)
class _Alarm:
    name: Name
    district: str
    thresholds: tuple[Threshold, ...]
    follower: Follower
    known: bool = True
    """False while the readings read back at a start do not settle the state."""

    @property
    def key(self) -> SeriesKey:
        station, sensor, quantity = self.name
        return SeriesKey(quantity, station, sensor)


class Alarms:
    """All of a registry. Give it what was accepted and changed, in any order; `states` says what is raised."""

    def __init__(self, registry: Registry) -> None:
        self._alarms: dict[Name, _Alarm] = {}
        self._neighbours: dict[Name, Memory] = {}
        self._confirmed: dict[Name, Name] = {}
        self.reload(registry)

    def reload(self, registry: Registry) -> None:
        """Alarm by this registry from now on; what is remembered stays."""
        before, self._alarms = self._alarms, {}
        near_before, self._neighbours = self._neighbours, {}
        self._confirmed = {}
        sensors = {(one.id, sensor.id): (one, sensor) for one in registry.stations for sensor in one.sensors}
        for station, sensor in sensors.values():
            thresholds = sensor.alarm_levels()
            if not thresholds:
                continue
            name = (station.id, sensor.id, sensor.quantity)
            confirm = self._confirm(name, sensor, sensors)
            follower = Follower(thresholds, STALE_INTERVALS * sensor.interval, confirm)
            if name in before:
                follower.inherit(before[name].follower)
            self._alarms[name] = _Alarm(name, station.district, thresholds, follower)
        for name in self._neighbours:
            if name in near_before:
                self._neighbours[name] = near_before[name]

    def _confirm(
        self, name: Name, sensor: Sensor, sensors: Mapping[tuple[str, str], tuple[Station, Sensor]]
    ) -> Confirm | None:
        near = confirming(sensor, sensors)
        if near is None:  # none, or one of another ingest's districts
            return None
        other = (near.station, near.sensor, near.quantity)
        self._neighbours[other] = Memory()
        self._confirmed[name] = other
        return lambda t_ms: near.at(self._neighbours[other], t_ms)

    def note(self, accepted: Accepted) -> None:
        """Readings of one series were accepted."""
        self._take(accepted.target[:3], accepted.time_ms, accepted.value, accepted.flag)

    def note_changed(self, changed: Changed) -> None:
        """An earlier point has another flag now."""
        point = changed.new
        self._take(changed.target[:3], [point.time_ms], [point.value], [point.flag])

    def _take(self, name: Name, times: list[int], values: list[float | None], flags: list[int]) -> None:
        alarm = self._alarms.get(name)
        if alarm is not None:
            alarm.follower.take(times, values, flags)
        near = self._neighbours.get(name)
        if near is not None:
            near.take(times, values, flags)
            if len(near.times) > 8 * KEPT:
                near.forget(len(near.times) - 4 * KEPT)

    def states(self) -> Iterator[AlarmState]:
        """Every threshold of every sensor that ever had a usable reading, in the registry's order."""
        for alarm in self._alarms.values():
            if alarm.follower.memory.times:
                settled = alarm.follower.settle()
                for latch in settled.latches:
                    yield AlarmState(*alarm.name, alarm.district, latch.threshold.name, latch.raised)

    # at a start

    def needs(self) -> dict[SeriesKey, Need]:
        """What each series must read back at first; few need more (`undecided`)."""
        out = {alarm.key: Need(KEPT, _longest_ms(alarm.thresholds)) for alarm in self._alarms.values()}
        for station, sensor, quantity in self._neighbours:
            key = SeriesKey(quantity, station, sensor)
            out[key] = max(out.get(key, Need(0, 0)), Need(4 * KEPT, 0))
        return out

    def ties(self) -> Iterator[tuple[SeriesKey, ...]]:
        """Series that must be seeded in one call: a sensor and the neighbour that confirms it."""
        for one, other in self._confirmed.items():
            yield SeriesKey(one[2], one[0], one[1]), SeriesKey(other[2], other[0], other[1])

    def seed(self, tails: Mapping[SeriesKey, tuple[list[StoredPoint], bool]]) -> None:
        """Start with these readings, rising in time, before those that came since."""
        for key, (points, _) in tails.items():
            near = self._neighbours.get((key.station, key.sensor, key.quantity))
            if near is not None and points:
                near.take(*_columns(points))
        for key, (points, complete) in tails.items():
            alarm = self._alarms.get((key.station, key.sensor, key.quantity))
            if alarm is not None:
                few = [(one.time_ms, one.value, one.flag) for one in points[-KEPT - 8 :]]
                known = decided(alarm.thresholds, few)
                if not known and len(points) > len(few):
                    few = [(one.time_ms, one.value, one.flag) for one in points]
                    known = decided(alarm.thresholds, few)
                alarm.follower.begin(few)
                alarm.known = known or complete

    def undecided(self) -> list[SeriesKey]:
        """Those whose readings so far do not settle their state: the water was near a threshold all the time."""
        return [alarm.key for alarm in self._alarms.values() if not alarm.known]

    def latest(self) -> dict[SeriesKey, Latest]:
        """The last usable value of each, however old. The flag of it is not known here, so it has no time."""
        return {
            alarm.key: Latest(-1, memory.values[-1], 0, memory.times[-1])
            for alarm in self._alarms.values()
            if (memory := alarm.follower.memory).times
        }


def _longest_ms(thresholds: tuple[Threshold, ...]) -> int:
    return round(max(one.clear_s for one in thresholds) * 1000)


def _columns(points: list[StoredPoint]) -> tuple[list[int], list[float | None], list[int]]:
    return [one.time_ms for one in points], [one.value for one in points], [one.flag for one in points]

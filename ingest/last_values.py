"""The newest value of every registered sensor, for metrics and alerts. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass

from hydrology.registry import Registry, Thresholds
from ingest.pipeline import Accepted
from store.points import Latest, SeriesKey

NEVER_MS = -1


@dataclass(slots=True)
class LastValue:
    """One sensor. `value_ms` is the time of the newest reading with a value, `flag_ms` that of the newest of all."""

    station: str
    sensor: str
    quantity: str
    district: str
    interval_s: float
    thresholds: Thresholds
    value: float = 0.0
    value_ms: int = NEVER_MS
    flag: int = 0
    flag_ms: int = NEVER_MS


class LastValues:
    """All sensors of the registry."""

    def __init__(self, registry: Registry) -> None:
        self._sensors: dict[tuple[str, str, str], LastValue] = {
            SeriesKey(sensor.quantity, station.id, sensor.id): LastValue(
                station.id, sensor.id, sensor.quantity, station.district, sensor.interval, sensor.thresholds
            )
            for station in registry.stations
            for sensor in station.sensors
        }

    def take_over(self, older: "LastValues") -> None:
        """What was known of the sensors that are here too."""
        for key, last in self._sensors.items():
            known = older._sensors.get(key)
            if known is not None:
                last.value, last.value_ms = known.value, known.value_ms
                last.flag, last.flag_ms = known.flag, known.flag_ms

    def all(self) -> list[LastValue]:
        """Every sensor, in the registry's order."""
        return list(self._sensors.values())

    def note(self, accepted: Accepted) -> None:
        """Readings of one series were accepted, in whatever order."""
        (station, sensor, quantity, _), _, time_ms, value, flag, _, _ = accepted
        last = self._sensors.get((quantity, station, sensor))  # equal to a SeriesKey, and made in a tenth of its time
        if last is None:
            return
        newest_ms = max(time_ms)
        if newest_ms < last.value_ms:
            return
        newest = value[at := time_ms.index(newest_ms)]
        if newest is not None:
            if newest_ms > last.flag_ms:
                last.flag, last.flag_ms = flag[at], newest_ms
            if newest_ms > last.value_ms:
                last.value, last.value_ms = newest, newest_ms
            return
        for at, one_ms in enumerate(time_ms):
            if one_ms > last.flag_ms:
                last.flag, last.flag_ms = flag[at], one_ms
            one = value[at]
            if one is not None and one_ms > last.value_ms:
                last.value, last.value_ms = one, one_ms

    def seed(self, latest: Mapping[SeriesKey, Latest]) -> None:
        """What the store knew before we started."""
        for key, one in latest.items():
            last = self._sensors.get(key)
            if last is None:
                continue
            if one.time_ms > last.flag_ms:
                last.flag, last.flag_ms = one.flag, one.time_ms
            if one.value is not None and one.value_ms is not None and one.value_ms > last.value_ms:
                last.value, last.value_ms = one.value, one.value_ms

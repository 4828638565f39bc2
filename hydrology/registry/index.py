"""Looking up stations, sensors and meters of a registry by name."""

from collections.abc import Iterable

from hydrology.registry.ratings import Rating
from hydrology.registry.sensor import Sensor
from hydrology.registry.stations import Station

LEVELS = frozenset({"level", "elevation"})


class Index:
    """The stations by id. A meter is written "station", or "station/series" where there is more than one discharge."""

    __slots__ = ("stations",)

    def __init__(self, stations: Iterable[Station]) -> None:
        self.stations = {station.id: station for station in stations}

    def sensor(self, reference: str) -> tuple[Station, Sensor]:
        """What "station/sensor" names. Raises ValueError that says what is missing."""
        name, _, sensor_id = reference.partition("/")
        station = self._station(name)
        if not sensor_id:
            raise ValueError(f'write "{name}/SENSOR"')
        sensor = station.sensor(sensor_id)
        if sensor is None:
            raise ValueError(f"station {name!r} has no sensor {sensor_id!r}")
        return station, sensor

    def meter(self, reference: str) -> tuple[Station, str]:
        """The station and the id of the discharge series that a meter names. Raises ValueError."""
        name, _, series = reference.partition("/")
        station = self._station(name)
        known = sorted(
            {sensor.id for sensor in station.sensors if sensor.quantity == "discharge"}
            | {rating.discharge for rating in station.ratings}
        )
        if series:
            if series not in known:
                raise ValueError(f"station {name!r} has no discharge {series!r}, it has {', '.join(known) or 'none'}")
            return station, series
        if len(known) != 1:
            what = f"several: write {name}/{known[0]}" if known else "none: give it a discharge sensor or a rating"
            raise ValueError(f"station {name!r} must have one discharge, and has {what}")
        return station, known[0]

    def _station(self, name: str) -> Station:
        station = self.stations.get(name)
        if station is None:
            raise ValueError(f"there is no station {name!r}")
        return station


def level_sensors(station: Station) -> list[Sensor]:
    """The sensors of a station that measure a level or an elevation."""
    return [sensor for sensor in station.sensors if sensor.quantity in LEVELS]


def head_sensor(station: Station, rating: Rating) -> Sensor | None:
    """The level that a rating works on: the one it names, or the station's only one."""
    if rating.head is not None:
        return station.sensor(rating.head)
    found = level_sensors(station)
    return found[0] if len(found) == 1 else None

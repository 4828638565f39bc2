"""All derivations of a registry, those first that others need; and the registry as pages see it, with the derived series."""

import hashlib
import json
from collections.abc import Iterator

from hydrology.derived.discharge import RatingMethods, roles
from hydrology.derived.model import Derivation, Input, Name, Output
from hydrology.derived.special import KnownSeries, paired, special
from hydrology.derived.storage import WHAT, StorageMethods
from hydrology.registry.index import head_sensor, level_sensors
from hydrology.registry.ratings import Rating
from hydrology.registry.sensor import Sensor
from hydrology.registry.stations import Station
from hydrology.registry.whole import Registry

DIGITS_OF_DISCHARGE = 6

_STORED = {
    "volume": ("volume", "m3", "Stored volume, by the table", 0, 1),
    "area": ("area", "m2", "Water surface, by the table", 0, 1),
    "full": ("fill", "%", "Full, of the volume at the normal level", 1, 4),
    "useful": ("fill", "%", "Useful volume, of that between dead and normal level", 1, 4),
}


def derivations(registry: Registry) -> list[Derivation]:
    """Everything that is derived of this registry's sensors; what needs a sensor that is not in it is left out."""
    measured = {
        Name(sensor.quantity, station.id, sensor.id) for station in registry.stations for sensor in station.sensors
    }
    out: list[Derivation] = []
    for station in registry.stations:
        zone = registry.zone_of(station)
        out += _discharges(station, zone)
        out += _storage(station, zone, measured)
    known = KnownSeries(registry, out)
    for station in registry.stations:
        out += (one for one in special(station, known) if all(output.name not in measured for output in one.outputs))
    return out


def _discharges(station: Station, zone: str) -> Iterator[Derivation]:
    for series, ratings in station.discharges().items():
        groups: dict[tuple[tuple[str, str], ...], list[Rating]] = {}
        for rating in ratings:
            sensors = _rating_sensors(station, rating)
            if sensors is not None:
                groups.setdefault(tuple(sensors.items()), []).append(rating)
        output = Output(Name("discharge", station.id, series), "m3/s", "Discharge, rated", 3, DIGITS_OF_DISCHARGE)
        for number, (by_role, mine) in enumerate(groups.items(), 1):
            known = {sensor.id: sensor for sensor in station.sensors}
            sensors_of = ((role, known[sensor]) for role, sensor in by_role)
            inputs = paired(
                *(
                    Input(role, Name(one.quantity, station.id, one.id), one.gateway, one.interval)
                    for role, one in sensors_of
                )
            )
            name = f"{station.id}/{series}" + ("" if number == 1 else f"-{number}")
            methods = RatingMethods(ratings, mine, zone)
            yield Derivation(name, "rating", station.id, inputs, (output,), methods)


def _rating_sensors(station: Station, rating: Rating) -> dict[str, str] | None:
    """The sensors of a rating by role, the head first; None where one is not here."""
    out: dict[str, str] = {}
    for role in roles(rating):
        sensor = head_sensor(station, rating) if role == "head" else station.sensor(getattr(rating, role))
        if sensor is None:
            return None
        out[role] = sensor.id
    return out


def _storage(station: Station, zone: str, measured: set[Name]) -> Iterator[Derivation]:
    sensors = level_sensors(station)
    if not station.storage or not sensors:
        return
    sensor = next((one for one in sensors if one.quantity == "elevation"), sensors[0])
    if sensor.quantity == "level" and station.datum is None:
        return
    zero_m = station.datum.zero_m if sensor.quantity == "level" and station.datum is not None else 0.0
    has = {
        "volume": True,
        "area": any(len(row) == 3 for table in station.storage for row in table.rows),
        "full": station.levels is not None,
        "useful": station.levels is not None,
    }
    what = tuple(one for one in WHAT if has[one] and Name(_STORED[one][0], station.id, one) not in measured)
    if not what:
        return
    outputs = tuple(Output(Name(_STORED[one][0], station.id, one), *_STORED[one][1:]) for one in what)
    driver = Input("level", Name(sensor.quantity, station.id, sensor.id), sensor.gateway, sensor.interval)
    methods = StorageMethods(station.storage, station.levels, zero_m, zone, what)
    yield Derivation(f"{station.id}/storage", "storage", station.id, (driver,), outputs, methods)


def with_derived(registry: Registry) -> Registry:
    """The registry with the derived series as sensors of their stations, for pages: they have unit, title and interval."""
    more: dict[str, list[Sensor]] = {}
    for one in derivations(registry):
        for output in one.outputs:
            sensors = more.setdefault(one.station, [])
            if any((known.quantity, known.id) == (output.name.quantity, output.name.sensor) for known in sensors):
                continue
            driver = one.driver
            sensors.append(
                Sensor(
                    id=output.name.sensor,
                    gateway=driver.gateway,
                    quantity=output.name.quantity,
                    unit=output.unit,
                    interval=max(driver.interval_s, one.step_ms / 1000),
                    title=output.title,
                    decimals=output.decimals,
                )
            )
    stations = [
        station.model_copy(update={"sensors": [*station.sensors, *more[station.id]]}) if station.id in more else station
        for station in registry.stations
    ]
    return registry.model_copy(update={"stations": stations})


def digest(one: Derivation) -> str:
    """Twelve characters that change with the inputs, the outputs or any parameter of a derivation."""
    document = {
        "kind": one.kind,
        "inputs": [[part.role, *part.name, part.pairing.value, part.max_age_ms] for part in one.inputs],
        "outputs": [list(output.name) for output in one.outputs],
        "methods": one.methods.parameters(),
    }
    return hashlib.sha256(json.dumps(document, sort_keys=True).encode()).hexdigest()[:12]

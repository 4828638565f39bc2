"""What the page shows of all stations at one moment, made from the registry and what is known of every series."""

from dataclasses import dataclass
from typing import Any, Literal

from dashboards.live.display import is_of_device, place_of, shown, title_of
from dashboards.live.knowledge import Knowledge
from dashboards.live.states import SEVERITY, State, has_thresholds, is_late, state_of, worst
from dashboards.live.window import spark
from hydrology.registry import Registry, Sensor, Station
from store.points import SeriesKey

TOGETHER_MS = 600_000
"""Stations that fell silent within this time are said to have done so together."""

Record = dict[str, Any]
"""Goes to the browser as JSON."""


@dataclass(frozen=True, slots=True)
class Board:
    """`stations` by id; `order` of ids, the worst first; `summary` and `gateways` for the top of the page."""

    stations: dict[str, Record]
    order: list[str]
    summary: list[Record]
    gateways: list[Record]


def key_of(station: Station, sensor: Sensor) -> SeriesKey:
    """The sensor's series in the store."""
    return SeriesKey(sensor.quantity, station.id, sensor.id)


def sensors_in_order(station: Station) -> list[Sensor]:
    """The station's sensors as they stand on the page: those that warn first, those of the device last."""
    return sorted(
        station.sensors,
        key=lambda one: (is_of_device(one.quantity), not has_thresholds(one.thresholds), place_of(one.quantity)),
    )


def judged(station: Station) -> list[Sensor]:
    """The sensors that speak for the station: those of the water with thresholds, or else the first one."""
    of_water = [sensor for sensor in sensors_in_order(station) if not is_of_device(sensor.quantity)]
    with_thresholds = [sensor for sensor in of_water if has_thresholds(sensor.thresholds)]
    return with_thresholds or (of_water or sensors_in_order(station))[:1]


BESIDE = {"fill": 0, "discharge": 1, "depth_to_water": 2, "volume": 3, "power": 4}
"""What is told of the water beside a station's first number, the first of these that it has."""


def beside(station: Station, head: Sensor) -> Sensor | None:
    """The sensor whose value stands beside the first number; the first of its quantity, as the registry has them."""
    others = [sensor for sensor in station.sensors if sensor.quantity in BESIDE and sensor is not head]
    if head.quantity in BESIDE:
        others = [sensor for sensor in others if sensor.quantity == "fill"]
    return min(others, key=lambda sensor: BESIDE[sensor.quantity], default=None)


def judged_keys(registry: Registry) -> list[SeriesKey]:
    """The series whose last day is wanted."""
    return [key_of(station, sensor) for station in registry.stations for sensor in judged(station)]


def catalogue(registry: Registry, level_unit: Literal["m", "cm"]) -> dict[str, Record]:
    """What does not change from reading to reading: names, places, units, thresholds."""
    return {
        station.id: {
            "name": station.name,
            "district": station.district,
            "district_name": registry.districts[station.district].name,
            "water": station.river_or_canal,
            "kind": station.kind.value,
            "zone": registry.districts[station.district].timezone,
            "latitude": station.latitude,
            "longitude": station.longitude,
            "sensors": {
                f"{sensor.quantity}/{sensor.id}": {
                    **shown(sensor, level_unit)._asdict(),
                    "title": _title(station, sensor),
                    "interval_s": sensor.interval,
                    "thresholds": sensor.thresholds.model_dump(exclude_none=True),
                    "device": is_of_device(sensor.quantity),
                    "gateway": sensor.gateway,
                }
                for sensor in sensors_in_order(station)
            },
        }
        for station in registry.stations
    }


def _title(station: Station, sensor: Sensor) -> str:
    """The sensor's title; with its id where the station has another one of that title, as two rated discharges have."""
    title = title_of(sensor)
    alike = [one for one in station.sensors if title_of(one) == title and one.quantity == sensor.quantity]
    return f"{title}: {sensor.id}" if title and len(alike) > 1 else title


def build(registry: Registry, knowledge: Knowledge, now_ms: int) -> Board:
    """The board at this moment."""
    stations: dict[str, Record] = {}
    places: dict[str, tuple[int, int, str, str]] = {}
    for station in registry.stations:
        record, head_ms, late = _station(station, knowledge, now_ms)
        stations[station.id] = record
        state = State(record["state"])
        age = (head_ms or 0) if state is State.STALE else (0 if late else 1)
        places[station.id] = (SEVERITY[state], age, station.name, station.id)
    return Board(
        stations,
        sorted(stations, key=places.__getitem__),
        summarise(registry, stations),
        silent_gateways(registry, knowledge, now_ms),
    )


def _station(station: Station, knowledge: Knowledge, now_ms: int) -> tuple[Record, int | None, bool]:
    sensors: dict[str, list[Any]] = {}
    states: dict[str, State] = {}
    for sensor in station.sensors:
        known = knowledge.of(key_of(station, sensor))
        state = state_of(known.reading, known.seen_ms, sensor.thresholds, sensor.interval, now_ms)
        states[f"{sensor.quantity}/{sensor.id}"] = state
        reading = known.reading
        sensors[f"{sensor.quantity}/{sensor.id}"] = [
            round(reading.value, 6) if reading else None,
            reading.flag if reading else None,
            reading.time_ms if reading else None,
            known.seen_ms,
            state.value,
        ]
    speakers = judged(station)
    if not speakers:
        return (
            {"state": State.WAITING.value, "head": None, "beside": None, "change": None, "spark": None, "sensors": {}},
            None,
            False,
        )
    station_state = worst([states[f"{sensor.quantity}/{sensor.id}"] for sensor in speakers])
    head = next(sensor for sensor in speakers if states[f"{sensor.quantity}/{sensor.id}"] is station_state)
    known = knowledge.of(key_of(station, head))
    line = spark(known.window, head.thresholds, now_ms)
    change = known.window.change_over_day(head.interval) if station_state is not State.STALE else None
    other = beside(station, head)
    record = {
        "state": station_state.value,
        "head": f"{head.quantity}/{head.id}",
        "beside": None if other is None else f"{other.quantity}/{other.id}",
        "change": None if change is None else round(change, 6),
        "spark": None if line is None else {"steps": line.steps, "line": line.line, "beyond": line.beyond},
        "sensors": sensors,
    }
    return record, known.reading.time_ms if known.reading else None, is_late(known.reading, head.interval, now_ms)


def summarise(registry: Registry, stations: dict[str, Record]) -> list[Record]:
    """How many stations are in each state, the worst first; for the silent ones since when, and in which zone that is."""
    zones = {station.id: registry.districts[station.district].timezone for station in registry.stations}
    parts: list[Record] = []
    for state in State:
        ids = [id_ for id_, record in stations.items() if record["state"] == state.value]
        if not ids:
            continue
        part: Record = {"state": state.value, "count": len(ids)}
        if state is State.STALE:
            since = sorted((stations[id_]["sensors"][stations[id_]["head"]][2] or 0, id_) for id_ in ids)
            known = [(time_ms, id_) for time_ms, id_ in since if time_ms]
            if known:
                part["since_ms"] = known[0][0]
                part["zone"] = zones[known[0][1]]
                part["together"] = known[-1][0] - known[0][0] <= TOGETHER_MS and len(known) == len(since)
        parts.append(part)
    return parts


def silent_gateways(registry: Registry, knowledge: Knowledge, now_ms: int) -> list[Record]:
    """Gateways none of whose sensors has been seen in twice its interval, with the time since when, the longest first."""
    out: list[Record] = []
    names = {gateway.id: gateway.name or gateway.id for gateway in registry.gateways}
    for gateway, sensors in registry.sensors_by_gateway().items():
        seen = [
            (known.seen_ms, sensor.interval)
            for station, sensor in sensors.values()
            if (known := knowledge.of(key_of(station, sensor))).seen_ms is not None
        ]
        if not seen or any(now_ms - (time_ms or 0) <= 2000 * interval for time_ms, interval in seen):
            continue
        stations = sorted({station.id for station, _ in sensors.values()})
        zone = registry.districts[next(iter(sensors.values()))[0].district].timezone
        since = max(time_ms or 0 for time_ms, _ in seen)
        out.append({"id": gateway, "name": names[gateway], "since_ms": since, "zone": zone, "stations": stations})
    return sorted(out, key=lambda one: (one["since_ms"], one["id"]))

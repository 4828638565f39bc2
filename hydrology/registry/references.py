"""What one table of the registry says of another: every name must exist, and be of the right kind."""

import difflib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple, Protocol, TypeVar
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from hydrology.registry.canals import Canal, Link
from hydrology.registry.flow_history import FlowHistory
from hydrology.registry.index import Index, head_sensor, level_sensors
from hydrology.registry.ratings import Rating
from hydrology.registry.sensor import Sensor
from hydrology.registry.stations import District, Gateway, Station
from hydrology.registry.topology import Topology, edges
from hydrology.registry.users import User

Path = tuple[str | int, ...]
_T = TypeVar("_T")


class _Named(Protocol):
    @property
    def id(self) -> str: ...

    @property
    def district(self) -> str: ...


class Problem(NamedTuple):
    """What is wrong, at which key of the whole registry, and the mend."""

    path: Path
    message: str
    mend: str = ""


def problems(
    districts: Mapping[str, District],
    gateways: list[Gateway],
    stations: list[Station],
    users: list[User],
    canals: list[Canal],
    links: list[Link],
) -> Iterator[Problem]:
    """All that is wrong between the tables of a registry."""
    zones = {}
    for name, district in districts.items():
        zones[name] = district.timezone
        if not _is_zone(district.timezone):
            mend = "write an IANA name, such as Asia/Almaty"
            yield Problem(("districts", name, "timezone"), f"there is no time zone {district.timezone!r}", mend)
            zones[name] = "UTC"
    index = Index(stations)
    named: list[tuple[str, Sequence[_Named]]] = [("gateway", gateways), ("station", stations)]
    named += [("user", users), ("canal", canals)]
    for what, rows in named:
        key = f"{what}s"
        for place in _repeated(rows, lambda one: str(one.id)):
            yield Problem((key, place, "id"), f"two {key} have the same id {rows[place].id!r}", "give each its own")
        for place, row in enumerate(rows):
            if row.district not in districts:
                text = f"{what} {row.id!r}: there is no district {row.district!r}"
                yield Problem((key, place, "district"), text, _near(row.district, districts))
    known = {gateway.id for gateway in gateways}
    seen: dict[tuple[str, str], str] = {}
    for place, station in enumerate(stations):
        for at, sensor in enumerate(station.sensors):
            here: Path = ("stations", place, "sensors", at)
            if sensor.gateway not in known:
                text = f"sensor {station.id}/{sensor.id}: there is no gateway {sensor.gateway!r}"
                yield Problem((*here, "gateway"), text, _near(sensor.gateway, known))
            first = seen.setdefault((sensor.gateway, sensor.id), station.id)
            if first != station.id or at != _first(station.sensors, sensor):
                text = f"gateway {sensor.gateway!r} has two sensors {sensor.id!r}"
                yield Problem((*here, "id"), text, f"the other one is at station {first}")
            yield from _companions(station, sensor, here, index)
        yield from _ratings(station, place, zones.get(station.district, "UTC"))
        yield from _special(station, place, index)
    yield from _users(users, index)
    yield from _water(canals, links, index)


def _is_zone(name: str) -> bool:
    if name == "UTC":
        return True
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return False
    return True


def _first(sensors: list[Sensor], wanted: Sensor) -> int:
    return next(at for at, one in enumerate(sensors) if (one.gateway, one.id) == (wanted.gateway, wanted.id))


def _repeated(rows: Iterable[_T], key: Callable[[_T], str]) -> list[int]:
    """The places of rows whose key a row before has."""
    seen: set[str] = set()
    out = []
    for place, row in enumerate(rows):
        if key(row) in seen:
            out.append(place)
        seen.add(key(row))
    return out


def _near(name: str, known: Iterable[str]) -> str:
    names = sorted(known)
    near = difflib.get_close_matches(name, names, n=1, cutoff=0.6)
    if near:
        return f"did you mean {near[0]!r}?"
    shown = ", ".join(names[:8]) + (" ..." if len(names) > 8 else "")
    return f"known: {shown}" if names else "there is none yet"


def _companions(station: Station, sensor: Sensor, here: Path, index: Index) -> Iterator[Problem]:
    quality = sensor.quality
    if quality is None:
        return
    if quality.moves is not None:
        for name in quality.moves.sensors:
            if station.sensor(name) is None or name == sensor.id:
                mend = _near(name, (one.id for one in station.sensors if one.id != sensor.id))
                path = (*here, "quality", "moves", "sensors")
                yield Problem(path, f"station {station.id!r} has no other sensor {name!r}", mend)
    if quality.neighbour is not None:
        path = (*here, "quality", "neighbour")
        try:
            _, other = index.sensor(f"{quality.neighbour.station}/{quality.neighbour.sensor}")
        except ValueError as error:
            yield Problem(path, str(error))
            return
        if other.quantity != sensor.quantity:
            yield Problem(path, f"the neighbour measures {other.quantity}, this sensor {sensor.quantity}")


_NEEDS = {"head": {"level", "elevation"}, "tail": {"level", "elevation"}, "opening": {"gate_opening"}}
_NEEDS["velocity"] = {"velocity"}


def _ratings(station: Station, place: int, zone: str) -> Iterator[Problem]:
    for at, rating in enumerate(station.ratings):
        yield from _rating_sensors(station, rating, ("stations", place, "ratings", at))
    for series, ratings in station.discharges().items():
        first = station.ratings.index(ratings[0])
        sensor = station.sensor(series)
        if sensor is not None and sensor.quantity == "discharge":
            text = f"the discharge {series!r} is measured by a sensor already"
            path: Path = ("stations", place, "ratings", first, "discharge")
            yield Problem(path, text, "give the derived series an id of its own")
        try:
            FlowHistory(ratings, zone)
        except ValueError as error:
            yield Problem(("stations", place, "ratings", first), str(error))


def _rating_sensors(station: Station, rating: Rating, here: Path) -> Iterator[Problem]:
    for role, wanted in _NEEDS.items():
        name = getattr(rating, role)
        if name is None:
            continue
        sensor = station.sensor(name)
        fitting = [one.id for one in station.sensors if one.quantity in wanted]
        if sensor is None:
            yield Problem((*here, role), f"station {station.id!r} has no sensor {name!r}", _near(name, fitting))
        elif sensor.quantity not in wanted:
            text = f"{name!r} measures {sensor.quantity}, not {' or '.join(sorted(wanted))}"
            yield Problem((*here, role), text, _near(name, fitting))
    if rating.head is None and head_sensor(station, rating) is None:
        levels = [one.id for one in level_sensors(station)]
        mend = f"add head = one of {', '.join(levels)}" if levels else "give the station a level sensor"
        yield Problem(here, "this rating does not say which level it works on", mend)
    structure = rating.structure
    if structure is not None:
        for role, needed in (("opening", structure.has_opening), ("velocity", structure.kind == "index_velocity")):
            if needed and getattr(rating, role) is None:
                yield Problem(here, f"{structure.kind} needs {role}", f"add {role} = the sensor that measures it")


def _special(station: Station, place: int, index: Index) -> Iterator[Problem]:
    here: Path = ("stations", place)
    if station.storage:
        if not level_sensors(station):
            yield Problem((*here, "storage"), "a storage table needs a level or elevation sensor at the station")
        elif station.datum is None and all(one.quantity == "level" for one in level_sensors(station)):
            mend = "add [datum] with zero_m and system"
            yield Problem((*here, "storage"), "levels above gauge zero need a datum to become elevations", mend)
    if station.inflow is not None:
        if not station.storage:
            yield Problem((*here, "inflow"), "an inflow by balance needs a storage table", "add [[storage]]")
        for at, outflow in enumerate(station.inflow.outflows):
            yield from _meter(outflow, (*here, "inflow", "outflows", at), index)
    references: list[tuple[Path, str | None]] = []
    if station.well is not None:
        logger = station.well.logger
        references += [
            ((*here, "well", "logger"), logger and f"{station.id}/{logger}"),
            ((*here, "well", "barometer"), station.well.barometer),
        ]
    if station.hydropower is not None:
        power = station.hydropower
        references += [((*here, "hydropower", "upper"), power.upper), ((*here, "hydropower", "lower"), power.lower)]
        if power.release is not None:
            yield from _meter(power.release, (*here, "hydropower", "release"), index)
    for path, reference in references:
        if reference is None:
            continue
        try:
            _, sensor = index.sensor(reference)
        except ValueError as error:
            yield Problem(path, str(error))
            continue
        wanted = {"pressure"} if "well" in path else {"level", "elevation"}
        if sensor.quantity not in wanted:
            yield Problem(path, f"{reference} measures {sensor.quantity}, not {' or '.join(sorted(wanted))}")


def _meter(reference: str, path: Path, index: Index) -> Iterator[Problem]:
    try:
        index.meter(reference)
    except ValueError as error:
        unknown = str(error).startswith("there is no")
        yield Problem(path, str(error), _near(reference.partition("/")[0], index.stations) if unknown else "")


def _users(users: list[User], index: Index) -> Iterator[Problem]:
    taken: dict[str, str] = {}
    for place, user in enumerate(users):
        for at, turnout in enumerate(user.turnouts):
            path: Path = ("users", place, "turnouts", at)
            yield from _meter(turnout, path, index)
            other = taken.setdefault(turnout, user.id)
            if other != user.id:
                yield Problem(path, f"turnout {turnout!r} delivers to {other!r} already", "a turnout has one user")


def _water(canals: list[Canal], links: list[Link], index: Index) -> Iterator[Problem]:
    unknown = False
    for place, canal in enumerate(canals):
        here: Path = ("canals", place)
        if canal.takes_from is not None and canal.takes_from not in index.stations:
            unknown = True
            mend = _near(canal.takes_from, index.stations)
            yield Problem((*here, "takes_from"), f"there is no station {canal.takes_from!r}", mend)
        for again in _repeated(canal.reaches, lambda one: str(one.id)):
            yield Problem((*here, "reaches", again, "id"), f"two reaches of {canal.id} have the same id")
        for at, reach in enumerate(canal.reaches):
            way: Path = (*here, "reaches", at)
            yield from _meter(reach.head, (*way, "head"), index)
            if reach.tail is not None:
                yield from _meter(reach.tail, (*way, "tail"), index)
            for key in ("turnouts", "inflows"):
                for number, meter in enumerate(getattr(reach, key)):
                    yield from _meter(meter, (*way, key, number), index)
    for place, link in enumerate(links):
        for key in ("upstream", "downstream"):
            name = getattr(link, key)
            if name not in index.stations:
                unknown = True
                yield Problem(("links", place, key), f"there is no station {name!r}", _near(name, index.stations))
        if link.upstream == link.downstream:
            yield Problem(("links", place, "downstream"), "a link must lead to another station")
    circle = None if unknown else Topology(edges(canals, links)).circle()
    if circle:
        path = ("links", 0) if links else ("canals", 0)
        for place, link in enumerate(links):
            if link.upstream in circle and link.downstream in circle:
                path = ("links", place)
        yield Problem(path, f"water cannot flow in a circle: {' > '.join(circle)}", "take one of these ways out")

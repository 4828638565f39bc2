"""Districts, gateways and stations: a place on the water with its sensors, ratings, storage, well or turbine."""

from datetime import date
from enum import StrEnum
from typing import Annotated, Self

from pydantic import AfterValidator, Field, model_validator

from hydrology import storage as laws
from hydrology.registry.base import Duration, Effective, Number, Table
from hydrology.registry.limits import Elevation, LossM, PlanM3s, RiverKm, UnitKw, WellM
from hydrology.registry.ratings import Rating
from hydrology.registry.sensor import Sensor
from settings.errors import FaultError
from wire.names import Id

Latitude = Annotated[float, Field(ge=-90, le=90)]
Longitude = Annotated[float, Field(ge=-180, le=180)]


class StationKind(StrEnum):
    """What a station is."""

    CANAL_GAUGE = "canal_gauge"
    RIVER_GAUGE = "river_gauge"
    RESERVOIR = "reservoir"
    WELL = "well"
    HYDROPOWER = "hydropower"
    RAIN = "rain"


class District(Table):
    """An irrigation district or basin branch. `timezone` is an IANA name."""

    name: str
    timezone: str = "UTC"


class Gateway(Table):
    """A gateway and the district that runs it."""

    id: Id
    district: Id
    name: str = ""


class Datum(Table):
    """Gauge zero in a named height system."""

    zero_m: Elevation
    system: str
    surveyed: date | None = None


class Levels(Table):
    """A reservoir's named levels in m of the height system: dead (УМО), normal full (НПУ), forced (ФПУ), crest."""

    dead_m: Elevation
    normal_m: Elevation
    forced_m: Elevation | None = None
    crest_m: Elevation | None = None

    @model_validator(mode="after")
    def _rising(self) -> Self:
        given = [level for level in (self.dead_m, self.normal_m, self.forced_m, self.crest_m) if level is not None]
        if given != sorted(given) or self.dead_m == self.normal_m:
            raise ValueError("levels must rise: dead_m, normal_m, forced_m, crest_m")
        return self


STORAGE_BOUNDS = {"elevation_m": (-500.0, 9000.0), "volume_hm3": (0.0, 1e6), "area_km2": (0.0, 1e5)}
"""No reservoir holds more than 0.2 million hm3, or is wider than 10,000 km2: more is a wrong unit."""


def _storage_row(row: tuple[float, ...]) -> tuple[float, ...]:
    if not 2 <= len(row) <= 3:
        raise ValueError("write [elevation_m, volume_hm3] or [elevation_m, volume_hm3, area_km2]")
    for name, value, (least, most) in zip(STORAGE_BOUNDS, row, STORAGE_BOUNDS.values(), strict=False):
        if not least <= value <= most:
            raise ValueError(f"{name} = {value:g} cannot be: write {least:g} to {most:g}")
    return row


class Storage(Table):
    """An elevation-area-volume table from a date on: rows of (elevation m, volume hm3) or (..., area km2)."""

    effective_from: Effective
    survey: str = ""
    rows: Annotated[tuple[Annotated[tuple[Number, ...], AfterValidator(_storage_row)], ...], Field(min_length=2)]
    linear: bool = False

    @model_validator(mode="after")
    def _usable(self) -> Self:
        if len({len(row) for row in self.rows}) != 1:
            raise FaultError((("rows",), "give the area in all rows or in none"))
        try:
            self.table(None)
        except ValueError as error:
            raise FaultError((("rows",), str(error))) from error
        return self

    def table(self, levels: Levels | None) -> laws.StorageTable:
        """The table, ready to be asked. Raises ValueError."""
        rows = [laws.Row(row[0], row[1], row[2] if len(row) == 3 else None) for row in self.rows]
        named = None if levels is None else laws.Levels(levels.dead_m, levels.normal_m, levels.forced_m)
        return laws.StorageTable(rows, named, survey=self.survey, linear=self.linear)


class Well(Table):
    """An observation well with a pressure logger: measuring point in the height system, cable down to the logger.

    `barometer` names a pressure sensor as "station/sensor".
    """

    measuring_point_m: Elevation
    cable_m: WellM
    depth_m: WellM | None = None
    logger: Id | None = None
    barometer: str | None = None


class Hydropower(Table):
    """A unit: its rated power, efficiency and losses, the levels of its head as "station/sensor", the release it owes."""

    rated_kw: UnitKw
    efficiency: Annotated[float, Field(gt=0, le=1)]
    losses_m: LossM = 0.0
    upper: str | None = None
    lower: str | None = None
    ecological_release_m3s: PlanM3s = 0.0
    release: str | None = None


class Inflow(Table):
    """A reservoir's inflow by balance over a `window`: the change of its volume and all that leaves by these meters.

    Evaporation is not added: the inflow is what comes in less what evaporates.
    """

    outflows: Annotated[tuple[str, ...], Field(min_length=1)]
    window: Annotated[Duration, Field(ge=10_800)] = 21_600.0


class Station(Table):
    """A place on the water with its sensors. `river_or_canal` names the water; position in degrees, WGS 84."""

    id: Id
    name: str
    district: Id
    kind: StationKind = StationKind.CANAL_GAUGE
    river_or_canal: str = ""
    km: RiverKm | None = None
    latitude: Latitude | None = None
    longitude: Longitude | None = None
    datum: Datum | None = None
    note: str = ""
    sensors: list[Sensor] = Field(default_factory=list)
    ratings: tuple[Rating, ...] = ()
    levels: Levels | None = None
    storage: tuple[Storage, ...] = ()
    inflow: Inflow | None = None
    well: Well | None = None
    hydropower: Hydropower | None = None

    @model_validator(mode="after")
    def _whole(self) -> Self:
        if (self.latitude is None) != (self.longitude is None):
            raise ValueError("give latitude and longitude, or neither")
        if self.levels is not None:
            for one in self.storage:
                one.table(self.levels)  # its ValueError names a level outside the table
        return self

    def sensor(self, sensor_id: str) -> Sensor | None:
        """The sensor with this id."""
        return next((sensor for sensor in self.sensors if sensor.id == sensor_id), None)

    def discharges(self) -> dict[str, tuple[Rating, ...]]:
        """The ratings of each discharge series that is derived here, by the series' id."""
        out: dict[str, tuple[Rating, ...]] = {}
        for rating in self.ratings:
            out[rating.discharge] = (*out.get(rating.discharge, ()), rating)
        return out

    def has_discharge(self, series: str | None = None) -> bool:
        """Whether a discharge of this id (any, if None) is measured or derived here."""
        measured = {sensor.id for sensor in self.sensors if sensor.quantity == "discharge"}
        known = measured | {rating.discharge for rating in self.ratings}
        return bool(known) if series is None else series in known

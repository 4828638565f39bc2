"""The station registry: districts, stations, gateways, sensors and their thresholds, and the lookups that ingest needs."""

from enum import StrEnum
from typing import Annotated, Self

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from settings.load import parse_duration_s
from wire.names import Id
from wire.quantities import QUANTITIES

Duration = Annotated[float, BeforeValidator(parse_duration_s), Field(gt=0)]


class _Table(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class StationKind(StrEnum):
    """What a station is."""

    CANAL_GAUGE = "canal_gauge"
    RIVER_GAUGE = "river_gauge"
    RESERVOIR = "reservoir"
    WELL = "well"
    HYDROPOWER = "hydropower"
    RAIN = "rain"


class District(_Table):
    """An irrigation district or basin branch. `timezone` is an IANA name."""

    name: str
    timezone: str = "UTC"


class Thresholds(_Table):
    """Levels of concern in the sensor's unit, rising from action to major; `low` is the lower one."""

    low: float | None = None
    action: float | None = None
    minor: float | None = None
    moderate: float | None = None
    major: float | None = None

    @model_validator(mode="after")
    def _rising(self) -> Self:
        given = [value for value in (self.low, self.action, self.minor, self.moderate, self.major) if value is not None]
        if given != sorted(given):
            raise ValueError("thresholds must rise: low, action, minor, moderate, major")
        return self


class Sensor(_Table):
    """One series of a station. `gateway` is the gateway that reads it; the id is unique within the gateway."""

    id: Id
    gateway: Id
    quantity: Id
    unit: str
    interval: Annotated[Duration, Field(description="expected time between readings, seconds")] = 900.0
    thresholds: Thresholds = Thresholds()
    title: str = ""
    decimals: Annotated[int, Field(ge=0, le=6)] = 2

    @model_validator(mode="after")
    def _known_quantity(self) -> Self:
        known = QUANTITIES.get(self.quantity)
        if known is None:
            raise ValueError(f"quantity {self.quantity!r} is not known: one of {', '.join(sorted(QUANTITIES))}")
        if self.unit != known.unit:
            raise ValueError(f"{self.quantity} is stored in {known.unit!r}, not in {self.unit!r}")
        return self


class Station(_Table):
    """A place on the water with its sensors. `river_or_canal` names the water; position in degrees, WGS 84."""

    id: Id
    name: str
    district: Id
    kind: StationKind = StationKind.CANAL_GAUGE
    river_or_canal: str = ""
    latitude: Annotated[float | None, Field(ge=-90, le=90)] = None
    longitude: Annotated[float | None, Field(ge=-180, le=180)] = None
    sensors: list[Sensor] = []


class Gateway(_Table):
    """A gateway and the district that runs it."""

    id: Id
    district: Id
    name: str = ""


class Registry(_Table):
    """The whole registry as read from TOML."""

    districts: dict[Id, District] = {}
    gateways: list[Gateway] = []
    stations: list[Station] = []

    @model_validator(mode="after")
    def _hangs_together(self) -> Self:
        gateways = {gateway.id for gateway in self.gateways}
        if len(gateways) != len(self.gateways):
            raise ValueError("two gateways have the same id")
        for gateway in self.gateways:
            if gateway.district not in self.districts:
                raise ValueError(f"gateway {gateway.id!r}: there is no district {gateway.district!r}")
        if len({station.id for station in self.stations}) != len(self.stations):
            raise ValueError("two stations have the same id")
        seen: set[tuple[str, str]] = set()
        series: set[tuple[str, str, str]] = set()
        for station in self.stations:
            if station.district not in self.districts:
                raise ValueError(f"station {station.id!r}: there is no district {station.district!r}")
            for sensor in station.sensors:
                if sensor.gateway not in gateways:
                    raise ValueError(f"sensor {station.id}/{sensor.id}: there is no gateway {sensor.gateway!r}")
                if (sensor.gateway, sensor.id) in seen:
                    raise ValueError(f"gateway {sensor.gateway!r} has two sensors {sensor.id!r}")
                seen.add((sensor.gateway, sensor.id))
                if (station.id, sensor.quantity, sensor.id) in series:
                    raise ValueError(f"station {station.id!r} has two sensors {sensor.id!r} of {sensor.quantity}")
                series.add((station.id, sensor.quantity, sensor.id))
        return self

    def sensors_by_gateway(self) -> dict[str, dict[str, tuple[Station, Sensor]]]:
        """For each gateway, its sensors by id, each with its station; every registered gateway has an entry."""
        out: dict[str, dict[str, tuple[Station, Sensor]]] = {gateway.id: {} for gateway in self.gateways}
        for station in self.stations:
            for sensor in station.sensors:
                out[sensor.gateway][sensor.id] = (station, sensor)
        return out

    def district_of_gateway(self) -> dict[str, str]:
        """The district of each gateway."""
        return {gateway.id: gateway.district for gateway in self.gateways}

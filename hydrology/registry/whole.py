"""The whole registry, and the lookups that every role needs."""

from typing import Self

from pydantic import Field, model_validator

from hydrology.registry.base import Table
from hydrology.registry.canals import Canal, Link
from hydrology.registry.references import Problem, problems
from hydrology.registry.sensor import Sensor
from hydrology.registry.stations import District, Gateway, Station
from hydrology.registry.users import User
from settings.errors import FaultError
from wire.names import Id


class Parts(Table):
    """The tables of a registry, or of one of its files: each good in itself, not yet held against the others."""

    districts: dict[Id, District] = Field(default_factory=dict)
    gateways: list[Gateway] = Field(default_factory=list)
    stations: list[Station] = Field(default_factory=list)
    users: list[User] = Field(default_factory=list)
    canals: list[Canal] = Field(default_factory=list)
    links: list[Link] = Field(default_factory=list)

    def problems(self) -> list[Problem]:
        """All that is wrong between the tables."""
        return list(problems(self.districts, self.gateways, self.stations, self.users, self.canals, self.links))


class Registry(Parts):
    """The whole registry: every name that is used exists."""

    @model_validator(mode="after")
    def _hangs_together(self) -> Self:
        found = self.problems()
        if found:
            raise FaultError(*((problem.path, problem.message) for problem in found))
        return self

    @classmethod
    def of_checked(cls, parts: Parts) -> "Registry":
        """A registry of parts that have no problems; they are not looked for again."""
        return cls.model_construct(None, **{name: getattr(parts, name) for name in Parts.model_fields})

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

    def zone_of(self, station: Station) -> str:
        """The time zone in which a station's dates are local."""
        return self.districts[station.district].timezone

"""Water users: where they take their water, their limits, and their plan by decade."""

from datetime import date
from enum import StrEnum
from typing import Annotated, Self

from pydantic import Field, model_validator

from hydrology.accounting.periods import Period, decade_of, decade_period, hydrological_year, season_period
from hydrology.registry.base import Table
from hydrology.registry.limits import AreaHa, LimitHm3, PlanM3s
from wire.names import Id

Year = Annotated[int, Field(ge=1900, le=2200)]
Decades = tuple[PlanM3s, PlanM3s, PlanM3s]
"""The three decades of a month."""
MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")


class LimitPeriod(StrEnum):
    """What a limit is for: the growing season (April to September), the other one that ends in the year, or both."""

    GROWING = "growing"
    OTHER = "other"
    HYDROLOGICAL_YEAR = "hydrological_year"


class Limit(Table):
    """The volume that a user may take in a season of a year."""

    year: Year
    season: LimitPeriod = LimitPeriod.GROWING
    volume_hm3: LimitHm3

    def period(self, zone: str) -> Period:
        """The limit's time in a time zone."""
        if self.season is LimitPeriod.HYDROLOGICAL_YEAR:
            return hydrological_year(self.year, zone)
        return season_period(self.year, zone, self.season is LimitPeriod.GROWING)


class Plan(Table):
    """Mean flows in m3/s of a year's decades, three for each month that is named; the others have none planned."""

    year: Year
    jan: Decades | None = None
    feb: Decades | None = None
    mar: Decades | None = None
    apr: Decades | None = None
    may: Decades | None = None
    jun: Decades | None = None
    jul: Decades | None = None
    aug: Decades | None = None
    sep: Decades | None = None
    oct: Decades | None = None
    nov: Decades | None = None
    dec: Decades | None = None

    def flow_m3s(self, day: date) -> float:
        """The planned flow of the decade that holds this local day; 0 in another year."""
        decades: Decades | None = getattr(self, MONTHS[day.month - 1]) if day.year == self.year else None
        return 0.0 if decades is None else decades[decade_of(day) - 1]

    def volume_m3(self, month: int, decade: int, zone: str) -> float:
        """The planned volume of a decade: its flow over the seconds between its local midnights."""
        period = decade_period(self.year, month, decade, zone)
        return self.flow_m3s(date(self.year, month, 10 * decade - 9)) * period.seconds


class User(Table):
    """A water user. `turnouts` are the stations (or "station/series") that meter the deliveries.

    `priority` is the class under shortage, the lowest number first.
    """

    id: Id
    name: str
    district: Id
    turnouts: Annotated[tuple[str, ...], Field(min_length=1)]
    area_ha: AreaHa | None = None
    priority: Annotated[int, Field(ge=1, le=9)] = 5
    limits: tuple[Limit, ...] = ()
    plans: tuple[Plan, ...] = ()

    @model_validator(mode="after")
    def _once(self) -> Self:
        if len({(limit.year, limit.season) for limit in self.limits}) != len(self.limits):
            raise ValueError("two limits for one season of one year")
        if len({plan.year for plan in self.plans}) != len(self.plans):
            raise ValueError("two plans for one year")
        return self

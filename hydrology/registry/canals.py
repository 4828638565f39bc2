"""Canals with their reaches, and links between stations on a river: what is upstream of what."""

from enum import StrEnum
from typing import Annotated

from pydantic import Field

from hydrology.registry.base import Duration, Table
from hydrology.registry.limits import CanalM3s, ReachKm, RiverKm
from wire.names import Id


class Lining(StrEnum):
    """What a canal's bed is."""

    CONCRETE = "concrete"
    EARTH = "earth"
    MEMBRANE = "membrane"


class Reach(Table):
    """A stretch of canal between two metered stations, head and tail, with metered turnouts and inflows between.

    A meter is a station, or "station/series" where the station has more than one discharge. Without a `tail` all water
    leaves by the turnouts.
    """

    id: Id
    head: str
    tail: str | None = None
    length_km: ReachKm
    turnouts: tuple[str, ...] = ()
    inflows: tuple[str, ...] = ()
    capacity_m3s: CanalM3s | None = None
    lining: Lining | None = None
    travel_time: Duration | None = None


class Canal(Table):
    """A canal and its reaches from head to tail. `takes_from` is the station of the river or reservoir that feeds it."""

    id: Id
    name: str
    district: Id
    takes_from: Id | None = None
    reaches: Annotated[tuple[Reach, ...], Field(min_length=1)]


class Muskingum(Table):
    """Routing parameters of a link: K, and x from 0 to .5."""

    k: Duration
    x: Annotated[float, Field(ge=0, le=0.5)]


class Link(Table):
    """Water flows from one station to another: a river's stretch, a reservoir and its outlet."""

    upstream: Id
    downstream: Id
    distance_km: RiverKm | None = None
    lag: Duration | None = None
    muskingum: Muskingum | None = None

"""What is allowed in a registry and yet worth a second look: said by `aryk registry check`, an error of nothing."""

from collections.abc import Iterator
from datetime import datetime

from hydrology.registry.flow_history import FlowHistory
from hydrology.registry.sensor import Sensor
from hydrology.registry.stations import Station, StationKind
from hydrology.registry.topology import broken_chain
from hydrology.registry.users import LimitPeriod, User
from hydrology.registry.whole import Registry

MOST_GAUGE_M = 30.0
"""A level above gauge zero beyond this is no river's and no canal's (our rule): it is in cm, or in the height system."""


def advice(registry: Registry, now: datetime) -> list[str]:
    """One sentence for each thing worth a look, in the order of the registry."""
    out: list[str] = [] if registry.stations else ["there is no station yet: no reading will be taken"]
    for station in registry.stations:
        out += [f"station {station.id}: {words}" for words in _station(station, registry.zone_of(station), now)]
    used = {sensor.gateway for station in registry.stations for sensor in station.sensors}
    out += [f"gateway {gateway.id}: no sensor names it" for gateway in registry.gateways if gateway.id not in used]
    metered = _metered(registry)
    for user in registry.users:
        out += [f"user {user.id}: {words}" for words in _user(user, registry.districts[user.district].timezone)]
        if registry.canals:
            out += [f"user {user.id}: no reach has its turnout {one}" for one in user.turnouts if one not in metered]
    for canal in registry.canals:
        out += [
            f"canal {canal.id}: reach {canal.reaches[at].id} begins at {head}, the one before ends at {tail}"
            for at, tail, head in broken_chain(canal)
        ]
    return out


def _metered(registry: Registry) -> set[str]:
    return {meter for canal in registry.canals for reach in canal.reaches for meter in reach.turnouts}


def _station(station: Station, zone: str, now: datetime) -> Iterator[str]:
    if not station.sensors:
        yield "it has no sensors"
    if station.latitude is None:
        yield "it has no position, so no map shows it"
    if station.kind is StationKind.WELL and station.well is None:
        yield "a well without [well] has no depth and no elevation"
    if station.kind is StationKind.RESERVOIR and not station.storage:
        yield "a reservoir without [[storage]] has no volume"
    for sensor in station.sensors:
        upper = [level.level_m for level in sensor.alarm_levels()]
        if upper and max(upper) > MOST_GAUGE_M and _is_gauge(station, sensor):
            yield (
                f"sensor {sensor.id} has a threshold of {max(upper):g} m above gauge zero, which no water here reaches: "
                "is it in cm, or in the height system?"
            )
        if sensor.span is not None and upper and max(upper) > sensor.span[1]:
            yield f"sensor {sensor.id} cannot reach its threshold {max(upper):g}: its span ends at {sensor.span[1]:g}"
        if upper and sensor.quality is None:
            yield f"sensor {sensor.id} has thresholds and no quality tests: one wild reading is an alarm"
    for series, ratings in station.discharges().items():
        if FlowHistory(ratings, zone).in_force(now) is None:
            yield f"no rating of {series} is in force now"
    for survey in station.storage:
        for elevation, misfit in survey.table(station.levels).misfits():
            text = f"the slice above {elevation:g} m is {100 * misfit:.0f} % off what its areas make"
            yield f"storage table {survey.survey or survey.effective_from}: {text}"


def _is_gauge(station: Station, sensor: Sensor) -> bool:
    return sensor.quantity == "level" and station.kind in (StationKind.RIVER_GAUGE, StationKind.CANAL_GAUGE)


def _user(user: User, zone: str) -> Iterator[str]:
    plans = {plan.year: plan for plan in user.plans}
    for limit in user.limits:
        plan = plans.get(limit.year)
        if plan is None or limit.season is not LimitPeriod.GROWING:
            continue
        season = limit.period(zone)
        planned = sum(plan.volume_m3(month, decade, zone) for month in range(4, 10) for decade in (1, 2, 3))
        if planned > limit.volume_hm3 * 1e6:
            yield f"the plan of {season.name} is {planned / 1e6:.2f} hm3, its limit {limit.volume_hm3:g} hm3"

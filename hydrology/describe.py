"""A station in plain words, and as one document: what it measures, which ratings hold, its thresholds, its neighbours."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from hydrology.registry.base import moment
from hydrology.registry.flow_history import DatedRating, FlowHistory
from hydrology.registry.index import head_sensor
from hydrology.registry.ratings import Rating
from hydrology.registry.sensor import Calibration, Sensor
from hydrology.registry.stations import Station
from hydrology.registry.topology import Edge, Topology, edges
from hydrology.registry.whole import Registry

Lines = list[tuple[str, str]]
"""Names and values; a name is "" where the value goes on from the line before."""


def describe(registry: Registry, station: Station, now: datetime) -> dict[str, Any]:
    """All of a station as plain values for JSON: its tables, and what follows from them at a time."""
    topology = Topology(edges(registry.canals, registry.links))
    zone = registry.zone_of(station)
    return {
        **station.model_dump(mode="json", exclude_none=True, exclude_unset=True),
        "timezone": zone,
        "in_force": {
            series: _in_force(FlowHistory(ratings, zone).in_force(now))
            for series, ratings in station.discharges().items()
        },
        "calibrations_in_force": {
            sensor.id: held.model_dump(mode="json")
            for sensor in station.sensors
            if (held := sensor.calibration_at(now, zone)) is not None
        },
        "upstream": [_edge(edge, edge.upstream) for edge in topology.above(station.id)],
        "downstream": [_edge(edge, edge.downstream) for edge in topology.below(station.id)],
        "all_upstream": sorted(topology.all_above(station.id)),
        "all_downstream": sorted(topology.all_below(station.id)),
        "users": [user.id for user in registry.users if station.id in _stations(user.turnouts)],
    }


def _in_force(dated: DatedRating | None) -> dict[str, Any] | None:
    if dated is None:
        return None
    ends = dated.ends.isoformat() if dated.ends is not None else None
    return {"name": dated.rating.name, "law": law_words(dated.rating), "since": dated.begins.isoformat(), "until": ends}


def _edge(edge: Edge, station: str) -> dict[str, Any]:
    return {"station": station, "via": edge.via, "lag_s": edge.lag_s, "distance_km": edge.distance_km}


def _stations(meters: Iterable[str]) -> set[str]:
    return {meter.partition("/")[0] for meter in meters}


def station_lines(registry: Registry, station: Station, now: datetime) -> Lines:
    """A station as lines of a name and a value."""
    district = registry.districts[station.district]
    zone = registry.zone_of(station)
    where = [station.river_or_canal, f"km {station.km:g}" if station.km is not None else ""]
    out: Lines = [(station.id, station.name)]
    out.append(("kind", ", ".join(filter(None, [station.kind.value.replace("_", " "), *where]))))
    out.append(("district", f"{district.name} ({station.district}, {zone})"))
    if station.latitude is not None and station.longitude is not None:
        out.append(("position", f"{station.latitude:.5f} N, {station.longitude:.5f} E"))
    if station.datum is not None:
        surveyed = f", surveyed {station.datum.surveyed}" if station.datum.surveyed else ""
        out.append(("gauge zero", f"{station.datum.zero_m:.3f} m {station.datum.system}{surveyed}"))
    if station.note:
        out.append(("note", station.note))
    for sensor in station.sensors:
        out += _sensor(sensor, zone, now)
    for series, ratings in station.discharges().items():
        out += _ratings(station, series, ratings, zone, now)
    out += _water(station, zone)
    out += _around(registry, station)
    return out


def _sensor(sensor: Sensor, zone: str, now: datetime) -> Lines:
    says = [sensor.title or sensor.quantity.replace("_", " "), f"every {duration_words(sensor.interval)}"]
    if sensor.span is not None:
        says.append(f"span {sensor.span[0]:g} to {sensor.span[1]:g} {sensor.unit}")
    out = [("sensor", f"{sensor.id}: {', '.join(says)}, by gateway {sensor.gateway}")]
    levels = sensor.thresholds.model_dump(exclude_none=True)
    if levels:
        out.append(
            ("", f"thresholds in {sensor.unit}: {', '.join(f'{name} {value:g}' for name, value in levels.items())}")
        )
    if sensor.alarm_levels():
        rule = sensor.alarm
        many = "one reading" if rule.confirmations == 1 else f"{rule.confirmations} readings in a row"
        near = sensor.quality.neighbour if sensor.quality is not None else None
        beside = f", or one that {near.station}/{near.sensor} confirms" if near is not None else ""
        cleared = f"cleared after {duration_words(rule.clear)} below them less {rule.hysteresis:g} {sensor.unit}"
        out.append(("", f"raised by {many}{beside}; {cleared}"))
    if sensor.quality is not None:
        tests = [name.replace("_per_hour", "") for name in sensor.quality.model_dump(exclude_unset=True)]
        out.append(("", f"quality tests: {', '.join(tests)}; rules {sensor.rules(zone).version}"))
    held = sensor.calibration_at(now, zone)
    if held is not None:
        out.append(("", f"calibration in force {calibration_words(held, sensor.unit, zone)}"))
    out += [
        ("", f"calibration to come {calibration_words(one, sensor.unit, zone)}")
        for one in sensor.calibrations
        if moment(one.effective_from, zone) > now
    ]
    return out


def calibration_words(one: Calibration, unit: str, zone: str) -> str:
    """Since when, by what, and by whom."""
    scale = "" if one.scale == 1 else f"{one.scale:g} x "
    by = f", by {one.by}" if one.by else ""
    return f"since {day(one.effective_from, zone)}: {scale}reading {one.offset:+g} {unit}{by}"


def _ratings(station: Station, series: str, ratings: tuple[Rating, ...], zone: str, now: datetime) -> Lines:
    dated = FlowHistory(ratings, zone).in_force(now)
    if dated is None:
        return [(series, f"no rating is in force ({len(ratings)} in all)")]
    rating = dated.rating
    head = head_sensor(station, rating)
    name = f"{rating.name}: " if rating.name else ""
    out = [(series, f"{name}{law_words(rating)} on {head.id if head else '?'}")]
    until = f" until {day(rating.effective_to, zone)}" if rating.effective_to else ""
    others = f"; {len(ratings) - 1} other" if len(ratings) > 1 else ""
    out.append(("", f"in force since {day(rating.effective_from, zone)}{until}{others}"))
    shifts = [curve for curve in dated.shifts.curves if curve.effective <= now]
    if shifts and shifts[-1].points:
        points = ", ".join(f"{shift:+.3f} m at {stage:g} m" for stage, shift in shifts[-1].points)
        begins = shifts[-1].effective.astimezone(ZoneInfo(zone))
        out.append(("", f"shift of {begins.date()}: {points}"))
    return out


def law_words(rating: Rating) -> str:
    """What a rating is, in a few words."""
    if rating.structure is not None:
        return rating.structure.kind.replace("_", " ")
    if rating.table:
        return f"table of {len(rating.table)} rows"
    return " then ".join(f"{part.a:.4g} (h {-part.e_m:+.4g})^{part.b:.4g}" for part in rating.segments)


def _water(station: Station, zone: str) -> Lines:
    out: Lines = []
    if station.levels is not None:
        names = {"dead_m": "dead", "normal_m": "normal", "forced_m": "forced", "crest_m": "crest"}
        levels = station.levels.model_dump(exclude_none=True)
        out.append(("levels", ", ".join(f"{names[key]} {value:g} m" for key, value in levels.items())))
    for survey in station.storage:
        low, high = survey.rows[0], survey.rows[-1]
        text = f"{low[0]:g} m {low[1]:g} hm3 to {high[0]:g} m {high[1]:g} hm3, from {day(survey.effective_from, zone)}"
        out.append(("storage", f"{survey.survey + ': ' if survey.survey else ''}{text}"))
    if station.inflow is not None:
        out.append(
            ("inflow", f"by balance over {station.inflow.window / 3600:g} h, with {', '.join(station.inflow.outflows)}")
        )
    if station.well is not None:
        well = station.well
        text = f"measuring point {well.measuring_point_m:g} m, cable {well.cable_m:g} m"
        out.append(("well", f"{text}, barometer {well.barometer}" if well.barometer else text))
    if station.hydropower is not None:
        unit = station.hydropower
        text = f"{unit.rated_kw:g} kW, efficiency {unit.efficiency:g}"
        out.append(("unit", f"{text}, owes the river {unit.ecological_release_m3s:g} m3/s"))
    return out


def _around(registry: Registry, station: Station) -> Lines:
    topology = Topology(edges(registry.canals, registry.links))
    out: Lines = []
    for title, ways in (("upstream", topology.above(station.id)), ("downstream", topology.below(station.id))):
        for place, edge in enumerate(ways):
            other = edge.upstream if title == "upstream" else edge.downstream
            told = [] if edge.via == "link" else [f"reach {edge.via}" if "/" in edge.via else f"canal {edge.via}"]
            if edge.distance_km is not None:
                told.append(f"{edge.distance_km:g} km")
            if edge.lag_s is not None:
                told.append(duration_words(edge.lag_s))
            out.append(
                ("" if place else title, f"{other}{f' ({chr(44).join(told)})' if told else ''}".replace(",", ", "))
            )
    for user in registry.users:
        if station.id in _stations(user.turnouts):
            limits = ", ".join(f"{limit.volume_hm3:g} hm3 in {limit.year}" for limit in user.limits)
            out.append(("user", f"{user.name}{f': limit {limits}' if limits else ''}"))
    return out


def day(effective: Any, zone: str) -> str:
    """An `Effective` for people: a time is shown as the zone's clocks have it."""
    if not isinstance(effective, datetime):
        return str(effective)
    return f"{effective.astimezone(ZoneInfo(zone)):%Y-%m-%d %H:%M} ({zone})"


def duration_words(seconds: float) -> str:
    """900 as "15 min"."""
    for size, unit in ((86400, "d"), (3600, "h"), (60, "min")):
        if seconds >= size and seconds % size == 0:
            return f"{seconds / size:g} {unit}"
    return f"{seconds:g} s" if seconds < 3600 else f"{seconds / 3600:g} h"

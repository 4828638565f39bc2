"""Rows of reservoirs (level, volume, inflow, release) and of hydroposts (level at 08:00, mean flow, volumes)."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, time

from dashboards.report.flows import Amount, Column, together, volume
from dashboards.report.meters import GAP_INTERVALS, Meter
from dashboards.report.span import local_day
from dashboards.report.users import Columns
from hydrology.accounting import Period, local_time
from hydrology.registry import Sensor, Station, Storage, level_sensors, moment
from store.points import SeriesKey

MORNING = time(8)
"""When hydroposts read their staffs."""


@dataclass(frozen=True, slots=True)
class ReservoirRow:
    """Elevations in m of `system` (above gauge zero where the station has no datum), volumes in m3.

    `rest_m3` is inflow - release - change of volume: evaporation, seepage, rain on it, and the meters' errors. It is None
    unless inflow and release were measured for 90 % of the period.
    """

    station: Station
    system: str
    start_m: float | None
    end_m: float | None
    start_m3: float | None
    end_m3: float | None
    full_pct: float | None
    useful_pct: float | None
    inflow: Amount | None
    release: Amount | None

    @property
    def change_m3(self) -> float | None:
        """Change of volume over the period."""
        return None if self.start_m3 is None or self.end_m3 is None else self.end_m3 - self.start_m3

    @property
    def rest_m3(self) -> float | None:
        """What the balance leaves over."""
        change, inflow, release = self.change_m3, self.inflow, self.release
        if change is None or inflow is None or release is None or inflow.provisional or release.provisional:
            return None
        return (inflow.volume_m3 or 0.0) - (release.volume_m3 or 0.0) - change


def level_key(station: Station) -> tuple[Sensor, SeriesKey] | None:
    """The first level of a station."""
    found = level_sensors(station)
    return (found[0], SeriesKey(found[0].quantity, station.id, found[0].id)) if found else None


def level_at(station: Station, columns: Columns, when: datetime) -> float | None:
    """The first level of a station at a time, in its own unit and above its own zero."""
    found = level_key(station)
    if found is None:
        return None
    sensor, key = found
    return columns.get(key, Column()).value_at(when.timestamp(), GAP_INTERVALS * sensor.interval)


def _elevation(station: Station, columns: Columns, when: datetime) -> float | None:
    found, value = level_key(station), level_at(station, columns, when)
    if found is None or value is None or found[0].quantity == "elevation":
        return value
    return value + (station.datum.zero_m if station.datum else 0.0)


def storage_at(station: Station, when: datetime, zone: str) -> Storage | None:
    """The table in force at a time."""
    past = [one for one in station.storage if moment(one.effective_from, zone) <= when]
    return max(past, key=lambda one: moment(one.effective_from, zone)) if past else None


def reservoir_row(
    station: Station, inflows: Sequence[Meter], releases: Sequence[Meter], columns: Columns, period: Period, zone: str
) -> ReservoirRow:
    """The row."""
    levels = [_elevation(station, columns, when) for when in (period.start, period.end)]
    table = storage_at(station, period.start, zone)
    stored = None if table is None else [table.table(station.levels).at(level) for level in levels]
    start_hm3, end_hm3 = (None, None) if stored is None else (stored[0].volume_hm3, stored[1].volume_hm3)

    def of(meters: Sequence[Meter]) -> Amount | None:
        return together([volume(columns[m.key], m, period) for m in meters]) if meters else None

    return ReservoirRow(
        station,
        station.datum.system if station.datum else "",
        levels[0],
        levels[1],
        None if start_hm3 is None else start_hm3 * 1e6,
        None if end_hm3 is None else end_hm3 * 1e6,
        stored[1].full_pct if stored else None,
        stored[1].useful_pct if stored else None,
        of(inflows),
        of(releases),
    )


@dataclass(frozen=True, slots=True)
class PostRow:
    """A hydropost: level in m at 08:00 of the last day, mean flow of what was measured, volumes in m3."""

    station: Station
    meter: Meter
    level_m: float | None
    delivered: Amount
    since: Amount


def post_row(station: Station, meter: Meter, columns: Columns, period: Period, season: Period, zone: str) -> PostRow:
    """The row; `season` ends where the period does."""
    last_day = datetime.fromtimestamp(period.end.timestamp() - 1, tz=period.end.tzinfo)
    at = local_time(local_day(last_day, zone), zone, MORNING)
    column = columns[meter.key]
    return PostRow(
        station,
        meter,
        level_at(station, columns, at) if at <= period.end else None,
        together([volume(column, meter, period)]),
        together([volume(column, meter, season)]),
    )

"""What a sensor with thresholds shows: its state against them, the change in a day, and the trend, which is no forecast. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass

from hydrology.registry import Registry, Sensor, Station, along_water
from hydrology.registry.confirming import Confirming, confirming
from hydrology.warnings import (
    Condition,
    GaugeAlarm,
    Memory,
    Status,
    Threshold,
    TimeToThreshold,
    Trend,
    theil_sen,
    time_to_threshold,
)
from hydrology.warnings.shown import OF_AN_INTERVAL, Shown, shown
from hydrology.warnings.trend import MAX_POINTS
from wire.flags import Flag

STALE_INTERVALS = 2
"""A gauge without a usable reading for so many of its intervals is unknown."""
TREND_S = 3 * 3600.0
DAY_MS = 86_400_000

Row = tuple[int, float | None, int]
"""Time in ms since 1970, value in the sensor's unit, flag."""


@dataclass(frozen=True, slots=True)
class Gauge:
    """A sensor with upper thresholds: most often a level, but a discharge, a volume or rain may have them too."""

    station: Station
    sensor: Sensor
    neighbour: Confirming | None = None

    @property
    def thresholds(self) -> tuple[Threshold, ...]:
        """The upper ones, lowest first."""
        return tuple(sorted(self.sensor.alarm_levels(), key=lambda one: one.level_m))

    @property
    def shown(self) -> Shown:
        """How its values are printed."""
        return shown(self.sensor.quantity, self.sensor.unit, self.sensor.decimals)

    @property
    def stale_s(self) -> float:
        """The age from which its value says nothing about now."""
        return STALE_INTERVALS * self.sensor.interval


@dataclass(frozen=True, slots=True)
class GaugeState:
    """The state at a time. `ahead` is the time to the next threshold by the trend; both None where the gauge is unknown."""

    gauge: Gauge
    status: Status
    at_ms: int
    value: float | None
    flag: Flag | None
    change_24h: float | None
    trend: Trend | None
    next: Threshold | None
    ahead: TimeToThreshold | None

    @property
    def age_s(self) -> float | None:
        """Age of the last usable reading."""
        return None if self.status.last_ms is None else (self.at_ms - self.status.last_ms) / 1000

    @property
    def low(self) -> bool:
        """Below the lower threshold, and known to be."""
        floor = self.gauge.sensor.thresholds.low
        known = self.status.condition is not Condition.UNKNOWN
        return known and floor is not None and self.value is not None and self.value < floor


def gauges(registry: Registry, station_id: str | None = None) -> list[Gauge]:
    """The sensors with upper thresholds, of all stations or of one, along each water."""
    sensors = {(one.id, sensor.id): (one, sensor) for one in registry.stations for sensor in one.sensors}
    return [
        Gauge(station, sensor, confirming(sensor, sensors))
        for station in along_water(registry.stations)
        if station_id in (None, station.id)
        for sensor in station.sensors
        if sensor.alarm_levels()
    ]


def gauge_state(gauge: Gauge, rows: Sequence[Row], at_ms: int, beside: Sequence[Row] = ()) -> GaugeState:
    """The state of rows in the order of time, later ones than `at_ms` left out. `beside` are the neighbour's rows."""
    alarm = GaugeAlarm(gauge.thresholds, gauge.stale_s)
    memory = Memory()
    known = [row for row in beside if row[0] <= at_ms]
    if known:
        memory.take([row[0] for row in known], [row[1] for row in known], [row[2] for row in known])
    usable: list[tuple[int, float, Flag]] = []
    for time_ms, value, flag in rows:
        if time_ms <= at_ms and value is not None and flag not in (Flag.FAIL, Flag.MISSING):
            confirmed = gauge.neighbour.at(memory, time_ms) if gauge.neighbour is not None else ()
            alarm.feed(time_ms, value, Flag(flag), confirmed=confirmed)
            usable.append((time_ms, value, Flag(flag)))
    status = alarm.status(at_ms)
    if not usable:
        return GaugeState(gauge, status, at_ms, None, None, None, None, None, None)
    last_ms, last, flag = usable[-1]
    trend, following, ahead = None, None, None
    has_trend = gauge.sensor.quantity not in OF_AN_INTERVAL
    if status.condition is not Condition.UNKNOWN:
        window = [(t / 1000, v) for t, v, _ in usable if last_ms - t <= TREND_S * 1000]
        thinned = window[:: -(-len(window) // MAX_POINTS)]
        if has_trend and len(thinned) > 2:
            trend = theil_sen([t for t, _ in thinned], [v for _, v in thinned])
        following = next((one for one in gauge.thresholds if one.level_m > last), None)
        if trend is not None and following is not None:
            ahead = time_to_threshold(last, following.level_m, trend)
    change = _change(usable, gauge) if has_trend else None
    return GaugeState(gauge, status, at_ms, last, flag, change, trend, following, ahead)


def _change(usable: list[tuple[int, float, Flag]], gauge: Gauge) -> float | None:
    """From the reading nearest to a day before the last one, if there is one near."""
    last_ms, last, _ = usable[-1]
    near = min(usable, key=lambda row: abs(row[0] - (last_ms - DAY_MS)))
    return last - near[1] if abs(near[0] - (last_ms - DAY_MS)) <= gauge.stale_s * 1000 else None

"""The pairs of gauges of a registry that a nowcast goes between, and the series that it may read. Pure."""

from dataclasses import dataclass

from dashboards.warn.gauge import STALE_INTERVALS
from hydrology.registry import Index, Registry, Sensor, Station, level_sensors
from hydrology.registry.canals import Muskingum
from hydrology.registry.stations import StationKind
from hydrology.warnings import Threshold
from store.points import SeriesKey

INFLOW = "inflow"
"""The discharge into a reservoir, from its balance."""


@dataclass(frozen=True, slots=True)
class Pair:
    """Two series of one quantity, and the longest interval of their readings."""

    above: SeriesKey
    below: SeriesKey
    interval_s: float
    thresholds: tuple[Threshold, ...] = ()

    @property
    def stale_s(self) -> float:
        """The age from which a value says nothing about now."""
        return STALE_INTERVALS * self.interval_s


@dataclass(frozen=True, slots=True)
class Stretch:
    """Water between two stations. `pairs` are what may be read there, the better one first."""

    upstream: Station
    downstream: Station
    lag_s: float | None
    muskingum: Muskingum | None
    pairs: tuple[Pair, ...]

    @property
    def name(self) -> str:
        """As it is printed, and kept in the store."""
        return f"{self.upstream.id}>{self.downstream.id}"


def stretches(registry: Registry, downstream: str | None = None) -> list[Stretch]:
    """The links and the reaches with a tail, of all stations below or of one, in the registry's order."""
    index = Index(registry.stations)
    found = [(link.upstream, link.downstream, link.lag, link.muskingum) for link in registry.links]
    found += [
        (reach.head, reach.tail, reach.travel_time, None)
        for canal in registry.canals
        for reach in canal.reaches
        if reach.tail is not None
    ]
    out = []
    for above, below, lag_s, muskingum in found:
        up, down = (index.stations[one.partition("/")[0]] for one in (above, below))
        if downstream in (None, down.id) and up.id != down.id:
            both = [_levels(up, down), _flows(index, above, below, down)]
            if muskingum is not None:  # only a discharge can be routed
                both.reverse()
            out.append(Stretch(up, down, lag_s, muskingum, tuple(pair for pair in both if pair is not None)))
    return out


def _flows(index: Index, above: str, below: str, down: Station) -> Pair | None:
    try:
        up, first = index.meter(above)
        if down.kind is StationKind.RESERVOIR:
            second = INFLOW
        else:
            _, second = index.meter(below)
    except ValueError:  # it has none, or several
        return None
    keys = SeriesKey("discharge", up.id, first), SeriesKey("discharge", down.id, second)
    sensor = down.sensor(second)
    thresholds = () if sensor is None else sensor.alarm_levels()
    return Pair(*keys, max(_interval(up, first), _interval(down, second)), thresholds)


def _levels(up: Station, down: Station) -> Pair | None:
    """Levels between two gauges; a reservoir's level does not follow a river's."""
    if StationKind.RESERVOIR in (up.kind, down.kind):
        return None
    first, second = _level(up), _level(down)
    if first is None or second is None or first.quantity != second.quantity:
        return None
    keys = SeriesKey(first.quantity, up.id, first.id), SeriesKey(second.quantity, down.id, second.id)
    return Pair(*keys, max(first.interval, second.interval), second.alarm_levels())


def _level(station: Station) -> Sensor | None:
    """The level with thresholds, else the first."""
    found = level_sensors(station)
    return next((one for one in found if one.alarm_levels()), found[0] if found else None)


def _interval(station: Station, series: str) -> float:
    sensor = station.sensor(series)
    if sensor is not None:
        return sensor.interval
    return max((one.interval for one in level_sensors(station)), default=900.0)

"""Discharges of the example's past, as they follow from what its gauges read: by the registry's ratings in force."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime

from hydrology.registry import Heads, Registry, Station, head_sensor
from hydrology.registry.flow_history import FlowHistory
from store.points import SeriesKey, SeriesPoints

Readings = Mapping[str, Sequence[float | None]]
"""Values by sensor id, one for each time."""


class Discharges:
    """All discharges that the registry derives from levels."""

    def __init__(self, registry: Registry) -> None:
        self._stations = {station.id: station for station in registry.stations}
        self._histories = {
            (station.id, series): FlowHistory(ratings, registry.zone_of(station))
            for station in registry.stations
            for series, ratings in station.discharges().items()
        }

    def of_station(self, station_id: str, times_s: Sequence[float], readings: Readings) -> list[SeriesPoints]:
        """The station's derived series at these times."""
        station = self._stations[station_id]
        whens = [datetime.fromtimestamp(t, UTC) for t in times_s]
        out = []
        for series in station.discharges():
            history = self._histories[station_id, series]
            answers = [
                history.discharge(when, _heads(station, history, when, readings, n)) for n, when in enumerate(whens)
            ]
            key = SeriesKey("discharge", station_id, series)
            times_ms = [round(t * 1000.0) for t in times_s]
            out.append(
                SeriesPoints(key, times_ms, [one.value_m3s for one in answers], [int(one.flag) for one in answers])
            )
        return out


def _heads(station: Station, history: FlowHistory, when: datetime, readings: Readings, n: int) -> Heads:
    dated = history.in_force(when)
    if dated is None:
        return Heads()
    head = head_sensor(station, dated.rating)

    def at(sensor: str | None) -> float | None:
        return None if sensor is None else readings[sensor][n]

    return Heads(at(head.id if head else None), at(dated.rating.tail), at(dated.rating.opening))

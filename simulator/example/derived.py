"""What follows from the readings of the example's past: the series that ingest derives, by the same rules."""

from collections.abc import Mapping, Sequence

from hydrology.derived import Derivation, derivations
from hydrology.registry import Registry
from store.points import SeriesKey, SeriesPoints
from wire.flags import Flag

Readings = Mapping[str, Sequence[float | None]]
"""Values by sensor id, one for each time."""


class Derived:
    """The derived series of a registry whose readings all have the same times."""

    def __init__(self, registry: Registry) -> None:
        self._by_station: dict[str, list[Derivation]] = {}
        for one in derivations(registry):
            # What needs another station's readings is derived from live ones only.
            if all(part.name.station == one.station for part in one.inputs):
                self._by_station.setdefault(one.station, []).append(one)

    def of_station(self, station_id: str, times_s: Sequence[float], readings: Readings) -> list[SeriesPoints]:
        """The station's derived series at these times."""
        out = []
        times_ms = [round(t * 1000.0) for t in times_s]
        for one in self._by_station.get(station_id, []):
            inputs = [readings.get(part.name.sensor) for part in one.inputs]
            if any(column is None for column in inputs):
                continue
            columns = [column for column in inputs if column is not None]
            answers = [
                one.at(time_ms, [(column[n], Flag.PASS) for column in columns]) for n, time_ms in enumerate(times_ms)
            ]
            known = [n for n, answer in enumerate(answers) if answer is not None]
            for place, output in enumerate(one.outputs):
                values = [answer[place] for answer in answers if answer is not None]
                out.append(
                    SeriesPoints(
                        SeriesKey(*output.name),
                        [times_ms[n] for n in known],
                        [value for value, _ in values],
                        [flag for _, flag in values],
                    )
                )
        return out

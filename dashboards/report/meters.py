"""The meters of a registry as a report needs them: which series, how integrated, how uncertain."""

from collections.abc import Mapping
from dataclasses import dataclass

from hydrology.accounting import UNCERTAINTY_PCT
from hydrology.registry import Index, Rating, Station, head_sensor
from store.points import SeriesKey

GAP_INTERVALS = 3
"""Readings further apart than so many expected intervals leave a gap."""
_KIND_OF = {
    "parshall_flume": "parshall",
    "sluice_gate": "gate",
    "radial_gate": "gate",
    "gated_spillway": "gate",
    "bottom_outlet": "gate",
    "index_velocity": "index_velocity",
}
"""Every other structure is a weir."""


@dataclass(frozen=True, slots=True)
class Meter:
    """A discharge series. `step` integrates by the previous value: the flow stands until the gate moves."""

    reference: str
    title: str
    key: SeriesKey
    interval_s: float
    step: bool
    uncertainty_pct: float

    @property
    def max_gap_s(self) -> float:
        """The longest time between two readings over which is integrated."""
        return GAP_INTERVALS * self.interval_s


class Meters:
    """Meters by their reference, "station" or "station/series"."""

    def __init__(
        self,
        stations: list[Station],
        uncertainty_pct: Mapping[str, float] | None = None,
        integration: Mapping[str, str] | None = None,
    ) -> None:
        self._index = Index(stations)
        self._uncertainty, self._integration = uncertainty_pct or {}, integration or {}
        for table, given in (("uncertainty_pct", self._uncertainty), ("integration", self._integration)):
            for reference in given:
                try:
                    self._index.meter(reference)
                except ValueError as error:
                    raise ValueError(f"{table}: {error}") from None

    def meter(self, reference: str) -> Meter:
        """What a reference names. Raises ValueError."""
        station, series = self._index.meter(reference)
        sensor = station.sensor(series)
        ratings = station.discharges().get(series, ())
        names = (reference, station.id, f"{station.id}/{series}")
        given = next((self._uncertainty[name] for name in names if name in self._uncertainty), None)
        how = next((self._integration[name] for name in names if name in self._integration), None)
        title = station.name
        if sensor is not None:
            interval = sensor.interval
        else:
            heads = [head for rating in ratings if (head := head_sensor(station, rating)) is not None]
            interval = max((head.interval for head in heads), default=900.0)
        return Meter(
            reference,
            title,
            SeriesKey("discharge", station.id, series),
            interval,
            any(rating.has_opening for rating in ratings) if how is None else how == "step",
            _uncertainty_pct(ratings) if given is None else given,
        )

    def of_station(self, station: Station) -> list[Meter]:
        """All discharges of a station."""
        measured = [sensor.id for sensor in station.sensors if sensor.quantity == "discharge"]
        return [self.meter(f"{station.id}/{series}") for series in dict.fromkeys([*measured, *station.discharges()])]


def _uncertainty_pct(ratings: tuple[Rating, ...]) -> float:
    """Of the newest rating: its own standard error twice (k = 2), else the middle of its kind; a sensor's without."""
    if not ratings:
        return UNCERTAINTY_PCT["index_velocity"]
    newest = ratings[-1]
    if newest.structure is not None:
        return UNCERTAINTY_PCT[_KIND_OF.get(newest.structure.kind, "weir")]
    return UNCERTAINTY_PCT["rating"] if newest.standard_error_pct is None else 2 * newest.standard_error_pct

"""Which calibration of the registry is in force at a derived series' inputs, and whether the stored readings show that the
gateway applied it: the centre changes no reading, so only `raw` beside the value can tell."""

from dataclasses import dataclass

from hydrology.derived import Derivation, Input
from hydrology.derived.times import instant
from hydrology.describe import calibration_words
from hydrology.registry import Calibration, Registry
from store.points import PointReader, SeriesKey, StoredPoint

ENOUGH = 1e-6
"""Of the value: what a calibration's rounding may make."""


@dataclass(frozen=True, slots=True)
class Calibrated:
    """An input's calibration, and the reading that was looked at; None where there is none near."""

    series: str
    held: Calibration
    said: str
    point: StoredPoint | None

    @property
    def words(self) -> str:
        """For people."""
        return f"{self.series} {self.said}; {verdict(self.held, self.point)}"


def verdict(held: Calibration, point: StoredPoint | None) -> str:
    """Whether this reading shows that the gateway applied the calibration."""
    if point is None or point.value is None:
        return "no reading near that shows whether the gateway applied it"
    if held.scale == 1 and held.offset == 0:
        return "it changes nothing"
    raw = point.value if point.raw is None else point.raw
    if abs(held.value(raw) - point.value) <= ENOUGH * max(1.0, abs(point.value)):
        return f"applied by the gateway: {raw:.6g} became {point.value:.6g}"
    if point.raw is None:
        return f"not shown: the value {point.value:.6g} came without what the sensor said; is it in gateway.toml's calibration?"
    return f"NOT applied: {raw:.6g} became {point.value:.6g}, and would be {held.value(raw):.6g}"


async def calibrated(reader: PointReader, registry: Registry, one: Derivation, time_ms: int) -> list[Calibrated]:
    """The calibrations in force at a derivation's inputs at a time. Raises StoreError."""
    stations = {station.id: station for station in registry.stations}
    out: dict[str, Calibrated] = {}
    for part in one.inputs:
        station = stations[part.name.station]
        sensor = station.sensor(part.name.sensor)
        zone = registry.zone_of(station)
        held = None if sensor is None else sensor.calibration_at(instant(time_ms), zone)
        if sensor is not None and held is not None and part.name.reference not in out:
            said = calibration_words(held, sensor.unit, zone)
            out[part.name.reference] = Calibrated(
                part.name.reference, held, said, await _nearest(reader, part, time_ms)
            )
    return list(out.values())


async def _nearest(reader: PointReader, part: Input, time_ms: int) -> StoredPoint | None:
    near_ms = round(2000 * part.interval_s)
    found = await reader.points(SeriesKey(*part.name), time_ms - near_ms, time_ms + near_ms + 1, 10_000)
    return min(found, key=lambda point: abs(point.time_ms - time_ms), default=None)

"""A sensor: one series of a station, with its span, its tests, its thresholds and its calibrations."""

from datetime import datetime
from typing import Annotated, Self

from pydantic import Field, model_validator

from hydrology.quality import Rules
from hydrology.registry.base import Duration, Effective, Number, Positive, Span, Table, moment, same
from hydrology.registry.quality import Quality, to_rules
from hydrology.registry.thresholds import Alarm, Thresholds, alarm_levels
from hydrology.warnings.thresholds import Threshold
from wire.names import Id
from wire.quantities import QUANTITIES


class Calibration(Table):
    """From a date on: value = scale * what the sensor says + offset, in the sensor's unit."""

    effective_from: Effective
    scale: Number = 1.0
    offset: Number = 0.0
    by: str = ""
    note: str = ""

    @model_validator(mode="after")
    def _usable(self) -> Self:
        if self.scale == 0:
            raise ValueError("scale must not be 0")
        return self

    def value(self, said: float) -> float:
        """What a sensor's number means by it."""
        return self.scale * said + self.offset


class Sensor(Table):
    """One series of a station. `gateway` is the gateway that reads it; the id is unique within the gateway.

    `interval` is the expected time between readings in seconds. `span` is what the sensor can measure (outside: fail),
    `resolution` its smallest step, both in its unit.
    """

    id: Id
    gateway: Id
    quantity: Id
    unit: str
    interval: Duration = 900.0
    thresholds: Annotated[Thresholds, same()] = Thresholds()
    title: str = ""
    decimals: Annotated[int, Field(ge=0, le=6)] = 2
    span: Span | None = None
    resolution: Positive | None = None
    quality: Annotated[Quality, same()] | None = None
    alarm: Annotated[Alarm, same()] = Alarm()
    calibrations: tuple[Calibration, ...] = ()

    @model_validator(mode="after")
    def _known_quantity(self) -> Self:
        known = QUANTITIES.get(self.quantity)
        if known is None:
            raise ValueError(f"quantity {self.quantity!r} is not known: one of {', '.join(sorted(QUANTITIES))}")
        if self.unit != known.unit:
            raise ValueError(f"{self.quantity} is stored in {known.unit!r}, not in {self.unit!r}")
        flat = self.quality and self.quality.flat
        if flat and flat.tolerance is None and self.resolution is None:
            raise ValueError("quality.flat needs a tolerance, or the sensor a resolution")
        return self

    def rules(self, zone: str) -> Rules:
        """The quality tests of this sensor, ready for the engine."""
        return to_rules(self.quality, self.span, self.resolution, zone)

    def calibration_at(self, when: datetime, zone: str) -> Calibration | None:
        """The calibration in force at an aware time: the latest that has begun. `zone` is where dates are local."""
        begun = [one for one in self.calibrations if moment(one.effective_from, zone) <= when]
        return max(begun, key=lambda one: moment(one.effective_from, zone), default=None)

    def alarm_levels(self) -> tuple[Threshold, ...]:
        """The upper thresholds of this sensor, ready for `GaugeAlarm`."""
        return alarm_levels(self.thresholds, self.alarm)

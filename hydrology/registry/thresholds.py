"""Levels of concern of a sensor, and how an alarm on them is raised and cleared."""

from typing import Annotated, Self

from pydantic import Field, model_validator

from hydrology.registry.base import Duration, NotNegative, Number, Table
from hydrology.warnings.thresholds import LevelName, Threshold


class Thresholds(Table):
    """Levels of concern in the sensor's unit, rising from action to major; `low` is the lower one.

    `adverse` and `dangerous` are the local two classes (НЯ, ОЯ), a scale of their own that rises too.
    """

    low: Number | None = None
    action: Number | None = None
    minor: Number | None = None
    moderate: Number | None = None
    major: Number | None = None
    adverse: Number | None = None
    dangerous: Number | None = None

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        national = (self.low, self.action, self.minor, self.moderate, self.major)
        local = (self.low, self.adverse, self.dangerous)
        for scale, names in ((national, "low, action, minor, moderate, major"), (local, "low, adverse, dangerous")):
            given = [value for value in scale if value is not None]
            if given != sorted(given):
                raise ValueError(f"thresholds must rise: {names}")
        return self


class Alarm(Table):
    """How the sensor's thresholds are raised and cleared; see `hydrology.warnings.thresholds`."""

    hysteresis: NotNegative = 0.10
    confirmations: Annotated[int, Field(ge=1, le=10)] = 2
    clear: Duration = 1800.0


def alarm_levels(thresholds: Thresholds, alarm: Alarm) -> tuple[Threshold, ...]:
    """The upper thresholds that are given, ready for `GaugeAlarm`."""
    return tuple(
        Threshold(name, level, alarm.hysteresis, alarm.confirmations, alarm.clear)
        for name in LevelName
        if (level := getattr(thresholds, name.value)) is not None
    )

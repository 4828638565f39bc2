"""From a device's answer to readings with a value and a flag. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import isfinite

from gateway.calibration import calibrate, scaled
from gateway.registers import decode
from gateway.settings import SensorSettings
from wire.flags import Flag


@dataclass(frozen=True, slots=True)
class Reading:
    """One sensor at one time. `value` is None exactly where the flag is 9; `raw` is None where it equals the value.

    `why` says what went wrong where something did; it is shown, not logged.
    """

    sensor: str
    quantity: str
    unit: str
    value: float | None
    flag: int
    raw: float | None = None
    why: str = ""


def read_sensor(sensor: SensorSettings, words: Sequence[int]) -> Reading:
    """The reading in these registers: 1 where all is well, 4 outside what the sensor can measure, 9 where it is no number."""
    number = decode(words, sensor.type, sensor.word_order.value, sensor.byte_order.value)
    measured = scaled(number, sensor.scale, sensor.offset)
    value = calibrate(sensor.calibration, measured)
    if not isfinite(value):
        return missed(sensor, "the sensor sent no finite number")
    raw = None if measured == value else measured
    # What the instrument can measure is about what it said.
    if sensor.valid is not None and not sensor.valid[0] <= measured <= sensor.valid[1]:
        why = f"outside {sensor.valid[0]:g} to {sensor.valid[1]:g} {sensor.unit}"
        return Reading(sensor.id, sensor.quantity, sensor.unit, value, int(Flag.FAIL), raw, why)
    return Reading(sensor.id, sensor.quantity, sensor.unit, value, int(Flag.PASS), raw)


def missed(sensor: SensorSettings, why: str) -> Reading:
    """A read that was tried and failed."""
    return Reading(sensor.id, sensor.quantity, sensor.unit, None, int(Flag.MISSING), None, why)

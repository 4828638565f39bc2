import math
from typing import Any

import pytest
from pydantic import ValidationError

from gateway.readings import missed, read_sensor
from gateway.registers import RegisterType, encode
from tests.gateway.build import sensor


def read(
    number: float, kind: RegisterType = RegisterType.UINT16, **more: Any
) -> tuple[float | None, int, float | None]:
    one = read_sensor(sensor(type=kind, **more), encode(number, kind))
    return one.value, one.flag, one.raw


def test_a_number_as_it_stands() -> None:
    assert read(1234) == (1234.0, 1, None)


def test_scaled_without_binary_noise() -> None:
    assert read(57, scale=0.01) == (0.57, 1, None)
    assert read(100, scale=0.25, offset=-5) == (20.0, 1, None)


@pytest.mark.parametrize("number", [math.nan, math.inf, -math.inf])
def test_no_finite_number_is_no_value(number: float) -> None:
    assert read(number, RegisterType.FLOAT32) == (None, 9, None)


def test_a_calibration_is_applied_and_what_the_sensor_said_is_kept() -> None:
    assert read(1812, scale=0.001, calibration={"offset": -0.012}) == (1.8, 1, 1.812)
    assert read(1000, scale=0.001, calibration={"scale": 1.1, "offset": 0.1}) == (1.2, 1, 1.0)
    assert read(1812, scale=0.001, calibration={"by": "team 2"}) == (1.812, 1, None), "it changes nothing"
    assert read(4505, scale=0.001, valid=[0, 4.5], calibration={"offset": -0.01}) == (4.495, 4, 4.505), (
        "it said too much"
    )
    with pytest.raises(ValidationError, match="scale 0"):
        sensor(calibration={"scale": 0})


def test_outside_what_the_sensor_can_measure() -> None:
    assert read(5000, scale=0.001, valid=[0, 4.5]) == (5.0, 4, None)
    assert read(4500, scale=0.001, valid=[0, 4.5]) == (4.5, 1, None)


def test_a_failed_read_has_no_value() -> None:
    one = missed(sensor(), "no answer")
    assert (one.value, one.flag, one.why) == (None, 9, "no answer")

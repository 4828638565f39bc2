import math
from typing import Any

import pytest

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


def test_outside_what_the_sensor_can_measure() -> None:
    assert read(5000, scale=0.001, valid=[0, 4.5]) == (5.0, 4, None)
    assert read(4500, scale=0.001, valid=[0, 4.5]) == (4.5, 1, None)


def test_a_failed_read_has_no_value() -> None:
    one = missed(sensor(), "no answer")
    assert (one.value, one.flag, one.why) == (None, 9, "no answer")

from datetime import UTC, datetime

import pytest

from hydrology.registry import Sensor

SENSOR = Sensor.model_validate(
    {
        "id": "s",
        "gateway": "gw",
        "quantity": "level",
        "unit": "m",
        "calibrations": [
            {"effective_from": datetime(2026, 5, 1, 12, tzinfo=UTC), "offset": 0.02},
            {"effective_from": datetime(2026, 4, 1).date(), "scale": 2.0, "offset": -1.0},
        ],
    }
)


@pytest.mark.parametrize(
    ("when", "offset"),
    [
        (datetime(2026, 3, 31, 18, 59, tzinfo=UTC), None),
        (datetime(2026, 3, 31, 19, 0, tzinfo=UTC), -1.0),
        (datetime(2026, 5, 1, 11, 59, tzinfo=UTC), -1.0),
        (datetime(2026, 5, 1, 12, tzinfo=UTC), 0.02),
    ],
)
def test_the_latest_that_has_begun_is_in_force_by_local_days(when: datetime, offset: float | None) -> None:
    held = SENSOR.calibration_at(when, "Asia/Almaty")
    assert (None if held is None else held.offset) == offset


def test_a_value_is_scale_times_what_the_sensor_says_plus_offset() -> None:
    assert SENSOR.calibrations[1].value(3.0) == 5.0

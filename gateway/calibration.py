"""From the engineering value as measured to the value in force. Pure.

No calibration is in force yet: every value is taken as it was measured, and the log's column `raw` stays empty, which means
the same as the value.
"""


def calibrate(sensor: str, measured: float) -> float:
    """The value of this sensor under the calibration in force."""
    del sensor
    return measured

"""From the engineering value as measured to the value under the calibration in force. Pure.

The calibration in force is the one in gateway.toml; the registry keeps all of them with their dates. What the sensor said stays
in the log's column `raw`, so the centre can see what was done; it is empty where nothing was.
"""

from gateway.settings import CalibrationSettings


def calibrate(calibration: CalibrationSettings | None, measured: float) -> float:
    """The value under this calibration, without the noise of binary scaling."""
    if calibration is None or (calibration.scale == 1 and calibration.offset == 0):
        return measured
    return without_noise(measured * calibration.scale + calibration.offset)


def without_noise(number: float) -> float:
    """57 x 0.01 is 0.57 and not 0.5700000000000001, which costs on the wire."""
    return float(f"{number:.15g}")

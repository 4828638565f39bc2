"""From the engineering value as measured to the value under the calibration in force. Pure.

The calibration in force is the one in gateway.toml; the registry keeps all of them with their dates. What the sensor said stays
in the log's column `raw`, so the centre can see what was done; it is empty where nothing was.
"""

from gateway.settings import CalibrationSettings


def calibrate(calibration: CalibrationSettings | None, measured: float) -> float:
    """The value under this calibration."""
    return measured if calibration is None else scaled(measured, calibration.scale, calibration.offset)


def scaled(number: float, scale: float, offset: float) -> float:
    """number x scale + offset, without the noise of binary scaling: 57 x 0.01 is 0.57 and not 0.5700000000000001, which costs
    on the wire. What changes nothing leaves the number as it is."""
    return number if scale == 1 and offset == 0 else float(f"{number * scale + offset:.15g}")

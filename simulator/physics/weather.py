"""What the water's surroundings do to the instruments: temperature of the water, and a battery under a small solar panel."""

from math import cos, exp, pi

from simulator.physics.clock import DAY_S, local_hour
from simulator.physics.noise import lattice, stream

_SUNRISE_HOUR = 6.0
_SUNSET_HOUR = 20.0
_CHARGED_V = 13.8
_EVENING_V = 12.8
_EMPTY_V = 12.2
_NIGHT_TAU_H = 5.0
_SURFACE_CHARGE_TAU_H = 0.7


def water_temperature_c(seed: int, t: float, mean_c: float, swing_c: float) -> float:
    """Warmest at five in the afternoon, and slower moods of the weather."""
    return (
        mean_c
        + swing_c * cos(2.0 * pi * (local_hour(t) - 17.0) / 24.0)
        + 2.0 * lattice(stream(seed, "temperature"), t, 3.0 * DAY_S)
    )


def battery_v(seed: int, t: float) -> float:
    """12.2 to 13.8 V: the sun lifts it till noon, the charger holds it, after sunset it falls, fast first and then slowly."""
    hour = local_hour(t)
    cloud = 0.06 * lattice(stream(seed, "cloud"), t, 1_800.0)
    if _SUNRISE_HOUR <= hour < _SUNSET_HOUR:
        dawn = _night_v(_SUNRISE_HOUR + 24.0 - _SUNSET_HOUR)
        risen = min(1.0, (hour - _SUNRISE_HOUR) / 5.0)
        held = dawn + (_CHARGED_V - dawn) * risen * (2.0 - risen)
        # Clouds tell only while the panel charges.
        return held + cloud * 4.0 * risen * (1.0 - risen)
    return _night_v((hour - _SUNSET_HOUR) % 24.0)


def _night_v(dark_h: float) -> float:
    slow = _EMPTY_V + (_EVENING_V - _EMPTY_V) * exp(-dark_h / _NIGHT_TAU_H)
    return slow + (_CHARGED_V - _EVENING_V) * exp(-dark_h / _SURFACE_CHARGE_TAU_H)

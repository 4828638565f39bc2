"""From what a sensor gives to a level: pressure, radar, ultrasonic, current loop, counters, and their corrections.

Evidence: density, sound speed and the well's vector were cross-checked by numbers; NE 43's limits, the 1.91 %/K of EC,
local gravity and the drift correction are from memory, unverified against their documents.
"""

from dataclasses import dataclass
from math import cos, inf, nextafter, pi, radians, sin, sqrt

from hydrology.constants import ZERO_CELSIUS_K, G
from wire.flags import Flag

BARO_MAX_AGE_S = 3600.0
"""A barometer's reading further than this from the logger's is none (30 hPa uncompensated are 0.31 m of water)."""


def water_density_kg_m3(temperature_c: float) -> float:
    """Density of air-free fresh water, kg/m3, 0 to 40 degC.

    Tanaka 2001, coefficients from memory, cross-checked against the published 20 and 25 degC values and Kell 1975
    (0.0034 kg/m3). Outside 0 to 40 degC the nearer end is used: ice and boiling water are not levels.
    """
    t = min(max(temperature_c, 0.0), 40.0)
    return 999.974950 * (1 - ((t - 3.983035) ** 2 * (t + 301.797)) / (522528.9 * (t + 69.34881)))


def head_from_pressure_m(gauge_pa: float, temperature_c: float = 20.0, g: float = G) -> float:
    """Column of fresh water in m above the sensor for a gauge (vented, or barometer subtracted) pressure in Pa."""
    return gauge_pa / (water_density_kg_m3(temperature_c) * g)


@dataclass(frozen=True, slots=True)
class Level:
    """A level in m, with what is known of it. `value_m` is None exactly where the flag is 4 or 9."""

    value_m: float | None
    flag: Flag
    note: str = ""


def stage_from_absolute_pressure(
    absolute_pa: float,
    baro_pa: float | None,
    sensor_above_zero_m: float,
    *,
    temperature_c: float = 20.0,
    baro_age_s: float = 0.0,
    g: float = G,
) -> Level:
    """Stage in m above gauge zero of an absolute logger. `sensor_above_zero_m` = sensor's elevation - gauge zero.

    Without a barometer within an hour the standard atmosphere at sea level would be a guess: then flag 3, computed with
    101,325 Pa, and no discharge should be derived. Interpolate the barometer to the logger's time before.
    """
    if baro_pa is None or abs(baro_age_s) > BARO_MAX_AGE_S:
        pressure = absolute_pa - (101325.0 if baro_pa is None else baro_pa)
        value = head_from_pressure_m(pressure, temperature_c, g) + sensor_above_zero_m
        return Level(value, Flag.SUSPECT, "no barometer within 60 min: do not derive discharge")
    head = head_from_pressure_m(absolute_pa - baro_pa, temperature_c, g)
    return Level(head + sensor_above_zero_m, Flag.PASS)


def standard_atmosphere_pa(elevation_m: float) -> float:
    """Mean air pressure in Pa at an elevation, -500 to 11,000 m: for the plausibility of a barometer (within 5,000 Pa)."""
    if not -500.0 <= elevation_m <= 11_000.0:
        raise ValueError(f"elevation_m = {elevation_m} is outside -500 to 11,000 m")
    return float(101325.0 * (1 - 2.25577e-5 * elevation_m) ** 5.25588)


def local_gravity(latitude_deg: float, elevation_m: float = 0.0) -> float:
    """Gravity in m/s2 by latitude and height (Somigliana, free air); from memory, unverified. Its effect is below 0.3 %."""
    s = sin(radians(latitude_deg)) ** 2
    return 9.7803267715 * (1 + 0.001931851353 * s) / sqrt(1 - 0.0066943800229 * s) - 3.086e-6 * elevation_m


def stage_from_distance(
    distance_m: float,
    sensor_above_zero_m: float,
    *,
    tilt_deg: float = 0.0,
    blanking_m: float = 0.0,
    max_range_m: float = float("inf"),
) -> Level:
    """Stage in m from a sensor that looks down: radar, ultrasonic, laser.

    `distance_m` is along the beam and `tilt_deg` from the vertical: the vertical part is shorter. A distance inside the
    blanking zone or beyond the range is an echo from somewhere else: flag 4, no value.
    """
    if not 0 <= tilt_deg < 90:
        raise ValueError(f"tilt_deg = {tilt_deg} is not in 0 to 90")
    if not blanking_m <= distance_m <= max_range_m:
        return Level(None, Flag.FAIL, f"distance {distance_m:g} m is outside {blanking_m:g} to {max_range_m:g} m")
    return Level(sensor_above_zero_m - distance_m * cos(radians(tilt_deg)), Flag.PASS)


def sound_speed_m_s(air_c: float) -> float:
    """Speed of sound in dry air, m/s (ideal gas; -40 to 60 degC)."""
    return 331.3 * sqrt(1 + air_c / ZERO_CELSIUS_K)


def ultrasonic_distance_m(measured_m: float, air_c: float, calibrated_at_c: float) -> float:
    """Distance in m, corrected for the air's temperature: 20 K of error are 0.17 m in 5 m."""
    return measured_m * sqrt((ZERO_CELSIUS_K + air_c) / (ZERO_CELSIUS_K + calibrated_at_c))


def encoder_stage_m(counts: int, circumference_m: float, pulses_per_turn: int, offset_m: float) -> float:
    """Stage in m of a float and shaft encoder."""
    return counts * circumference_m / pulses_per_turn + offset_m


def encoder_circumference_m(wheel_diameter_m: float, line_diameter_m: float = 0.0) -> float:
    """Circumference in m at the middle of the float line."""
    return pi * (wheel_diameter_m + line_diameter_m)


@dataclass(frozen=True, slots=True)
class LoopReading:
    """A 4-20 mA reading in the unit of the span; `value` is None where the flag is 4."""

    value: float | None
    flag: Flag


def current_loop(current_ma: float, low: float, high: float) -> LoopReading:
    """A value from a 4-20 mA loop with the span `low` to `high`.

    NAMUR NE 43, from memory: valid 3.8 to 20.5 mA; at or below 3.6 and at or above 21 mA the sensor reports a fault
    (flag 4, no value). Between them it is saturated, not broken: flag 3 (our rule).
    """
    if not 3.6 < current_ma < 21.0:
        return LoopReading(None, Flag.FAIL)
    value = low + (current_ma - 4.0) / 16.0 * (high - low)
    return LoopReading(value, Flag.PASS if 3.8 <= current_ma <= 20.5 else Flag.SUSPECT)


def loop_spans(low: float, high: float) -> tuple[tuple[float, float], tuple[float, float]]:
    """The values that `current_loop` does not fail, and those that it passes, for 4 mA at `low` and 20 mA at `high`."""

    def value(current_ma: float) -> float:
        return low + (current_ma - 4) / 16 * (high - low)

    return (nextafter(value(3.6), inf), nextafter(value(21.0), -inf)), (value(3.8), value(20.5))


@dataclass(frozen=True, slots=True)
class CounterStep:
    """How far a counter went, in counts."""

    counts: float
    flag: Flag
    event: str


def counter_step(old: float, new: float, modulus: float, *, max_counts: float = float("inf")) -> CounterStep:
    """Counts between two readings of a counter with `modulus` states (65,536 for 16 bit, 10,000 for four digits).

    It goes back: a rollover if `old` was above 0.9 modulus and no more than `max_counts` (the span's rate times the
    time) passed, otherwise a reset that counted from 0, flag 3.
    """
    step = new - old
    if step >= 0:
        return CounterStep(step, Flag.PASS, "")
    if old > 0.9 * modulus and step + modulus <= max_counts:
        return CounterStep(step + modulus, Flag.PASS, "rollover")
    return CounterStep(new, Flag.SUSPECT, "reset")


def ec25(conductivity: float, water_c: float) -> float:
    """Conductivity at 25 degC, in the unit given: 1.91 %/K (ISO 7888, from memory, unverified)."""
    return conductivity / (1 + 0.0191 * (water_c - 25.0))


def drift_correction_m(t_s: float, t1_s: float, error1_m: float, t2_s: float, error2_m: float) -> float:
    """What to add to the raw stage at `t_s` between two checks; error = staff - logger, m (USGS practice, from memory).

    Linear in time between the checks, held outside. Raises ValueError if the second check is not later.
    """
    if t2_s <= t1_s:
        raise ValueError("the second check must be later than the first")
    share = min(max((t_s - t1_s) / (t2_s - t1_s), 0.0), 1.0)
    return error1_m + (error2_m - error1_m) * share


def staff_agrees(logger_m: float, staff_m: float) -> bool:
    """Whether logger and staff gauge agree within 0.02 ft or 0.2 % of stage (USGS practice, from memory)."""
    return abs(logger_m - staff_m) <= max(0.02 * 0.3048, 0.002 * abs(staff_m))

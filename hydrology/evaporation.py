"""Evaporation from open water: pan, FAO-56 reference evapotranspiration, Hargreaves; as a volume of a reservoir.

FAO-56's published examples were recomputed from memory of the equations (cross-checked numbers). Depths in mm a day.
"""

from math import acos, cos, exp, pi, radians, sin, sqrt, tan

PAN = 0.70
"""Annual pan coefficient (.6 to .8, from memory)."""
OPEN_WATER_KC = 1.05
"""Coefficient of shallow open water on FAO-56's ETo (from memory)."""
SOLAR_CONSTANT = 0.0820
"""MJ/m2/min."""
LATENT_HEAT = 2.45
"""MJ/kg."""


def pan_mm(pan_mm_d: float, coefficient: float = PAN) -> float:
    """Open-water evaporation from a class A pan's."""
    return coefficient * pan_mm_d


def saturation_kpa(celsius: float) -> float:
    """Saturation vapour pressure e0, kPa (FAO-56 eq. 11)."""
    return 0.6108 * exp(17.27 * celsius / (celsius + 237.3))


def air_pressure_kpa(elevation_m: float) -> float:
    """Mean air pressure, kPa (FAO-56 eq. 7)."""
    return float(101.3 * ((293 - 0.0065 * elevation_m) / 293) ** 5.26)


def extraterrestrial_mj(latitude_deg: float, day_of_year: int) -> float:
    """Extraterrestrial radiation Ra, MJ/m2/d (FAO-56 eq. 21). Polar day and night included."""
    if not 1 <= day_of_year <= 366:
        raise ValueError(f"day_of_year = {day_of_year} is not in 1 to 366")
    phi = radians(latitude_deg)
    angle = 2 * pi * day_of_year / 365
    distance = 1 + 0.033 * cos(angle)
    declination = 0.409 * sin(angle - 1.39)
    sunset = acos(min(max(-tan(phi) * tan(declination), -1.0), 1.0))
    sky = sunset * sin(phi) * sin(declination) + cos(phi) * cos(declination) * sin(sunset)
    return 24 * 60 / pi * SOLAR_CONSTANT * distance * sky


def reference_et_mm(
    t_max_c: float,
    t_min_c: float,
    wind_2m_m_s: float,
    vapour_kpa: float,
    net_radiation_mj: float,
    elevation_m: float,
    soil_heat_mj: float = 0.0,
) -> float:
    """Reference evapotranspiration ETo by Penman-Monteith (FAO-56 eq. 6), daily, mm/d; never below 0."""
    t_mean = (t_max_c + t_min_c) / 2
    slope = 4098 * saturation_kpa(t_mean) / (t_mean + 237.3) ** 2
    psychrometric = 0.665e-3 * air_pressure_kpa(elevation_m)
    deficit = (saturation_kpa(t_max_c) + saturation_kpa(t_min_c)) / 2 - vapour_kpa
    energy = 0.408 * slope * (net_radiation_mj - soil_heat_mj)
    wind = psychrometric * 900 / (t_mean + 273) * wind_2m_m_s * deficit
    return max((energy + wind) / (slope + psychrometric * (1 + 0.34 * wind_2m_m_s)), 0.0)


def hargreaves_mm(t_max_c: float, t_min_c: float, radiation_mj: float) -> float:
    """ETo by Hargreaves (FAO-56 eq. 52) from temperatures and Ra in MJ/m2/d, mm/d."""
    span = sqrt(max(t_max_c - t_min_c, 0.0))
    return max(0.0023 * ((t_max_c + t_min_c) / 2 + 17.8) * span * radiation_mj / LATENT_HEAT, 0.0)


def evaporated_m3(depth_mm: float, area_km2: float) -> float:
    """Volume in m3 that a depth in mm takes from a surface in km2."""
    return depth_mm * area_km2 * 1000

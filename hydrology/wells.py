"""Observation wells: depth to water and its elevation, with the barometer taken out."""

from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from hydrology.constants import G
from hydrology.sensors import BARO_MAX_AGE_S, head_from_pressure_m, water_density_kg_m3
from wire.flags import Flag


@dataclass(frozen=True, slots=True)
class Well:
    """A well: `cable_m` from the measuring point down to the sensor, `measuring_point_m` in the named height system."""

    cable_m: float
    measuring_point_m: float


@dataclass(frozen=True, slots=True)
class WellLevel:
    """What a logger says of a well, in m. `head_m` is the water above the sensor. All None where the flag is 4."""

    head_m: float | None
    depth_to_water_m: float | None
    elevation_m: float | None
    flag: Flag
    note: str = ""


def well_level(
    well: Well, absolute_pa: float, baro_pa: float | None, *, temperature_c: float = 12.0, g: float = G
) -> WellLevel:
    """Depth to water and elevation from an absolute logger and a barometer at the same time, both in Pa.

    `depth = cable - h`, `elevation = measuring point - depth`. Without a barometer: flag 4, no value, since the depth
    would be wrong by the weather. A head below zero is a dry sensor: flag 3.
    """
    if baro_pa is None:
        return WellLevel(None, None, None, Flag.FAIL, "no barometer within 60 min")
    head = head_from_pressure_m(absolute_pa - baro_pa, temperature_c, g)
    depth = well.cable_m - head
    flag, note = (Flag.PASS, "") if head >= 0 else (Flag.SUSPECT, "the sensor hangs above the water")
    return WellLevel(head, depth, well.measuring_point_m - depth, flag, note)


def barometer_at(
    t_s: float, times_s: Sequence[float], values_pa: Sequence[float], max_age_s: float = BARO_MAX_AGE_S
) -> float | None:
    """The barometer at `t_s` by linear interpolation between rising `times_s`, Pa.

    None unless a reading stands within `max_age_s` of the time; outside the readings the nearest one holds.
    """
    if not times_s:
        return None
    at = bisect_left(times_s, t_s)
    if at < len(times_s) and times_s[at] == t_s:
        return values_pa[at]
    before = at - 1 if at > 0 else None
    after = at if at < len(times_s) else None
    near = [i for i in (before, after) if i is not None and abs(times_s[i] - t_s) <= max_age_s]
    if not near:
        return None
    if len(near) == 1 or before is None or after is None:
        return values_pa[near[0]]
    share = (t_s - times_s[before]) / (times_s[after] - times_s[before])
    return values_pa[before] + (values_pa[after] - values_pa[before]) * share


def barometric_efficiency(
    heads_m: Sequence[float], baro_pa: Sequence[float], *, temperature_c: float = 12.0, g: float = G
) -> float:
    """Barometric efficiency, 0 to 1: minus the slope of the water level's changes on those of the barometer's column.

    `heads_m` are elevations or heads of the compensated well at the barometer's times. Least squares through the origin
    on differences. Raises ValueError for fewer than three pairs or a barometer that never moved.
    """
    if len(heads_m) != len(baro_pa) or len(heads_m) < 3:
        raise ValueError("at least three pairs of equal length are needed")
    weight = water_density_kg_m3(temperature_c) * g
    columns = [(b - a) / weight for a, b in pairwise(baro_pa)]
    levels = [b - a for a, b in pairwise(heads_m)]
    square = sum(x * x for x in columns)
    if square == 0:
        raise ValueError("the barometer never moved")
    return -sum(x * y for x, y in zip(columns, levels, strict=True)) / square

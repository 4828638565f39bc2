"""A reservoir's elevation-area-volume table: volume, area, fullness, and the table's own consistency.

Elevations in m of the named height system, areas in km2, volumes in hm3 (million m3): km2 times m is hm3.
"""

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from math import isfinite, sqrt

from wire.flags import Flag

MAX_MISFIT = 0.05
"""Relative distance between a slice's volume and the one its areas make, above which it is reported."""


@dataclass(frozen=True, slots=True)
class Row:
    """One row of the table. Without an area the volume is linear between rows."""

    elevation_m: float
    volume_hm3: float
    area_km2: float | None = None


@dataclass(frozen=True, slots=True)
class Storage:
    """What a level means. Values are None where the flag is 4 (outside the table) or 9 (no level)."""

    volume_hm3: float | None
    area_km2: float | None
    full_pct: float | None
    useful_pct: float | None
    free_hm3: float | None
    flag: Flag
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Levels:
    """The reservoir's named levels in m: dead (УМО), normal full (НПУ), forced (ФПУ)."""

    dead_m: float
    normal_m: float
    forced_m: float | None = None

    def __post_init__(self) -> None:
        if not self.dead_m < self.normal_m or (self.forced_m is not None and self.forced_m < self.normal_m):
            raise ValueError("levels must rise: dead, normal full, forced")


class StorageTable:
    """An elevation-area-volume table of one survey (`survey`: its year or name; sedimentation makes new ones).

    With areas in all rows, the volume in a slice follows the linear area, `V1 + A1 dz + (A2 - A1) dz^2/(2 DZ)`, scaled so
    that it meets the next row's volume; without, or with `linear`, it is linear. Raises ValueError for rows whose
    elevation or volume does not rise, areas that fall, or named levels outside the table.
    """

    __slots__ = ("_elevations", "_volumes", "levels", "linear", "rows", "survey")

    def __init__(
        self, rows: Sequence[Row], levels: Levels | None = None, *, survey: str = "", linear: bool = False
    ) -> None:
        self.rows = tuple(rows)
        self.levels = levels
        self.survey = survey
        self.linear = linear or any(row.area_km2 is None for row in rows)
        self._elevations = [row.elevation_m for row in rows]
        self._volumes = [row.volume_hm3 for row in rows]
        if len(self.rows) < 2:
            raise ValueError("a storage table needs two rows")
        for below, above in pairwise(self.rows):
            if above.elevation_m <= below.elevation_m or above.volume_hm3 <= below.volume_hm3:
                raise ValueError(f"elevation and volume must rise at {above.elevation_m:g} m")
            if below.area_km2 is not None and above.area_km2 is not None and above.area_km2 < below.area_km2:
                raise ValueError(f"the area falls at {above.elevation_m:g} m")
        if self.rows[0].volume_hm3 < 0 or any(row.area_km2 is not None and row.area_km2 < 0 for row in self.rows):
            raise ValueError("volumes and areas must not be negative")
        if not self.linear and any((b.area_km2 or 0) + (a.area_km2 or 0) <= 0 for a, b in pairwise(self.rows)):
            raise ValueError("a slice needs an area above zero")
        if levels is not None:
            for named in (levels.dead_m, levels.normal_m):
                if not self.holds(named):
                    raise ValueError(f"the level {named:g} m is outside the table")

    def holds(self, elevation_m: float) -> bool:
        """Whether an elevation is in the table."""
        return self._elevations[0] <= elevation_m <= self._elevations[-1]

    def _slice(self, column: list[float], value: float) -> tuple[Row, Row]:
        if not column[0] <= value <= column[-1]:
            raise ValueError(f"{value:g} is outside the table, {column[0]:g} to {column[-1]:g}")
        at = min(bisect_right(column, value), len(column) - 1)
        return self.rows[at - 1], self.rows[at]

    def volume_hm3(self, elevation_m: float) -> float:
        """Volume at an elevation. Raises ValueError outside the table."""
        low, high = self._slice(self._elevations, elevation_m)
        height = high.elevation_m - low.elevation_m
        rise = elevation_m - low.elevation_m
        volume = high.volume_hm3 - low.volume_hm3
        if self.linear or low.area_km2 is None or high.area_km2 is None:
            return low.volume_hm3 + volume * rise / height
        slope = (high.area_km2 - low.area_km2) / (2 * height)
        share = (low.area_km2 + slope * rise) * rise / ((low.area_km2 + high.area_km2) * height / 2)
        return low.volume_hm3 + volume * share

    def area_km2(self, elevation_m: float) -> float | None:
        """Area at an elevation, linear between rows; None for a table without areas. Raises ValueError outside."""
        low, high = self._slice(self._elevations, elevation_m)
        if low.area_km2 is None or high.area_km2 is None:
            return None
        rise = (elevation_m - low.elevation_m) / (high.elevation_m - low.elevation_m)
        return low.area_km2 + (high.area_km2 - low.area_km2) * rise

    def elevation_m(self, volume_hm3: float) -> float:
        """The elevation of a volume; the inverse of `volume_hm3`. Raises ValueError outside the table."""
        low, high = self._slice(self._volumes, volume_hm3)
        height = high.elevation_m - low.elevation_m
        share = (volume_hm3 - low.volume_hm3) / (high.volume_hm3 - low.volume_hm3)
        if self.linear or low.area_km2 is None or high.area_km2 is None:
            return low.elevation_m + height * share
        target = share * (low.area_km2 + high.area_km2) * height / 2
        slope = (high.area_km2 - low.area_km2) / (2 * height)
        root = sqrt(max(low.area_km2**2 + 4 * slope * target, 0.0))
        rise = 2 * target / (low.area_km2 + root) if target > 0 else 0.0
        return low.elevation_m + min(rise, height)

    def at(self, elevation_m: float | None) -> Storage:
        """All that a level means. Outside the table: flag 4 and no values, since the bed or the banks are not known.

        `full_pct` is of the volume at the normal level, `useful_pct` of that above the dead one; both need named levels.
        Above the normal level flag stays 1 and the percentages pass 100; `free_hm3` is then negative.
        """
        if elevation_m is None or not isfinite(elevation_m):
            return Storage(None, None, None, None, None, Flag.MISSING, ("no level",))
        if not self.holds(elevation_m):
            note = f"{elevation_m:g} m is outside the table, {self._elevations[0]:g} to {self._elevations[-1]:g} m"
            return Storage(None, None, None, None, None, Flag.FAIL, (note,))
        volume = self.volume_hm3(elevation_m)
        full = useful = free = None
        if self.levels is not None:
            dead, normal = self.volume_hm3(self.levels.dead_m), self.volume_hm3(self.levels.normal_m)
            full = 100 * volume / normal
            useful = 100 * (volume - dead) / (normal - dead)
            free = normal - volume
        return Storage(volume, self.area_km2(elevation_m), full, useful, free, Flag.PASS)

    def flood_capacity_hm3(self, elevation_m: float) -> float | None:
        """Room in hm3 up to the forced level; None without one. Raises ValueError outside the table."""
        if self.levels is None or self.levels.forced_m is None:
            return None
        return self.volume_hm3(self.levels.forced_m) - self.volume_hm3(elevation_m)

    def misfits(self) -> list[tuple[float, float]]:
        """Slices whose volume is more than 5 % off what their areas make: (lower elevation, relative misfit).

        A slice passes if either the trapezoid or the prismoid of its areas fits.
        """
        found = []
        for low, high in pairwise(self.rows):
            if low.area_km2 is None or high.area_km2 is None:
                continue
            volume = high.volume_hm3 - low.volume_hm3
            height = high.elevation_m - low.elevation_m
            total = low.area_km2 + high.area_km2
            trapezoid = total / 2 * height
            prismoid = height / 3 * (total + sqrt(low.area_km2 * high.area_km2))
            misfit = min(abs(volume - made) / volume for made in (trapezoid, prismoid))
            if misfit >= MAX_MISFIT:
                found.append((low.elevation_m, misfit))
        return found

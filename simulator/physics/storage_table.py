"""A reservoir's table of level and volume, straight between its rows, so that it can be read both ways."""

from bisect import bisect_right
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class StorageTable:
    """Rows of level (m above gauge zero), area (m2) and volume (m3); level and volume rise."""

    level_m: tuple[float, ...]
    area_m2: tuple[float, ...]
    volume_m3: tuple[float, ...]

    def volume_at(self, level_m: float) -> float:
        """The volume at this level. Outside the table its last slope goes on."""
        return _straight(self.level_m, self.volume_m3, level_m)

    def level_at(self, volume_m3: float) -> float:
        """The level of this volume, the inverse of `volume_at`."""
        return _straight(self.volume_m3, self.level_m, volume_m3)

    def area_at(self, level_m: float) -> float:
        """The water's surface at this level."""
        return _straight(self.level_m, self.area_m2, level_m)


def bowl(depth_m: float, full_area_m2: float, rows: int = 15) -> StorageTable:
    """A valley whose surface grows with the depth to the power 1.2; volumes add up by the trapezoids of the areas."""
    levels = [depth_m * n / (rows - 1) for n in range(rows)]
    areas = [full_area_m2 * (level / depth_m) ** 1.2 for level in levels]
    volumes = [0.0]
    for n in range(1, rows):
        volumes.append(volumes[-1] + (areas[n] + areas[n - 1]) / 2.0 * (levels[n] - levels[n - 1]))
    return StorageTable(tuple(levels), tuple(areas), tuple(volumes))


def _straight(xs: tuple[float, ...], ys: tuple[float, ...], x: float) -> float:
    n = min(max(bisect_right(xs, x), 1), len(xs) - 1)
    return ys[n - 1] + (ys[n] - ys[n - 1]) * (x - xs[n - 1]) / (xs[n] - xs[n - 1])

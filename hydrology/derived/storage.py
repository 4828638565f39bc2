"""Volume, area and filling of a reservoir from the elevation table in force at a reading's time."""

from bisect import bisect_right
from typing import Any

from hydrology.derived.model import Method, Value, rounded
from hydrology.derived.times import ALWAYS_MS, NEVER_MS, instant, milliseconds
from hydrology.registry.base import moment
from hydrology.registry.stations import Levels, Storage
from hydrology.storage import StorageTable

WHAT = ("volume", "area", "full", "useful")
_DIGITS = {"volume": 1, "area": 1, "full": 4, "useful": 4}


class StorageMethods:
    """The storage tables of a station; before the first one begins it holds too. `zero_m` makes a level an elevation."""

    def __init__(
        self, tables: tuple[Storage, ...], levels: Levels | None, zero_m: float, zone: str, what: tuple[str, ...]
    ) -> None:
        self._tables = sorted(tables, key=lambda one: moment(one.effective_from, zone))
        self._begins = [milliseconds(moment(one.effective_from, zone)) for one in self._tables]
        self._levels, self._zero_m, self._what = levels, zero_m, what
        self._built: dict[int, tuple[Method, StorageTable]] = {}

    def _place(self, time_ms: int) -> int:
        return max(bisect_right(self._begins, time_ms) - 1, 0)

    def _build(self, place: int) -> tuple[Method, StorageTable]:
        built = self._built.get(place)
        if built is None:
            one = self._tables[place]
            table = one.table(self._levels)
            begin_ms = self._begins[place] if place else ALWAYS_MS
            end_ms = self._begins[place + 1] if place + 1 < len(self._begins) else NEVER_MS

            def answer(time_ms: int, values: tuple[float, ...]) -> tuple[Value, ...]:
                return self._answer(table, values[0])

            built = self._built[place] = (Method(begin_ms, end_ms, title(one), answer), table)
        return built

    def at(self, time_ms: int) -> Method | None:
        """The method at a time."""
        return self._build(self._place(time_ms))[0]

    def _answer(self, table: StorageTable, level_m: float) -> tuple[Value, ...]:
        found = table.at(level_m + self._zero_m)
        volume, area = found.volume_hm3, found.area_km2
        numbers = {
            "volume": None if volume is None else volume * 1e6,
            "area": None if area is None else area * 1e6,
            "full": found.full_pct,
            "useful": found.useful_pct,
        }
        return tuple(
            rounded(numbers[what], _flag(numbers[what], int(found.flag)), _DIGITS[what]) for what in self._what
        )

    def parameters(self) -> list[dict[str, Any]]:
        """Each table with the time from which it holds, and what it is read with."""
        shared: dict[str, Any] = {"zero_m": self._zero_m}
        if self._levels is not None:
            shared["levels"] = self._levels.model_dump(mode="json", exclude_none=True)
        return [
            {
                "title": title(one),
                "from": instant(begin_ms).isoformat(),
                "to": None,
                "storage": one.model_dump(mode="json", exclude_defaults=True),
                **shared,
            }
            for begin_ms, one in zip(self._begins, self._tables, strict=True)
        ]

    def explain(self, time_ms: int, values: tuple[float, ...]) -> list[str]:
        """The answer in words."""
        place = self._place(time_ms)
        found = self._build(place)[1].at(values[0] + self._zero_m)
        return [f"elevation {values[0] + self._zero_m:.3f} m in {title(self._tables[place])}", *found.notes]


def _flag(value: float | None, flag: int) -> int:
    """A table that has no area or names no levels has no answer for them."""
    return 4 if value is None and flag < 4 else flag


def title(one: Storage) -> str:
    """What people call a table."""
    return f"storage table {one.survey or one.effective_from}".strip()

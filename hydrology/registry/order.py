"""The order in which people read stations: water by water, along each; km 8 comes before km 17."""

import re
from collections.abc import Iterable

from hydrology.registry.stations import Station

_PART = re.compile(r"(\D*)(\d*)")


def along_water(stations: Iterable[Station]) -> list[Station]:
    """Stations by their water, in the registry's order of waters, then by km; those without one last, by their id."""
    given = list(stations)
    waters: dict[str, int] = {}
    for station in given:
        waters.setdefault(station.river_or_canal, len(waters))
    return sorted(given, key=lambda one: (waters[one.river_or_canal], one.km is None, one.km or 0.0, by_number(one.id)))


def by_number(name: str) -> tuple[tuple[str, int], ...]:
    """A name to sort by in which numbers count as numbers."""
    return tuple((text, int(digits) if digits else -1) for text, digits in _PART.findall(name.casefold()))

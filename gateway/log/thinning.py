"""Which readings go for want of disk space, and what is kept of them: hourly mean, min and max. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby
from math import fsum

from gateway.readings import Reading
from wire.flags import Flag
from wire.names import LEAST, MEAN, MOST, is_id, thinned_from
from wire.ranges import Range, coalesce

HOUR_MS = 3_600_000
FEWEST = 4
"""So many readings of an hour are worth thinning: three take no less room than their mean, min and max."""


@dataclass(frozen=True, slots=True)
class Kept:
    """A reading in the log."""

    seq: int
    sensor: str
    quantity: str
    unit: str
    ms: int
    value: float | None
    flag: int

    @property
    def hour_ms(self) -> int:
        """When its hour begins."""
        return self.ms - self.ms % HOUR_MS


@dataclass(frozen=True, slots=True)
class Removal:
    """What goes, and what takes its place: readings with their times."""

    ranges: list[Range]
    from_ms: int
    to_ms: int
    sensors: list[str]
    instead: list[tuple[int, Reading]]


def thin(readings: Sequence[Kept], *, least: int, whole_until_ms: int) -> Removal | None:
    """Thin the oldest whole hours that hold at least so many readings, those only that begin before `whole_until_ms`.

    None when there is no such hour. Thinned readings are not thinned again, and not among `readings`.
    """
    taken: list[Kept] = []
    for hour_ms, group in groupby(sorted(readings, key=lambda one: (one.hour_ms, one.seq)), lambda one: one.hour_ms):
        if hour_ms >= whole_until_ms or len(taken) >= least:
            break
        taken.extend(group)
    if not taken:
        return None
    instead: list[tuple[int, Reading]] = []
    key = _series_and_hour
    for (hour_ms, sensor, quantity, unit), hour in groupby(sorted(taken, key=key), key):
        instead += [(hour_ms, one) for one in _hourly(sensor, quantity, unit, list(hour))]
    return _removal(taken, instead)


def drop(readings: Sequence[Kept]) -> Removal | None:
    """Take these away without a trace but the gap."""
    return _removal(readings, []) if readings else None


def _removal(taken: Sequence[Kept], instead: list[tuple[int, Reading]]) -> Removal:
    times = [one.ms for one in taken]
    ranges = coalesce(one.seq for one in taken)
    return Removal(ranges, min(times), max(times), sorted({one.sensor for one in taken}), instead)


def _series_and_hour(one: Kept) -> tuple[int, str, str, str]:
    return one.hour_ms, one.sensor, one.quantity, one.unit


def _hourly(sensor: str, quantity: str, unit: str, hour: list[Kept]) -> list[Reading]:
    """Mean, min and max of the values that did not fail; where all did, of those, and the flag says so."""
    good = [one for one in hour if one.value is not None and one.flag != Flag.FAIL] or [
        one for one in hour if one.value is not None
    ]
    values = [one.value for one in good if one.value is not None]
    if len(hour) < FEWEST or not values or not is_id(sensor + MEAN):
        return []
    flag = max(one.flag for one in good)
    mean = float(f"{fsum(values) / len(values):.9g}")
    return [
        Reading(sensor + name, quantity, unit, value, flag)
        for name, value in ((MEAN, mean), (LEAST, min(values)), (MOST, max(values)))
    ]


def is_thinned(sensor: str) -> bool:
    """Whether this sensor's series is one of hourly values."""
    return thinned_from(sensor) is not None

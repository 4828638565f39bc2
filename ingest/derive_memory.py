"""The last readings of one series, rising in time, as columns: what a derived point is paired with, and compared with. Pure.

A restart fills it again from the store and the spool (ingest.rebuild), so that it goes on as if there had been none.
"""

from array import array
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator
from math import isnan, nan

from hydrology.derived import Value
from hydrology.derived.windows import mean, part_ms, rate
from store.points import StoredPoint
from wire.flags import Flag


class Track:
    """Readings of one series. `complete`: none older than these was ever there."""

    __slots__ = ("complete", "flags", "times", "values")

    def __init__(self) -> None:
        self.times = array("q")
        self.values = array("d")
        self.flags = bytearray()
        self.complete = True

    def put(self, time_ms: int, value: float | None, flag: int) -> None:
        """A reading, or another one in its place."""
        times, number = self.times, nan if value is None else value
        if not times or time_ms > times[-1]:
            times.append(time_ms)
            self.values.append(number)
            self.flags.append(flag)
            return
        at = bisect_left(times, time_ms)
        if times[at] == time_ms:
            self.values[at], self.flags[at] = number, flag
        else:
            times.insert(at, time_ms)
            self.values.insert(at, number)
            self.flags.insert(at, flag)

    def extend(self, times: list[int], values: list[float | None], flags: list[int]) -> None:
        """Readings in order of time, all after the newest."""
        self.times.extend(times)
        self.values.extend(values if None not in values else [nan if one is None else one for one in values])  # type: ignore[arg-type]
        self.flags.extend(flags)

    def get(self, time_ms: int) -> Value | None:
        """The reading of this time."""
        times = self.times
        if not times or time_ms > times[-1]:
            return None
        at = bisect_left(times, time_ms)
        return self._at(at) if times[at] == time_ms else None

    def _at(self, at: int) -> Value:
        value = self.values[at]
        return (None if isnan(value) else value), self.flags[at]

    @property
    def newest_ms(self) -> int:
        """The newest reading's time; long ago without one."""
        return self.times[-1] if self.times else -(1 << 62)

    @property
    def is_whole_at_end(self) -> bool:
        """Whether the newest reading has a value, or there is none."""
        return not self.times or not isnan(self.values[-1])

    def sides(self, time_ms: int) -> tuple[int, int]:
        """The places of the readings with a value at or before a time, and after it; -1 where there is none."""
        after = bisect_right(self.times, time_ms)
        before = after - 1
        while before >= 0 and isnan(self.values[before]):
            before -= 1
        while after < len(self.times) and isnan(self.values[after]):
            after += 1
        return before, after if after < len(self.times) else -1

    def nearest(self, time_ms: int, max_age_ms: int) -> Value | None:
        """The reading with a value that is nearest to a time; of two as near, the earlier."""
        before, after = self.sides(time_ms)
        past_ms = time_ms - self.times[before] if before >= 0 else max_age_ms + 1
        ahead_ms = self.times[after] - time_ms if after >= 0 else max_age_ms + 1
        if min(past_ms, ahead_ms) > max_age_ms:
            return None
        return self._at(before if past_ms <= ahead_ms else after)

    def linear(self, time_ms: int, max_age_ms: int, close_ms: int) -> Value | None:
        """The value at a time, linear between its neighbours; one that is close, or alone near enough, holds itself."""
        before, after = self.sides(time_ms)
        past_ms = time_ms - self.times[before] if before >= 0 else max_age_ms + 1
        ahead_ms = self.times[after] - time_ms if after >= 0 else max_age_ms + 1
        if min(past_ms, ahead_ms) <= close_ms or max(past_ms, ahead_ms) > max_age_ms:
            return self.nearest(time_ms, max_age_ms)
        low, high = self.values[before], self.values[after]
        share = past_ms / (past_ms + ahead_ms)
        return low + (high - low) * share, max(self.flags[before], self.flags[after])

    def _usable(self, first_ms: int, last_ms: int) -> list[tuple[int, float, int]]:
        """The readings of a time that have a value which did not fail."""
        places = range(bisect_left(self.times, first_ms), bisect_right(self.times, last_ms))
        rows = ((self.times[at], self.values[at], self.flags[at]) for at in places)
        return [row for row in rows if row[2] < Flag.FAIL and not isnan(row[1])]

    def rate(self, time_ms: int, window_ms: int) -> Value | None:
        """The change a second over the window that ends then: `hydrology.derived.windows.rate`."""
        first_ms, part = time_ms - window_ms, part_ms(window_ms)
        return rate(self._usable(first_ms, first_ms + part), self._usable(time_ms - part, time_ms), time_ms)

    def mean(self, time_ms: int, window_ms: int, gap_ms: int) -> Value | None:
        """The mean over the window that ends then: `hydrology.derived.windows.mean`."""
        return mean(self._usable(time_ms - window_ms - gap_ms, time_ms), time_ms, window_ms, gap_ms)

    def between(self, first_ms: int, last_ms: int) -> Iterable[int]:
        """The times from first to last, both included."""
        return self.times[bisect_left(self.times, first_ms) : bisect_right(self.times, last_ms)]

    def reach(self, time_ms: int, max_age_ms: int) -> tuple[int, int]:
        """For which times the reading at this time may count: up to its neighbours with a value."""
        before, _ = self.sides(time_ms - 1)
        _, after = self.sides(time_ms)
        first_ms = time_ms - max_age_ms
        last_ms = time_ms + max_age_ms
        if before >= 0:
            first_ms = max(first_ms, self.times[before])
        return first_ms, min(last_ms, self.times[after]) if after >= 0 else last_ms

    def trim(self, capacity: int) -> bool:
        """Keep the newest readings only; whether some went. Exactly so many: a restart reads back the same ones."""
        extra = len(self.times) - capacity
        if extra <= 0:
            return False
        del self.times[:extra], self.values[:extra], self.flags[:extra]
        self.complete = False
        return True

    def cut(self, oldest_ms: int) -> None:
        """Keep only what is not older."""
        extra = bisect_left(self.times, oldest_ms)
        if extra:
            del self.times[:extra], self.values[:extra], self.flags[:extra]
            self.complete = False

    def fill(self, points: Iterable[StoredPoint], complete: bool) -> None:
        """What the store and the spool have of it."""
        for one in points:
            self.put(one.time_ms, one.value, one.flag)
        self.complete = complete

    def take(self, other: "Track") -> None:
        """The readings of the same series, from before the registry changed."""
        self.times, self.values, self.flags = array("q", other.times), array("d", other.values), bytearray(other.flags)
        self.complete = other.complete

    def rows(self) -> Iterator[tuple[int, float | None, int]]:
        """Time, value and flag of each."""
        for at, time_ms in enumerate(self.times):
            yield (time_ms, *self._at(at))

"""A gauge's alarm over readings that come late or are flagged anew: what it says depends on the readings alone, not on
the order of their coming, as far back as it keeps them. Pure."""

from array import array
from bisect import bisect_left
from collections.abc import Callable, Collection, Iterable, Sequence
from operator import lt

from hydrology.warnings.thresholds import GaugeAlarm, Latch, LevelName, Threshold
from wire.flags import Flag

KEPT = 32
"""Readings kept in their order; older ones are final, and a reading later than they is left to the charts."""
MOST = 4 * KEPT
"""From so many on the older ones become final."""

UNUSABLE = frozenset((int(Flag.FAIL), int(Flag.MISSING)))
Row = tuple[int, float | None, int]
"""Time in ms since 1970, value, flag."""
Confirm = Callable[[int], Collection[LevelName]]
"""The thresholds that a neighbour confirms at a time."""


def _usable_in_order(times: Sequence[int], values: Sequence[float | None], flags: Sequence[int]) -> bool:
    return (
        None not in values and UNUSABLE.isdisjoint(flags) and (len(times) == 1 or all(map(lt, times[:-1], times[1:])))
    )


class Memory:
    """The newest usable readings of one series by time: with a value, and not flagged 4 or 9."""

    __slots__ = ("changed_from", "final_ms", "times", "values")

    def __init__(self) -> None:
        self.times = array("q")
        self.values = array("d")
        self.final_ms = -(1 << 62)
        """Readings at or before this are not taken any more."""
        self.changed_from: int | None = None
        """The first row that is not what it was, or new, since somebody last looked."""

    def take(self, times: Sequence[int], values: Sequence[float | None], flags: Sequence[int]) -> None:
        """Readings in whatever order; one that is not usable takes the one of its time away."""
        held = self.times
        if (held and times[0] <= held[-1]) or times[0] <= self.final_ms or not _usable_in_order(times, values, flags):
            for t_ms, value, flag in zip(times, values, flags, strict=True):
                if value is None or flag in UNUSABLE:
                    self._drop(t_ms)
                else:
                    self._put(t_ms, value)
            return
        if self.changed_from is None:
            self.changed_from = len(held)
        held.extend(times)
        self.values.extend(values)  # type: ignore[arg-type] # none is None

    def _put(self, t_ms: int, value: float) -> None:
        if t_ms <= self.final_ms:
            return
        at = bisect_left(self.times, t_ms)
        if at < len(self.times) and self.times[at] == t_ms:
            if self.values[at] == value:
                return
            self.values[at] = value
        else:
            self.times.insert(at, t_ms)
            self.values.insert(at, value)
        self._touch(at)

    def _drop(self, t_ms: int) -> None:
        at = bisect_left(self.times, t_ms)
        if at < len(self.times) and self.times[at] == t_ms:
            del self.times[at], self.values[at]
            self._touch(at)

    def _touch(self, at: int) -> None:
        self.changed_from = at if self.changed_from is None else min(self.changed_from, at)

    def forget(self, rows: int) -> None:
        """The first rows are final."""
        self.final_ms = self.times[rows - 1]
        del self.times[:rows], self.values[:rows]

    def at_or_over(self, t_ms: int, age_ms: float, level: float) -> bool:
        """Whether a reading of at most this age before or after the time is at or over a level."""
        first, last = bisect_left(self.times, t_ms - age_ms), bisect_left(self.times, t_ms + age_ms + 1)
        return any(value >= level for value in self.values[first:last])


class Follower:
    """A gauge's alarm. `confirm` says which thresholds a neighbour confirms at the time of a reading."""

    __slots__ = ("_base", "_confirm", "_fed", "_now", "memory")

    def __init__(self, thresholds: tuple[Threshold, ...], stale_s: float, confirm: Confirm | None = None) -> None:
        self.memory = Memory()
        self._confirm = confirm
        self._base = GaugeAlarm(thresholds, stale_s)
        """The state after what is final."""
        self._now = GaugeAlarm(thresholds, stale_s)
        self._fed = 0
        """Rows of the memory that `_now` has seen."""

    def take(self, times: Sequence[int], values: Sequence[float | None], flags: Sequence[int]) -> None:
        """Readings in whatever order."""
        self.memory.take(times, values, flags)
        if len(self.memory.times) > MOST:
            self.settle()

    def settle(self) -> GaugeAlarm:
        """The alarm after everything taken so far."""
        memory = self.memory
        since = memory.changed_from
        if self._confirm is not None or (since is not None and since < self._fed):
            self._now.restore(self._base.export())
            self._fed = 0
        self._feed(self._now, self._fed, len(memory.times))
        self._fed = len(memory.times)
        memory.changed_from = None
        if self._fed > MOST:
            old = self._fed - KEPT
            self._feed(self._base, 0, old)
            memory.forget(old)
            self._fed = KEPT
        return self._now

    def _feed(self, alarm: GaugeAlarm, first: int, last: int) -> None:
        times, values = self.memory.times, self.memory.values
        if first < last and alarm.at_rest and max(values[first:last]) < alarm.lowest_m:
            alarm.stay_at_rest(times[last - 1], values[last - 1])
            return
        for at in range(first, last):
            confirmed = self._confirm(times[at]) if self._confirm is not None else ()
            alarm.feed(times[at], values[at], confirmed=confirmed)

    def begin(self, rows: Iterable[Row]) -> None:
        """Start from readings of before, rising in time: they go before those that are held."""
        memory, held = self.memory, self.memory.times
        first_ms = held[0] if held else 1 << 62
        earlier = [row for row in rows if row[0] < first_ms]
        times, values = memory.times, memory.values
        self.memory = memory = Memory()
        if earlier:
            memory.take([row[0] for row in earlier], [row[1] for row in earlier], [row[2] for row in earlier])
        memory.times.extend(times)
        memory.values.extend(values)
        self._base = GaugeAlarm(self._base.thresholds, self._base.stale_s)
        self._now = GaugeAlarm(self._base.thresholds, self._base.stale_s)
        self._fed = 0
        self.settle()

    def inherit(self, older: "Follower") -> None:
        """Go on from another's readings and state; a threshold that is new starts cleared before what is held."""
        self.memory = older.memory
        self._base.restore(older._base.export())
        self._now.restore(older._base.export())
        self._fed = 0


def decided(thresholds: Iterable[Threshold], rows: Iterable[Row]) -> bool:
    """Whether these readings, rising in time, settle for each threshold if it is raised, whatever it was before them."""
    usable = [(t, v) for t, v, flag in rows if v is not None and flag not in UNUSABLE]
    return all(_decides(threshold, usable) for threshold in thresholds)


def _decides(threshold: Threshold, usable: list[tuple[int, float]]) -> bool:
    """A raised latch that these readings clear, or any latch that they raise, is known from then on."""
    raised = Latch(threshold)
    cleared = Latch(threshold)
    cleared.raised = True
    return any(raised.feed(t_ms, value) or not cleared.feed(t_ms, value) for t_ms, value in usable)

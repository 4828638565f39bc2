"""The last day of one series in memory: what the change over 24 hours and the small line in its row are made of."""

from bisect import bisect_left, bisect_right
from dataclasses import dataclass, field
from math import sqrt

from dashboards.live.states import Reading, counts, drawable, upper_limits
from hydrology.registry import Thresholds
from store.points import History

DAY_MS = 86_400_000
KEPT_MS = DAY_MS + 3_600_000
"""An hour more than a day, so that a value from 24 hours ago is there whatever the interval."""
BUCKET_MS = 900_000
BUCKETS = DAY_MS // BUCKET_MS
SURE = 3.0
"""A change counts from so many of its standard errors."""
SCALE = 100
"""The small line's height in steps."""
LEAST_SHARE = 0.3
"""The line keeps at least this share of its height: a threshold further away is drawn at the edge, broken."""
BEYOND_SHARE = 0.75
"""The line's share of the height beside such a threshold."""


@dataclass(slots=True)
class Window:
    """Points that count, in order of time. `read_ms` is when it was last read whole from the store."""

    times: list[int] = field(default_factory=list)
    values: list[float] = field(default_factory=list)
    flags: list[int] = field(default_factory=list)
    read_ms: int | None = None
    drawn: "tuple[int, Thresholds, Spark | None] | None" = None
    """The small line as it was drawn last: up to which time and with which thresholds."""

    def replace(self, history: History, now_ms: int) -> None:
        """Take over what the store has; a thinned bucket holds good values beside its worst flag, so it counts."""
        newest = self.last()
        self.drawn = None
        self.times, self.values, self.flags = [], [], []
        for time_ms, value, flag in zip(history.time_ms, history.value, history.flag, strict=True):
            if value is not None and drawable(value) and (history.bucket_ms or counts(value, flag)):
                self.times.append(time_ms)
                self.values.append(value)
                self.flags.append(flag)
        self.read_ms = now_ms
        if newest is not None:
            self.add(newest)

    def add(self, reading: Reading) -> None:
        """Add a newer reading; an older one, or one of the same time, is left to the next whole read."""
        if not self.times or reading.time_ms > self.times[-1]:
            self.times.append(reading.time_ms)
            self.values.append(reading.value)
            self.flags.append(reading.flag)
            self.drawn = None

    def forget_before(self, time_ms: int) -> None:
        """Drop what is older than this."""
        cut = bisect_left(self.times, time_ms)
        del self.times[:cut], self.values[:cut], self.flags[:cut]

    def last(self) -> Reading | None:
        """The newest reading, or None."""
        return Reading(self.times[-1], self.values[-1], self.flags[-1]) if self.times else None

    def change_over_day(self, interval_s: float) -> float | None:
        """The mean of the newest quarter hour less the one 24 hours before; None without a value near enough to that moment.

        0 when it is less than the readings' own unrest makes likely: waves turn no arrow.
        """
        if not self.times:
            return None
        now = self._quarter(self.times[-1])
        wanted = self.times[-1] - DAY_MS
        then = self._quarter(wanted)
        if not then:
            at = bisect_left(self.times, wanted)
            near = [place for place in (at - 1, at) if 0 <= place < len(self.times) - 1]
            if not near:
                return None
            place = min(near, key=lambda one: abs(self.times[one] - wanted))
            if abs(self.times[place] - wanted) > max(2 * interval_s * 1000, BUCKET_MS):
                return None
            then = [self.values[place]]
        difference = sum(now) / len(now) - sum(then) / len(then)
        unrest = sqrt(_variance(now) / len(now) + _variance(then) / len(then))
        return difference if abs(difference) > SURE * unrest else 0.0

    def _quarter(self, end_ms: int) -> list[float]:
        """The values of the quarter hour up to this moment."""
        return self.values[bisect_right(self.times, end_ms - BUCKET_MS) : bisect_right(self.times, end_ms)]


def _variance(values: list[float]) -> float:
    mean = sum(values) / len(values)
    return sum((value - mean) ** 2 for value in values) / (len(values) - 1) if len(values) > 1 else 0.0


@dataclass(frozen=True, slots=True)
class Spark:
    """The small line: mean of each quarter hour of the last day in steps of its height, None where there is a gap.

    `line` is the threshold's place in the same steps; `beyond` says that it lies outside the picture, at that edge.
    """

    steps: list[int | None]
    line: int | None
    beyond: bool


def spark(window: Window, thresholds: Thresholds, now_ms: int) -> Spark | None:
    """The small line of the last day, or None when nothing was measured in it; drawn anew only when it is another one."""
    end = now_ms - now_ms % BUCKET_MS + BUCKET_MS
    if window.drawn is None or window.drawn[0] != end or window.drawn[1] is not thresholds:
        window.drawn = (end, thresholds, _draw(window, thresholds, end))
    return window.drawn[2]


def _draw(window: Window, thresholds: Thresholds, end: int) -> Spark | None:
    means = _means(window, end)
    known = [mean for mean in means if mean is not None]
    if not known:
        return None
    low, high = min(known), max(known)
    line = _hairline(known[-1], thresholds)
    beyond = False
    if line is not None:
        span = max(high, line) - min(low, line)
        beyond = span > 0 and not low <= line <= high and high - low < LEAST_SHARE * span
        if not beyond:
            low, high = min(low, line), max(high, line)
    if line is not None and beyond:
        # Room between the water and the line: nobody takes the day's peak for the threshold.
        away = (high - low) * (1 / BEYOND_SHARE - 1) or 1.0
        low, high = (low, high + away) if line > high else (low - away, high)
        line = high if line > high else low
    extent = high - low

    def place(value: float) -> int:
        return round((value - low) / extent * SCALE) if extent > 0 else SCALE // 2

    steps = [None if mean is None else place(mean) for mean in means]
    return Spark(steps, None if line is None else place(line), beyond)


def _means(window: Window, end: int) -> list[float | None]:
    start = end - DAY_MS
    sums, numbers = [0.0] * BUCKETS, [0] * BUCKETS
    for at in range(bisect_left(window.times, start), len(window.times)):
        bucket = min((window.times[at] - start) // BUCKET_MS, BUCKETS - 1)
        sums[bucket] += window.values[at]
        numbers[bucket] += 1
    return [total / number if number else None for total, number in zip(sums, numbers, strict=True)]


def _hairline(value: float, thresholds: Thresholds) -> float | None:
    """The threshold that matters now: the highest one reached, else the lowest above."""
    rising = [limit for limit, _ in upper_limits(thresholds)]
    reached = [limit for limit in rising if limit <= value]
    if reached:
        return reached[-1]
    if thresholds.low is not None and (value <= thresholds.low or not rising):
        return thresholds.low
    return rising[0] if rising else None

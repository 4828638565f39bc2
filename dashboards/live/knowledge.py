"""What is known of every series so far: the last reading that counts, when it was last seen, and its last day."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from dashboards.live.states import Reading, counts
from dashboards.live.window import KEPT_MS, Window
from store.points import History, Latest, SeriesKey
from wire.flags import Flag


@dataclass(slots=True)
class Known:
    """One series. `seen_ms` is the time of its last point, be it with a value or without."""

    seen_ms: int | None = None
    reading: Reading | None = None
    window: Window = field(default_factory=Window)


class Knowledge:
    """Series by key; one that was never seen is an empty Known."""

    def __init__(self) -> None:
        self._known: dict[SeriesKey, Known] = {}

    def of(self, key: SeriesKey) -> Known:
        """What is known of this series."""
        return self._known.get(key) or Known()

    def take_latest(self, latest: Mapping[SeriesKey, Latest], now_ms: int) -> None:
        """Take over the store's last points."""
        for key, point in latest.items():
            known = self._known.setdefault(key, Known())
            if known.seen_ms is None or point.time_ms > known.seen_ms:
                known.seen_ms = point.time_ms
            reading = _reading(point)
            if reading is not None and (known.reading is None or reading.time_ms > known.reading.time_ms):
                known.reading = reading
                known.window.add(reading)
            elif reading is not None and known.reading is not None and reading.time_ms == known.reading.time_ms:
                known.reading = reading  # the centre may have changed the point
        for known in self._known.values():
            known.window.forget_before(now_ms - KEPT_MS)

    def take_history(self, key: SeriesKey, history: History, now_ms: int) -> None:
        """Take over a series' last day."""
        known = self._known.setdefault(key, Known())
        known.window.replace(history, now_ms)
        last = known.window.last()
        if last is not None:
            known.reading = last

    def due(self, keys: list[SeriesKey], now_ms: int, every_ms: int) -> list[SeriesKey]:
        """Those of these series whose last day should be read again, the longest unread first.

        A backlog that comes in late changes the past: the newest points alone do not tell.
        """

        def read_ms(key: SeriesKey) -> int:
            read = self.of(key).window.read_ms
            return -1 if read is None else read

        waiting = [key for key in keys if self.of(key).seen_ms is not None and now_ms - read_ms(key) >= every_ms]
        return sorted(waiting, key=read_ms)


def _reading(point: Latest) -> Reading | None:
    """The value of a last point, if it counts. After a missing point the flag of the value before it is not told."""
    if point.value is None or point.value_ms is None:
        return None
    flag = point.flag if point.value_ms == point.time_ms else int(Flag.NOT_EVALUATED)
    return Reading(point.value_ms, point.value, flag) if counts(point.value, flag) else None

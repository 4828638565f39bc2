"""The newest points of each series that wait in the spool, as columns: after a day without the store they are millions. Pure."""

from array import array
from collections.abc import Iterable
from math import isnan, nan

from ingest.body import Body, BodyError
from ingest.change import Row
from ingest.group_body import bodies_of
from ingest.pipeline import Accepted, Changed
from store.points import SeriesKey, StoredPoint

MOST_READINGS = 16_384
"""Of one series: beyond it the early part of a long window is not seen."""


class Waiting:
    """The points of one series, in the order in which they came; the later of two of one time holds."""

    __slots__ = ("_flags", "_more", "_times", "_values")

    def __init__(self) -> None:
        self._times, self._values, self._flags = array("q"), array("d"), bytearray()
        self._more: dict[int, tuple[float | None, int | None, int]] = {}
        """By place: raw, tests and rev of the few that have any."""

    def __bool__(self) -> bool:
        return bool(self._times)

    def add(self, one: StoredPoint) -> None:
        """One more point."""
        if one.raw is not None or one.tests is not None or one.rev:
            self._more[len(self._times)] = (one.raw, one.tests, one.rev)
        self._times.append(one.time_ms)
        self._values.append(nan if one.value is None else one.value)
        self._flags.append(one.flag)

    def extend(self, series: Accepted) -> None:
        """The readings of one message."""
        _, _, times, values, flags, raws, tests = series
        if raws is None and tests is None:
            self._times.extend(times)
            self._values.extend(nan if value is None else value for value in values)
            self._flags.extend(flags)
        else:
            for at, time_ms in enumerate(times):
                raw = None if raws is None else raws[at]
                mask = None if tests is None else tests[at]
                self.add(StoredPoint(time_ms, values[at], flags[at], raw, mask))
        if len(self._times) > 2 * MOST_READINGS:
            self._forget()

    def points(self) -> dict[int, StoredPoint]:
        """By time."""
        out: dict[int, StoredPoint] = {}
        for at, (time_ms, value, flag) in enumerate(zip(self._times, self._values, self._flags, strict=True)):
            out[time_ms] = StoredPoint(time_ms, None if isnan(value) else value, flag, *self._more.get(at, ()))
        return out

    def _forget(self) -> None:
        """Keep the newest in time."""
        points = self.points()
        self.__init__()  # type: ignore[misc]
        for time_ms in sorted(points)[-MOST_READINGS:]:
            self.add(points[time_ms])


def waiting_points(rows: Iterable[Row], keys: Iterable[SeriesKey]) -> dict[SeriesKey, Waiting]:
    """What waits of these series; later rows change earlier ones."""
    out = {key: Waiting() for key in keys}
    for row in rows:
        if row.whole:
            for body in _bodies(row):
                _take(body, out)
    return {key: points for key, points in out.items() if points}


def _bodies(row: Row) -> list[Body]:
    try:
        return [body for _, body in bodies_of(row)]
    except (BodyError, ValueError):
        return []  # the drain sets it aside


def _take(body: Body, out: dict[SeriesKey, Waiting]) -> None:
    series, _, changed = body
    for one in series:
        points = out.get(_key(one))
        if points is not None:
            points.extend(one)
    for change in changed:
        points = out.get(_key(change))
        if points is not None:
            points.add(change.new)


def _key(one: Accepted | Changed) -> SeriesKey:
    return SeriesKey(one.target.quantity, one.target.station, one.target.sensor)

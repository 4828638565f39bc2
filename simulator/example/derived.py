"""What follows from the readings of the example's past: the series that ingest derives, by the same rules."""

from bisect import bisect_left, bisect_right
from collections.abc import Mapping, Sequence

from hydrology.derived import Derivation, Input, Pairing, derivations
from hydrology.derived.model import NOTHING, Value
from hydrology.derived.windows import Row, mean, part_ms, rate
from hydrology.registry import Registry
from store.points import SeriesKey, SeriesPoints
from wire.flags import Flag

Readings = Mapping[tuple[str, str], Sequence[float | None]]
"""Values by station and sensor id, one for each time."""
Place = tuple[str, str]


class Derived:
    """The derived series of a registry whose readings all have the same times; give it the past in the order of time.

    What is made of a window of readings (a reservoir's inflow by balance) begins when there has been a whole one.
    """

    def __init__(self, registry: Registry) -> None:
        self._all = derivations(registry)
        self._windows: dict[Place, _Window] = {
            _place(part): _Window() for one in self._all for part in one.inputs if part.is_windowed
        }
        self._keep_ms = 2 * max((part.max_age_ms for one in self._all for part in one.inputs), default=0)
        self._last_cell: dict[str, int] = {}

    def of(self, times_s: Sequence[float], readings: Readings) -> list[SeriesPoints]:
        """All derived series at these times; those that are made of derived ones too."""
        times_ms = [round(t * 1000.0) for t in times_s]
        known: dict[Place, list[Value]] = {
            place: [(value, int(Flag.PASS)) for value in column] for place, column in readings.items()
        }
        for place in known.keys() & self._windows.keys():
            self._windows[place].extend(times_ms, known[place])
        out = []
        for one in self._all:
            if any(_place(part) not in known for part in one.inputs):
                continue
            due = self._due(one, times_ms)
            answers = [
                one.at(times_ms[n], [self._read(part, known, n, times_ms[n]) for part in one.inputs]) for n in due
            ]
            there = [(n, answer) for n, answer in zip(due, answers, strict=True) if answer is not None]
            if one.step_ms:  # before a whole window there is no point, where ingest would wait for the past
                there = [(n, answer) for n, answer in there if answer[0] != NOTHING]
            for at, output in enumerate(one.outputs):
                values: list[Value] = [NOTHING] * len(times_ms)
                for n, answer in there:
                    values[n] = answer[at]
                place = (output.name.station, output.name.sensor)
                known[place] = values
                if place in self._windows:
                    self._windows[place].extend(times_ms, values)
                out.append(
                    SeriesPoints(
                        SeriesKey(*output.name),
                        [times_ms[n] for n, _ in there],
                        [values[n][0] for n, _ in there],
                        [values[n][1] for n, _ in there],
                    )
                )
        for window in self._windows.values():
            window.cut(times_ms[-1] - self._keep_ms)
        return [points for points in out if points.time_ms]

    def _due(self, one: Derivation, times_ms: Sequence[int]) -> list[int]:
        """The places of the times at which there is a point: all, or the first in each step."""
        if not one.step_ms:
            return list(range(len(times_ms)))
        out = []
        for n, time_ms in enumerate(times_ms):
            cell = time_ms // one.step_ms
            if self._last_cell.get(one.id) != cell:
                self._last_cell[one.id] = cell
                out.append(n)
        return out

    def _read(self, part: Input, known: Mapping[Place, Sequence[Value]], n: int, time_ms: int) -> Value:
        if not part.is_windowed:
            return known[_place(part)][n]
        window = self._windows[_place(part)]
        if part.pairing is Pairing.RATE:
            first_ms, sixth = time_ms - part.max_age_ms, part_ms(part.max_age_ms)
            found = rate(window.rows(first_ms, first_ms + sixth), window.rows(time_ms - sixth, time_ms), time_ms)
        else:
            gap_ms = 2 * part.close_ms  # as ingest/derive_unit.py
            rows = window.rows(time_ms - part.max_age_ms - gap_ms, time_ms)
            found = mean(rows, time_ms, part.max_age_ms, gap_ms)
        return found or NOTHING


class _Window:
    """The last readings of one series."""

    def __init__(self) -> None:
        self._times: list[int] = []
        self._rows: list[Row] = []

    def extend(self, times_ms: Sequence[int], column: Sequence[Value]) -> None:
        for time_ms, (value, flag) in zip(times_ms, column, strict=True):
            if value is not None and flag < Flag.FAIL:
                self._times.append(time_ms)
                self._rows.append((time_ms, value, flag))

    def rows(self, first_ms: int, last_ms: int) -> list[Row]:
        return self._rows[bisect_left(self._times, first_ms) : bisect_right(self._times, last_ms)]

    def cut(self, oldest_ms: int) -> None:
        extra = bisect_left(self._times, oldest_ms)
        del self._times[:extra], self._rows[:extra]


def _place(part: Input) -> Place:
    return part.name.station, part.name.sensor

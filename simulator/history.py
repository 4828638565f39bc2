"""Days of a scenario's past, written straight to a store, so that the first look at a page is a full chart."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from math import ceil

from simulator.scenario.parts import Scenario, SensorPlan, StationPlan
from store.points import Points, PointWriter, SeriesKey, SeriesPoints
from wire.flags import Flag

STEP_S = 600.0
_SCANS_A_WRITE = 1_000


Derive = Callable[[Sequence[float], Mapping[tuple[str, str], Sequence[float | None]]], Sequence[Points]]
"""What follows from all stations' readings: times (s) and values by station and sensor id in, points out."""


class HistoryError(Exception):
    """The store refused a part of the history."""


async def write_history(
    writer: PointWriter,
    scenario: Scenario,
    until_s: float,
    *,
    days: float = 7.0,
    step_s: float = STEP_S,
    derive: Derive | None = None,
) -> int:
    """Write what every sensor would have read at each whole step of these days before `until_s`; answers how many points.

    With `derive` what follows from the readings is written too. Written again it changes nothing.
    Raises StoreError or HistoryError.
    """
    return await write_all(writer, history(scenario, until_s, days=days, step_s=step_s, derive=derive))


async def write_all(
    writer: PointWriter, portions: Iterable[list[Points]], told: Callable[[int], None] = lambda ms: None
) -> int:
    """Write portions of points; answers how many points. `told` hears how many ms of the past are written.

    Raises StoreError or HistoryError.
    """
    written = 0
    first_ms: int | None = None
    for points in portions:
        refused = await writer.write(points)
        if refused:
            raise HistoryError(f"the store refused {len(refused)} points of the history: {refused[0].reason}")
        series = [one for one in points if isinstance(one, SeriesPoints) and one.time_ms]
        written += sum(len(one.time_ms) for one in series)
        if series:
            first_ms = series[0].time_ms[0] if first_ms is None else first_ms
            told(series[0].time_ms[-1] - first_ms)
    return written


def history(
    scenario: Scenario, until_s: float, *, days: float, step_s: float, derive: Derive | None = None
) -> Iterator[list[Points]]:
    """The same as points, in portions. The serve counter is no part of it: nothing was served."""
    last = ceil(until_s / step_s) - 1
    first = ceil((until_s - days * 86_400.0) / step_s)
    for start in range(first, last + 1, _SCANS_A_WRITE):
        times_s = [n * step_s for n in range(start, min(start + _SCANS_A_WRITE, last + 1))]
        readings: dict[tuple[str, str], Sequence[float | None]] = {}
        for station in scenario.stations:
            columns = _columns(station, times_s)
            yield _points(station, times_s, columns)
            if derive is not None:
                readings |= {(station.id, sensor): column for sensor, column in columns.items()}
        if derive is not None:
            yield list(derive(times_s, readings))


def _columns(station: StationPlan, times_s: list[float]) -> dict[str, list[float | None]]:
    columns: dict[str, list[float | None]] = {sensor.id: [] for sensor in station.sensors if not sensor.counts_serves}
    for time_s in times_s:
        values = station.measure(time_s)
        for sensor in station.sensors:
            if not sensor.counts_serves:
                columns[sensor.id].append(sensor.form.value(sensor.form.number(values[sensor.id])))
    return columns


def _points(station: StationPlan, times_s: list[float], columns: dict[str, list[float | None]]) -> list[Points]:
    times_ms = [round(time_s * 1000.0) for time_s in times_s]
    return [
        SeriesPoints(
            SeriesKey(sensor.quantity, station.id, sensor.id),
            times_ms,
            columns[sensor.id],
            [int(Flag.PASS)] * len(times_ms),
            _said(sensor, columns[sensor.id]),
        )
        for sensor in station.sensors
        if not sensor.counts_serves
    ]


def _said(sensor: SensorPlan, column: list[float | None]) -> list[float | None] | None:
    """What a calibrated sensor said itself."""
    if sensor.calibration is None:
        return None
    return [None if value is None else sensor.said.value(sensor.form.number(value)) for value in column]

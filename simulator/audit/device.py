"""The audit of one device. Its serve counter, polled as a sensor too, joins each block to the scan that it became."""

from collections.abc import Iterable
from dataclasses import dataclass

from simulator.audit.gateway_log import Logged
from simulator.audit.points import Stored, read_points, same
from simulator.audit.report import Audit, Fault, Finding
from simulator.ledger.rows import Series, Serve, Served, State
from store.points import PointReader, SeriesKey


@dataclass(slots=True)
class _Sensor:
    """A series of the device, what is stored of it, and which of that has been accounted for."""

    series: Series
    points: Stored
    matched: set[int]


async def audit_device(
    out: Audit,
    reader: PointReader,
    series: dict[int, Series],
    serves: list[Serve],
    logged: Logged | None,
    answer_within_ms: int | None,
    slack_ms: int,
) -> None:
    """Add what is found of these blocks, all of one device, to the audit."""
    if not serves:
        return
    start_ms = min(serve.requested_ms for serve in serves) - slack_ms
    end_ms = max(_last_ms(serve) for serve in serves) + slack_ms + 1
    sensors: dict[int, _Sensor] = {}
    for number, one in series.items():
        if one.device == serves[0].device:
            key = SeriesKey(one.quantity, one.station, one.sensor)
            sensors[number] = _Sensor(one, await read_points(reader, key, start_ms, end_ms), set())
    scans = _scans(sensors.values())
    claimed = {time_ms for times_ms in scans.values() for time_ms in times_ms}
    for serve in serves:
        _audit_serve(out, sensors, serve, scans.get(serve.serve), claimed, logged, answer_within_ms, slack_ms)
    _add_foreign(out, sensors.values())


def _last_ms(serve: Serve) -> int:
    return serve.answered_ms if serve.answered_ms is not None else serve.requested_ms


def _counter(sensors: Iterable[_Sensor]) -> _Sensor | None:
    return next((sensor for sensor in sensors if sensor.series.quantity == "count"), None)


def _scans(sensors: Iterable[_Sensor]) -> dict[int, list[int]]:
    """The times at which each serve number is stored."""
    counter = _counter(sensors)
    out: dict[int, list[int]] = {}
    if counter is not None:
        for time_ms, (value, _) in sorted(counter.points.items()):
            if value is not None:
                out.setdefault(round(value), []).append(time_ms)
    return out


def _audit_serve(
    out: Audit,
    sensors: dict[int, _Sensor],
    serve: Serve,
    times_ms: list[int] | None,
    claimed: set[int],
    logged: Logged | None,
    answer_within_ms: int | None,
    slack_ms: int,
) -> None:
    whole = serve.state is State.SENT
    if all(sensors[reading.series_id].series.quantity != "count" for reading in serve.readings):
        # A part of a block, read for itself: its scan may well have the time of the block that has the counter.
        claimed = set()
    early, late = serve.requested_ms - slack_ms, _last_ms(serve) + slack_ms
    for reading in serve.readings:
        sensor = sensors[reading.series_id]
        if times_ms is None:
            times = _by_value(sensor, reading, early, late, claimed)
        else:
            times = [time_ms for time_ms in times_ms if time_ms in sensor.points]
        sensor.matched.update(times)

        def find(fault: Fault, time_ms: int, detail: str = "", sensor: _Sensor = sensor) -> None:
            out.findings.append(_finding(fault, sensor, sensors, serve, time_ms, detail, logged))

        if whole and (times or not _too_late(serve, answer_within_ms)):
            out.scanned += 1
            out.stored += bool(times)
        else:
            out.uncertain += 1
        for time_ms in times:
            value = sensor.points[time_ms][0]
            if serve.state is State.SPOILED:
                find(Fault.WRONG, time_ms, "its frame was spoiled on the line")
            elif value is None or not same(value, reading.value):
                find(Fault.WRONG, time_ms, f"stored {value}, served {reading.value}")
            elif not early <= time_ms <= late:
                find(Fault.WRONG, time_ms, f"requested at {serve.requested_ms}, answered at {serve.answered_ms}")
        for time_ms in times[1:]:
            find(Fault.DOUBLED, time_ms, f"stored at {times[0]} too")
        if not times and whole and not _too_late(serve, answer_within_ms):
            identity = _identity(sensors, serve, logged)
            find(Fault.UNLOGGED if logged is not None and identity is None else Fault.LOST, serve.requested_ms)


def _by_value(sensor: _Sensor, reading: Served, early: int, late: int, claimed: set[int]) -> list[int]:
    """Without its serve number a reading is still known by its value about its time, where no other serve was stored."""
    for time_ms in sorted(sensor.points):
        if early <= time_ms <= late and time_ms not in claimed and time_ms not in sensor.matched:
            value = sensor.points[time_ms][0]
            if value is not None and same(value, reading.value):
                return [time_ms]
    return []


def _too_late(serve: Serve, answer_within_ms: int | None) -> bool:
    return answer_within_ms is not None and _last_ms(serve) - serve.requested_ms > answer_within_ms


def _identity(sensors: dict[int, _Sensor], serve: Serve, logged: Logged | None) -> tuple[str, int, int] | None:
    counter = _counter(sensors.values())
    if logged is None or counter is None:
        return None
    return logged.get((counter.series.sensor, serve.serve))


def _finding(
    fault: Fault,
    sensor: _Sensor,
    sensors: dict[int, _Sensor],
    serve: Serve,
    time_ms: int,
    detail: str,
    logged: Logged | None,
) -> Finding:
    gateway, epoch, seq = _identity(sensors, serve, logged) or ("", None, None)
    series = sensor.series
    return Finding(fault, series.station, series.sensor, time_ms, detail, serve.serve, gateway, epoch, seq)


def _add_foreign(out: Audit, sensors: Iterable[_Sensor]) -> None:
    for sensor in sensors:
        for time_ms, (value, _) in sorted(sensor.points.items()):
            # A missing reading (flag 9) is no reading of the device's.
            if value is not None and time_ms not in sensor.matched:
                series = sensor.series
                detail = f"stored {value}, never served"
                out.findings.append(Finding(Fault.FOREIGN, series.station, series.sensor, time_ms, detail))

"""What is asked of one series: checked, and written as JSON for a chart or as CSV for a spreadsheet."""

import csv
import io
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

from dashboards.live.board import key_of
from dashboards.live.states import drawable
from dashboards.live.zones import offset_s
from hydrology.registry import Registry, Sensor, Station
from store.points import History, SeriesKey

DAY_MS = 86_400_000
MOST_DAYS = 400
FEWEST_POINTS, USUAL_POINTS, MOST_POINTS = 10, 800, 5000
CSV_POINTS = 20_000
"""Points read at a time for CSV; more than this in one part can only come of a sensor that is faster than registered."""
CSV_MOST = 200_000


class AskedWrongError(Exception):
    """The question cannot be answered; `status` is 400 or 404."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


@dataclass(frozen=True, slots=True)
class Asked:
    """One series between two times (ms since 1970), in about so many points."""

    station: Station
    sensor: Sensor
    start_ms: int
    end_ms: int
    points: int

    @property
    def key(self) -> SeriesKey:
        """The series in the store."""
        return key_of(self.station, self.sensor)


def parse(query: Mapping[str, str], registry: Registry, now_ms: int) -> Asked:
    """Check a question. Raises AskedWrongError."""
    wanted = {name: query.get(name, "") for name in ("station", "quantity", "sensor")}
    missing = [name for name, value in wanted.items() if not value]
    if missing:
        raise AskedWrongError(400, f"missing: {', '.join(missing)}")
    for station in registry.stations:
        for sensor in station.sensors:
            if (station.id, sensor.quantity, sensor.id) == tuple(wanted.values()):
                end_ms = _whole(query, "to", now_ms)
                start_ms = _whole(query, "from", end_ms - DAY_MS)
                points = _whole(query, "points", USUAL_POINTS)
                if not 0 < end_ms - start_ms <= MOST_DAYS * DAY_MS:
                    raise AskedWrongError(400, f"from must be before to, by at most {MOST_DAYS} days")
                if not 0 <= start_ms <= end_ms <= 4_102_444_800_000:
                    raise AskedWrongError(400, "from and to are milliseconds since 1970")
                if not FEWEST_POINTS <= points <= MOST_POINTS:
                    raise AskedWrongError(400, f"points: {FEWEST_POINTS} to {MOST_POINTS}")
                return Asked(station, sensor, start_ms, end_ms, points)
    raise AskedWrongError(404, "there is no such series in the registry")


def _whole(query: Mapping[str, str], name: str, otherwise: int) -> int:
    text = query.get(name, "")
    if not text:
        return otherwise
    if not re.fullmatch(r"-?[0-9]{1,15}", text):
        raise AskedWrongError(400, f"{name} must be a whole number")
    return int(text)


def series_json(asked: Asked, history: History) -> dict[str, Any]:
    """Columns of equal length; a missing value is null. `bucket_ms` is 0 when these are the points themselves."""
    return {
        "start_ms": asked.start_ms,
        "end_ms": asked.end_ms,
        "bucket_ms": history.bucket_ms,
        "interval_ms": int(asked.sensor.interval * 1000),
        "time_ms": history.time_ms,
        "value": _rounded(history.value),
        "low": _rounded(history.low) if history.bucket_ms else None,
        "high": _rounded(history.high) if history.bucket_ms else None,
        "flag": history.flag,
    }


def _rounded(values: list[float | None]) -> list[float | None]:
    return [None if value is None or not drawable(value) else round(value, 6) for value in values]


def csv_parts(asked: Asked) -> Iterator[tuple[int, int]]:
    """The parts, from start to end, in which the points are read, so that no range fills the memory."""
    step = int(min(max(asked.sensor.interval * CSV_POINTS, 3600.0), 31 * 86_400.0) * 1000)
    for start_ms in range(asked.start_ms, asked.end_ms, step):
        yield start_ms, min(start_ms + step, asked.end_ms)


CSV_HEAD = ("time_utc", "time_local", "station", "sensor", "quantity", "unit", "value", "flag")


def csv_head() -> str:
    """The first line."""
    return ",".join(CSV_HEAD) + "\r\n"


def csv_text(asked: Asked, history: History, zone: list[tuple[int, int]]) -> str:
    """Lines for these points, in the unit they are stored in; a missing value is empty."""
    out = io.StringIO()
    write = csv.writer(out)
    names = (asked.station.id, asked.sensor.id, asked.sensor.quantity, asked.sensor.unit)
    for time_ms, value, flag in zip(history.time_ms, history.value, history.flag, strict=True):
        at = datetime.fromtimestamp(time_ms / 1000, UTC)
        local = at.astimezone(timezone(timedelta(seconds=offset_s(zone, time_ms))))
        write.writerow(
            (
                at.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
                local.isoformat(timespec="seconds"),
                *names,
                "" if value is None else value,
                flag,
            )
        )
    return out.getvalue()


def csv_name(asked: Asked, zone: list[tuple[int, int]]) -> str:
    """The file's name: station, quantity and the first and last day as the station counts days."""

    def day(time_ms: int) -> str:
        return datetime.fromtimestamp(time_ms / 1000 + offset_s(zone, time_ms), UTC).strftime("%Y-%m-%d")

    return f"{asked.station.id}_{asked.sensor.quantity}_{day(asked.start_ms)}_{day(asked.end_ms)}.csv"

"""What a store holds, read with nothing of ours in between."""

import json
import sqlite3
from pathlib import Path
from typing import Protocol

from tests.servers.influxdb import InfluxBucket

NO_FLAG = 0

Points = dict[int, tuple[float | None, int]]
"""Value and flag by time in milliseconds."""


class StoredData(Protocol):
    """A store to be looked into."""

    def points(self, quantity: str, station: str, sensor: str) -> Points:
        """All points of a series."""
        ...

    def record_bodies(self) -> list[dict[str, object]]:
        """The bodies of all records of gateways."""
        ...

    def newest(self, quantity: str, station: str, sensor: str) -> float:
        """The value of the newest point of a series, -1 when there is none. Raises OSError when the store is away."""
        ...


class EmbeddedData:
    """The embedded store's file."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def _all(self, query: str, *arguments: object) -> list[tuple[object, ...]]:
        if not self._path.exists():
            return []
        db = sqlite3.connect(self._path, timeout=10.0)
        try:
            return db.execute(query, arguments).fetchall()
        except sqlite3.OperationalError as error:
            if "no such table" in str(error):
                return []
            raise
        finally:
            db.close()

    def points(self, quantity: str, station: str, sensor: str) -> Points:
        rows = self._all(
            "SELECT time_ms, value, flag FROM points JOIN series ON series.id = points.series"
            " WHERE quantity = ? AND station = ? AND sensor = ?",
            quantity,
            station,
            sensor,
        )
        return {int(str(ms)): (_number(value), int(str(flag))) for ms, value, flag in rows}

    def record_bodies(self) -> list[dict[str, object]]:
        return [json.loads(str(body)) for (body,) in self._all("SELECT body FROM record")]

    def newest(self, quantity: str, station: str, sensor: str) -> float:
        rows = self._all(
            "SELECT value FROM points WHERE value IS NOT NULL AND series ="
            " (SELECT id FROM series WHERE quantity = ? AND station = ? AND sensor = ?) ORDER BY time_ms DESC LIMIT 1",
            quantity,
            station,
            sensor,
        )
        return float(str(rows[0][0])) if rows else -1.0


class InfluxData:
    """A bucket."""

    def __init__(self, bucket: InfluxBucket) -> None:
        self._bucket = bucket

    def points(self, quantity: str, station: str, sensor: str) -> Points:
        rows = self._bucket.query_influxql(
            f'SELECT "value", "flag" FROM "{quantity}" WHERE "station" = \'{station}\' AND "sensor" = \'{sensor}\''
        )
        # A query beside a write may see a point's first field and not yet its second.
        return {int(row["time"]): (_number(row["value"]), int(row["flag"] or NO_FLAG)) for row in rows}

    def record_bodies(self) -> list[dict[str, object]]:
        return [json.loads(row["body"]) for row in self._bucket.query_influxql('SELECT "body" FROM "record"')]

    def newest(self, quantity: str, station: str, sensor: str) -> float:
        rows = self._bucket.query_influxql(
            f'SELECT last("value") AS newest FROM "{quantity}" WHERE "station" = \'{station}\' AND "sensor" = \'{sensor}\''
        )
        return float(rows[0]["newest"]) if rows else -1.0


def _number(value: object) -> float | None:
    return None if value is None else float(str(value))

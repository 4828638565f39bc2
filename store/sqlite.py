"""The embedded store: one SQLite file with the same series and the same upsert as InfluxDB.

One process writes, from a thread of its own; readers in the same or in other processes read meanwhile (WAL).
"""

import asyncio
import os
import sqlite3
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import chain, repeat
from pathlib import Path
from types import TracebackType
from typing import Any, Self, TypeVar

from store.buckets import MISSING, bucket_width_ms, plain
from store.checks import check
from store.lines import Place, full_columns
from store.points import (
    DeliveryPoint,
    History,
    HistoryPoint,
    Latest,
    Points,
    RecordPoint,
    RefusedPoint,
    SeriesKey,
    SeriesPoints,
    StoredPoint,
    StoreError,
    StoreMisconfiguredError,
    StoreUnavailableError,
)

SCHEMA_VERSION = 3
"""2 keeps more deliveries, 3 added `history`."""
BUSY_TIMEOUT_S = 10.0
"""As long as InfluxDB's own write timeout: another process may be copying the file."""
_MAX_WAL_BYTES = 64 * 1024 * 1024

_SCHEMA = f"""
CREATE TABLE IF NOT EXISTS series (
    id INTEGER PRIMARY KEY,
    quantity TEXT NOT NULL, station TEXT NOT NULL, sensor TEXT NOT NULL,
    UNIQUE (quantity, station, sensor)
);
CREATE TABLE IF NOT EXISTS points (
    series INTEGER NOT NULL, time_ms INTEGER NOT NULL,
    value REAL, flag INTEGER NOT NULL, raw REAL, tests INTEGER, rev INTEGER,
    PRIMARY KEY (series, time_ms)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS history (
    series INTEGER NOT NULL, time_ms INTEGER NOT NULL, rev INTEGER NOT NULL,
    value REAL, flag INTEGER NOT NULL, raw REAL, tests INTEGER,
    PRIMARY KEY (series, time_ms, rev)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS record (
    gateway TEXT NOT NULL, kind TEXT NOT NULL, time_ms INTEGER NOT NULL, body TEXT NOT NULL,
    PRIMARY KEY (gateway, kind, time_ms)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS delivery (
    gateway TEXT NOT NULL, time_ms INTEGER NOT NULL, body TEXT NOT NULL,
    PRIMARY KEY (gateway, time_ms)
) WITHOUT ROWID;
PRAGMA user_version = {SCHEMA_VERSION};
"""

# A field that is left out stays, as in InfluxDB.
_UPSERT = """
INSERT INTO points (series, time_ms, value, flag, raw, tests, rev) VALUES (?, ?, ?, ?, ?, ?, ?)
ON CONFLICT (series, time_ms) DO UPDATE SET
    value = coalesce(excluded.value, value), flag = excluded.flag, raw = coalesce(excluded.raw, raw),
    tests = coalesce(excluded.tests, tests), rev = coalesce(excluded.rev, rev)
"""
_UPSERT_HISTORY = (
    "INSERT OR REPLACE INTO history (series, time_ms, rev, value, flag, raw, tests) VALUES (?, ?, ?, ?, ?, ?, ?)"
)
_UPSERT_RECORD = """
INSERT INTO record (gateway, kind, time_ms, body) VALUES (?, ?, ?, ?)
ON CONFLICT (gateway, kind, time_ms) DO UPDATE SET body = excluded.body
"""
_UPSERT_DELIVERY = """
INSERT INTO delivery (gateway, time_ms, body) VALUES (?, ?, ?)
ON CONFLICT (gateway, time_ms) DO UPDATE SET body = excluded.body
"""
# Who asks what was stored at a time asks about days: gateways keep no more.
_DELIVERIES_KEPT_MS = 30 * 86_400_000
_TRIM_DELIVERY = "DELETE FROM delivery WHERE gateway = ? AND time_ms < ?"
_DELIVERIES = "SELECT gateway, body, max(time_ms) FROM delivery WHERE ? IS NULL OR time_ms <= ? GROUP BY gateway"
_RECORDS = """
SELECT gateway, kind, time_ms, body FROM record WHERE kind = ? AND time_ms >= ? AND time_ms < ? ORDER BY gateway, time_ms
"""
# Version 1 kept the newest delivery of a gateway only.
_FROM_1 = """
ALTER TABLE delivery RENAME TO old_delivery;
"""
_FROM_1_END = """
INSERT INTO delivery SELECT gateway, time_ms, body FROM old_delivery;
DROP TABLE old_delivery;
"""
# CROSS JOIN holds the order, one look-up a series: left alone the planner walks through all points.
_LATEST = """
SELECT s.id, s.quantity, s.station, s.sensor, p.time_ms, p.value, p.flag FROM series s CROSS JOIN points p
ON p.series = s.id AND p.time_ms = (SELECT max(time_ms) FROM points WHERE series = s.id AND time_ms >= ?)
"""
_LAST_VALUE = """
SELECT time_ms, value FROM points WHERE series = ? AND time_ms >= ? AND value IS NOT NULL
ORDER BY time_ms DESC LIMIT 1
"""
_TAIL = """
SELECT time_ms, value, flag, raw, tests, coalesce(rev, 0) FROM points WHERE series = ? ORDER BY time_ms DESC LIMIT ?
"""
_SPAN = "FROM points WHERE series = ? AND time_ms >= ? AND time_ms < ?"
_POINTS = f"SELECT time_ms, value, flag, raw, tests, coalesce(rev, 0) {_SPAN} ORDER BY time_ms LIMIT ?"
_VERSIONS = """
SELECT time_ms, value, flag, raw, tests, rev FROM history WHERE series = ? AND time_ms >= ? AND time_ms < ?
ORDER BY time_ms, rev
"""
_BUCKETS = f"""
SELECT time_ms - time_ms % ? AS bucket, avg(value), min(value), max(value),
    coalesce(max(CASE WHEN flag <> {MISSING} THEN flag END), {MISSING})
{_SPAN} GROUP BY bucket ORDER BY bucket
"""

_T = TypeVar("_T")


class _Thread:
    """One connection in one thread of its own; SQLite's errors become the store's."""

    def __init__(self, path: Path, name: str) -> None:
        self.path = path
        self._name = name
        self._pool: ThreadPoolExecutor | None = None
        self._connection: sqlite3.Connection | None = None

    async def __aenter__(self) -> Self:
        self._pool = ThreadPoolExecutor(max_workers=1, thread_name_prefix=self._name)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Wait for what is under way, then close."""
        assert self._pool is not None
        pool, self._pool = self._pool, None
        pool.submit(self._close)
        await asyncio.to_thread(pool.shutdown)

    async def _run(self, work: Callable[[sqlite3.Connection], _T]) -> _T:
        if self._pool is None:
            raise RuntimeError("the store is not open: use it inside `async with`")
        return await asyncio.get_running_loop().run_in_executor(self._pool, self._guarded, work)

    def _guarded(self, work: Callable[[sqlite3.Connection], _T]) -> _T:
        try:
            if self._connection is None:
                self._connection = self._connect()
            return work(self._connection)
        except sqlite3.Error as error:
            raise _store_error(self.path, error) from error
        except OSError as error:
            raise StoreUnavailableError(f"{self.path}: {error}") from error

    def _connect(self) -> sqlite3.Connection:
        raise NotImplementedError

    def _close(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None


def _store_error(path: Path, error: sqlite3.Error) -> StoreError:
    """Full, busy, unreadable: it may pass. Not a database, damaged, made by a newer Aryk: somebody must see to it."""
    message = f"{path}: {error}"
    name = getattr(error, "sqlite_errorname", "")
    if name.startswith(("SQLITE_CORRUPT", "SQLITE_NOTADB", "SQLITE_READONLY", "SQLITE_PERM", "SQLITE_AUTH")):
        return StoreMisconfiguredError(message)
    return StoreUnavailableError(message)


def _check_version(connection: sqlite3.Connection, path: Path) -> int:
    version = int(connection.execute("PRAGMA user_version").fetchone()[0])
    if version > SCHEMA_VERSION:
        raise StoreMisconfiguredError(
            f"{path} was made by a newer Aryk (schema {version}, this one knows {SCHEMA_VERSION})"
        )
    return version


class SqliteWriter(_Thread):
    """A PointWriter into this file, which is made where it is missing."""

    def __init__(self, path: Path) -> None:
        super().__init__(path, "store-writer")
        self._inode: tuple[int, int] | None = None
        self._ids: dict[SeriesKey, int] = {}

    async def __aenter__(self) -> Self:
        await super().__aenter__()
        try:
            await self._run(lambda _connection: None)
        except BaseException:
            await self.__aexit__(None, None, None)
            raise
        return self

    async def write(self, points: list[Points]) -> list[RefusedPoint]:
        """Store these points in one transaction, on the disk when this returns. See PointWriter."""
        refused = check(points)
        skip = {(one.item, one.row) for one in refused}
        await self._run(lambda connection: self._write(connection, points, skip))
        return refused

    def _connect(self) -> sqlite3.Connection:
        self.path.parent.mkdir(parents=True, exist_ok=True)
        connection = sqlite3.connect(self.path, timeout=BUSY_TIMEOUT_S, isolation_level=None, check_same_thread=False)
        try:
            version = _check_version(connection, self.path)
            connection.execute("PRAGMA journal_mode = WAL")
            # Settled points leave the spool, so they must be on the disk.
            connection.execute("PRAGMA synchronous = FULL")
            connection.execute(f"PRAGMA journal_size_limit = {_MAX_WAL_BYTES}")
            self._inode = self._inode_now()
            self._ids.clear()
            if version < SCHEMA_VERSION:
                before, after = (_FROM_1, _FROM_1_END) if version == 1 else ("", "")
                connection.executescript(f"BEGIN IMMEDIATE; {before} {_SCHEMA} {after} COMMIT;")
        except BaseException:
            connection.close()
            raise
        return connection

    def _inode_now(self) -> tuple[int, int]:
        found = os.stat(self.path)
        return found.st_dev, found.st_ino

    def _check_file(self) -> None:
        """Nothing may be counted as stored that goes into a file which was deleted or replaced under us."""
        try:
            same = self._inode_now() == self._inode
        except FileNotFoundError:
            same = False
        if not same:
            self._close()  # the next write opens what is at our path then
            raise StoreUnavailableError(f"{self.path}: the store's file was deleted or replaced while in use")

    def _write(self, connection: sqlite3.Connection, points: list[Points], skip: set[Place]) -> None:
        self._check_file()
        new_ids: dict[SeriesKey, int] = {}
        connection.execute("BEGIN IMMEDIATE")
        try:
            series = [
                (item, one)
                for item, one in enumerate(points)
                if isinstance(one, SeriesPoints)
                and (not skip or any((item, row) not in skip for row in range(len(one.time_ms))))
            ]
            ids = [self._id(connection, one.key, new_ids) for _, one in series]
            columns = (_rows(at, one, item, skip) for at, (item, one) in zip(ids, series, strict=True))
            connection.executemany(_UPSERT, chain.from_iterable(columns))
            for item, one in enumerate(points):
                if (item, 0) in skip:
                    continue
                if isinstance(one, RecordPoint):
                    connection.execute(_UPSERT_RECORD, (one.gateway, one.kind, one.time_ms, one.body))
                elif isinstance(one, DeliveryPoint):
                    connection.execute(_UPSERT_DELIVERY, (one.gateway, one.time_ms, one.body))
                    connection.execute(_TRIM_DELIVERY, (one.gateway, one.time_ms - _DELIVERIES_KEPT_MS))
                elif isinstance(one, HistoryPoint):
                    old, series_id = one.old, self._id(connection, one.key, new_ids)
                    fields = (old.value, old.flag, old.raw, old.tests)
                    connection.execute(_UPSERT_HISTORY, (series_id, old.time_ms, old.rev, *fields))
            connection.execute("COMMIT")
        except BaseException:
            if connection.in_transaction:
                connection.execute("ROLLBACK")
            raise
        self._ids.update(new_ids)

    def _id(self, connection: sqlite3.Connection, key: SeriesKey, new_ids: dict[SeriesKey, int]) -> int:
        known = self._ids.get(key) or new_ids.get(key)
        if known is None:
            connection.execute("INSERT OR IGNORE INTO series (quantity, station, sensor) VALUES (?, ?, ?)", key)
            known = new_ids[key] = _series_id(connection, key) or 0
        return known


def _rows(series: int, one: SeriesPoints, item: int, skip: set[Place]) -> Iterator[tuple[Any, ...]]:
    raw, tests, rev = full_columns(one)
    rows = zip(repeat(series), one.time_ms, one.value, one.flag, raw, tests, rev, strict=False)
    return (row for at, row in enumerate(rows) if (item, at) not in skip) if skip else rows


def _series_id(connection: sqlite3.Connection, key: SeriesKey) -> int | None:
    row = connection.execute("SELECT id FROM series WHERE quantity = ? AND station = ? AND sensor = ?", key).fetchone()
    return int(row[0]) if row else None


class SqliteReader(_Thread):
    """A PointReader of this file. While there is no file yet every question raises StoreUnavailableError."""

    def __init__(self, path: Path) -> None:
        super().__init__(path, "store-reader")

    async def latest(self, since_ms: int) -> dict[SeriesKey, Latest]:
        """The last point of every series. See PointReader."""
        return await self._run(lambda connection: _latest(connection, since_ms))

    async def history(self, key: SeriesKey, start_ms: int, end_ms: int, most: int) -> History:
        """Points of one series. See PointReader."""
        return await self._run(lambda connection: _history(connection, key, start_ms, end_ms, most))

    async def deliveries(self, upto_ms: int | None = None) -> dict[str, str]:
        """The newest body of each gateway. See PointReader."""
        return await self._run(
            lambda connection: {
                gateway: body for gateway, body, _ in connection.execute(_DELIVERIES, (upto_ms, upto_ms)).fetchall()
            }
        )

    async def records_of(self, kind: str, start_ms: int, end_ms: int) -> list[RecordPoint]:
        """Records of one kind. See PointReader."""
        span = (kind, start_ms, end_ms)
        return await self._run(
            lambda connection: [RecordPoint(*row) for row in connection.execute(_RECORDS, span).fetchall()]
        )

    async def points(self, key: SeriesKey, start_ms: int, end_ms: int, most: int) -> list[StoredPoint]:
        """Points of one series with all their fields. See PointReader."""
        return await self._run(lambda connection: _stored(connection, _POINTS, (key, start_ms, end_ms, most)))

    async def versions(self, key: SeriesKey, start_ms: int, end_ms: int) -> list[StoredPoint]:
        """Earlier points of one series. See PointReader."""
        return await self._run(lambda connection: _stored(connection, _VERSIONS, (key, start_ms, end_ms)))

    async def tails(self, keys: list[SeriesKey], most: int) -> dict[SeriesKey, list[StoredPoint]]:
        """The newest points of these series. See PointReader."""
        return await self._run(lambda connection: _tails(connection, keys, most))

    def _connect(self) -> sqlite3.Connection:
        if not self.path.exists():
            raise StoreUnavailableError(f"{self.path}: there is no store yet; ingest makes it")
        connection = sqlite3.connect(
            _reading(self.path), uri=True, timeout=BUSY_TIMEOUT_S, isolation_level=None, check_same_thread=False
        )
        try:
            if _check_version(connection, self.path) == 0:
                raise StoreUnavailableError(f"{self.path}: the store is being made")
            connection.execute("PRAGMA query_only = ON")
        except BaseException:
            connection.close()
            raise
        return connection


def _reading(path: Path) -> str:
    """How a file is opened for reading. A reader writes too, into the shared memory beside a database that has a writer."""
    uri = path.absolute().as_uri()
    if os.access(path, os.W_OK) and os.access(path.parent, os.W_OK):
        return f"{uri}?mode=rw"
    has_writer = path.with_name(path.name + "-wal").exists()
    return f"{uri}?mode=ro" if has_writer else f"{uri}?immutable=1"


def _latest(connection: sqlite3.Connection, since_ms: int) -> dict[SeriesKey, Latest]:
    out: dict[SeriesKey, Latest] = {}
    for series, quantity, station, sensor, time_ms, value, flag in connection.execute(_LATEST, (since_ms,)).fetchall():
        value_ms: int | None = time_ms
        if value is None:
            value_ms, value = connection.execute(_LAST_VALUE, (series, since_ms)).fetchone() or (None, None)
        out[SeriesKey(quantity, station, sensor)] = Latest(time_ms, value, flag, value_ms)
    return out


def _stored(connection: sqlite3.Connection, query: str, asked: tuple[Any, ...]) -> list[StoredPoint]:
    key, *rest = asked
    return [StoredPoint(*row) for row in connection.execute(query, (_series_id(connection, key), *rest)).fetchall()]


def _tails(connection: sqlite3.Connection, keys: list[SeriesKey], most: int) -> dict[SeriesKey, list[StoredPoint]]:
    out: dict[SeriesKey, list[StoredPoint]] = {}
    for key in keys:
        rows = connection.execute(_TAIL, (_series_id(connection, key), most)).fetchall()
        if rows:
            out[key] = [StoredPoint(*row) for row in reversed(rows)]
    return out


def _history(connection: sqlite3.Connection, key: SeriesKey, start_ms: int, end_ms: int, most: int) -> History:
    series = _series_id(connection, key)
    span = (series, start_ms, end_ms)
    count = connection.execute(f"SELECT count(*) {_SPAN}", span).fetchone()[0]
    if count <= max(most, 1):
        return plain(connection.execute(f"SELECT time_ms, value, flag {_SPAN} ORDER BY time_ms", span))
    width_ms = bucket_width_ms(start_ms, end_ms, most)
    rows = connection.execute(_BUCKETS, (width_ms, *span)).fetchall()
    times, values, lows, highs, flags = (list(column) for column in zip(*rows, strict=True))
    return History(times, values, lows, highs, flags, width_ms)

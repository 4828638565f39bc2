"""Writes the ledger. One process at a time; what it wrote survives its death."""

import asyncio
import sqlite3
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Protocol, Self

from simulator.ledger.commits import GroupCommits
from simulator.ledger.rows import SCHEMA, SCHEMA_VERSION, LedgerError, Published, Series, Serve, State

_INSERT_SERVE = "INSERT INTO serve VALUES (?, ?, ?, ?, ?, ?)"
_INSERT_SERVED = "INSERT INTO served VALUES (?, ?, ?, ?)"
_SETTLE = "UPDATE serve SET answered_ms = ?, state = ? WHERE id = ?"
_INSERT_PUBLISHED = "INSERT INTO published VALUES (?, ?, ?, ?, ?, ?)"
_INSERT_SERIES = "INSERT INTO series VALUES (?, ?, ?, ?, ?, ?)"


class Recorder(Protocol):
    """What an emulated device and a fleet need of a ledger."""

    def series_id(self, series: Series) -> int:
        """The number of this series; it is taken up when it is new."""
        ...

    def last_serve(self, device: str) -> int:
        """The last number that this device's serve counter had, 0 when it has served nothing."""
        ...

    async def record_serve(self, serve: Serve) -> int:
        """Write down a block that is about to be sent; committed when this returns its row's number."""
        ...

    def settle(self, serve_id: int, answered_ms: int, state: State) -> None:
        """Write down what became of it."""
        ...

    async def record_published(self, rows: Sequence[Published]) -> None:
        """Write down readings that are about to be published; committed when this returns."""
        ...


class NoLedger:
    """Nobody keeps a ledger; only the numbers go on."""

    def __init__(self) -> None:
        self._series: dict[Series, int] = {}

    def series_id(self, series: Series) -> int:
        """See Recorder."""
        return self._series.setdefault(series, len(self._series) + 1)

    def last_serve(self, device: str) -> int:
        """See Recorder."""
        return 0

    async def record_serve(self, serve: Serve) -> int:
        """See Recorder."""
        return 0

    def settle(self, serve_id: int, answered_ms: int, state: State) -> None:
        """See Recorder."""

    async def record_published(self, rows: Sequence[Published]) -> None:
        """See Recorder."""


class Ledger:
    """The ledger file of one process. Open and close it with `async with`; raises LedgerError."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._commits = GroupCommits(path)
        self._series: dict[Series, int] = {}
        self._last_serves: dict[str, int] = {}
        self._next_id = 1

    async def __aenter__(self) -> Self:
        try:
            await asyncio.to_thread(self._open)
        except (OSError, sqlite3.Error) as error:
            raise LedgerError(f"the ledger {self.path} does not open: {error}") from error
        self._commits.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await asyncio.to_thread(self._commits.close)

    def _open(self) -> None:
        db = self._commits.open(SCHEMA)
        db.execute("INSERT OR IGNORE INTO meta VALUES ('version', ?)", (str(SCHEMA_VERSION),))
        (version,) = db.execute("SELECT value FROM meta WHERE key = 'version'").fetchone()
        if version != str(SCHEMA_VERSION):
            raise LedgerError(f"the ledger {self.path} has version {version}, this program writes {SCHEMA_VERSION}")
        for number, *rest in db.execute("SELECT id, gateway, device, station, sensor, quantity FROM series"):
            self._series[Series(*rest)] = number
        self._last_serves = dict(db.execute("SELECT device, max(serve) FROM serve GROUP BY device"))
        self._next_id = db.execute("SELECT coalesce(max(id), 0) + 1 FROM serve").fetchone()[0]

    def series_id(self, series: Series) -> int:
        """See Recorder. Its row is committed no later than the first reading that names it."""
        number = self._series.get(series)
        if number is None:
            number = self._series[series] = len(self._series) + 1
            self._commits.submit([(_INSERT_SERIES, [(number, *series)])], wait=False)
        return number

    def last_serve(self, device: str) -> int:
        """See Recorder."""
        return self._last_serves.get(device, 0)

    async def record_serve(self, serve: Serve) -> int:
        """See Recorder."""
        number = self._next_id
        self._next_id += 1
        row = (number, serve.device, serve.serve, serve.requested_ms, serve.answered_ms, int(serve.state))
        readings = [(number, *reading) for reading in serve.readings]
        committed = self._commits.submit([(_INSERT_SERVE, [row]), (_INSERT_SERVED, readings)])
        if committed is not None:
            await committed
        return number

    def settle(self, serve_id: int, answered_ms: int, state: State) -> None:
        """See Recorder."""
        self._commits.submit([(_SETTLE, [(answered_ms, int(state), serve_id)])], wait=False)

    async def record_published(self, rows: Sequence[Published]) -> None:
        """See Recorder."""
        committed = self._commits.submit([(_INSERT_PUBLISHED, rows)])
        if committed is not None:
            await committed

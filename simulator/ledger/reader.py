"""Reads a ledger, also while it is being written."""

import sqlite3
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import Self

from simulator.ledger.rows import SCHEMA_VERSION, LedgerError, Published, Series, Serve, Served, State


class LedgerReader:
    """A ledger to read, by one thread at a time. Open and close it with `with`; raises LedgerError."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._db: sqlite3.Connection | None = None

    def __enter__(self) -> Self:
        if not self.path.exists():
            raise LedgerError(f"there is no ledger {self.path}")
        try:
            # Not mode=ro: a reader of a WAL whose writer was killed must be able to recover it.
            self._db = sqlite3.connect(self.path, timeout=10.0, check_same_thread=False)
            row = self._db.execute("SELECT value FROM meta WHERE key = 'version'").fetchone()
        except sqlite3.Error as error:
            raise LedgerError(f"{self.path} is not a ledger: {error}") from error
        if row is None or row[0] != str(SCHEMA_VERSION):
            raise LedgerError(
                f"the ledger {self.path} has version {row and row[0]}, this program reads {SCHEMA_VERSION}"
            )
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._db is not None:
            self._db.close()
            self._db = None

    @property
    def _open(self) -> sqlite3.Connection:
        if self._db is None:
            raise LedgerError(f"the ledger {self.path} is not open")
        return self._db

    def series(self) -> dict[int, Series]:
        """Every series by its number."""
        rows = self._open.execute("SELECT id, gateway, device, station, sensor, quantity FROM series ORDER BY id")
        return {number: Series(*rest) for number, *rest in rows}

    def devices(self) -> list[str]:
        """The devices that have served anything."""
        return [device for (device,) in self._open.execute("SELECT DISTINCT device FROM serve ORDER BY device")]

    def serves(self, device: str) -> list[Serve]:
        """Every block of a device in the order of its serving."""
        readings: dict[int, list[Served]] = {}
        rows = self._open.execute(
            "SELECT served.serve_id, series_id, number, value FROM served JOIN serve ON serve.id = served.serve_id"
            " WHERE device = ? ORDER BY served.serve_id, series_id",
            (device,),
        )
        for serve_id, *rest in rows:
            readings.setdefault(serve_id, []).append(Served(*rest))
        serves = self._open.execute(
            "SELECT id, device, serve, requested_ms, answered_ms, state FROM serve WHERE device = ? ORDER BY id",
            (device,),
        )
        return [
            Serve(name, number, requested_ms, answered_ms, State(state), tuple(readings.get(serve_id, ())))
            for serve_id, name, number, requested_ms, answered_ms, state in serves
        ]

    def published_series(self) -> list[int]:
        """The numbers of the series that a fleet has published."""
        return [
            number for (number,) in self._open.execute("SELECT DISTINCT series_id FROM published ORDER BY series_id")
        ]

    def published(self) -> Iterator[tuple[int, list[Published]]]:
        """Every reading of a fleet, series by series, each in the order of time."""
        rows = self._open.execute(
            "SELECT series_id, epoch, seq, time_ms, value, flag FROM published ORDER BY series_id, time_ms"
        )
        series_id, batch = 0, list[Published]()
        for row in map(Published._make, rows):
            if batch and row.series_id != series_id:
                yield series_id, batch
                batch = []
            series_id = row.series_id
            batch.append(row)
        if batch:
            yield series_id, batch

    def counts(self) -> tuple[int, int]:
        """How many blocks were sent whole, and how many readings a fleet has published."""
        (sent,) = self._open.execute("SELECT count(*) FROM serve WHERE state = ?", (int(State.SENT),)).fetchone()
        (published,) = self._open.execute("SELECT count(*) FROM published").fetchone()
        return sent, published

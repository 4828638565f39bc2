"""Looks into a log from outside, also while a gateway writes it: for `aryk gateway log`. It changes nothing."""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from gateway.log.file import load_progress
from gateway.log.progress import RECEIPT, Progress
from gateway.log.reader import ROWS, to_row
from gateway.log.rows import Row
from gateway.log.schema import VERSION, connect_readonly


@dataclass(frozen=True, slots=True)
class EpochReport:
    """One epoch: what is kept, what the centre has receipted, and what it waits for."""

    epoch: int
    opened_ms: int
    first: int
    last: int
    kept: int
    receipted: int
    unsettled: int


class InspectError(Exception):
    """There is no log to look into, or it cannot be read."""


class Inspector:
    """A log, read only."""

    def __init__(self, db: sqlite3.Connection) -> None:
        self._db = db

    def epochs(self) -> list[EpochReport]:
        """Each epoch that still holds something, oldest first, and the newest."""
        opened = dict(self._db.execute("SELECT epoch, opened_ms FROM epoch").fetchall())
        progress = self._progress()
        return [
            EpochReport(
                state.epoch,
                opened[state.epoch],
                state.first,
                state.last,
                max(0, state.last - state.first + 1),
                sum(
                    max(0, min(last, state.last) - max(first, state.first) + 1)
                    for first, last in state.settled[RECEIPT]
                ),
                sum(last - first + 1 for first, last in state.pending()),
            )
            for state in progress.epochs.values()
        ]

    def held(self) -> int:
        """How many entries wait for their time to become final."""
        return int(self._db.execute("SELECT count(*) FROM entry WHERE final = 0").fetchone()[0])

    def latest(self) -> list[Row]:
        """The newest reading of each series."""
        rows = []
        for (series,) in self._db.execute("SELECT id FROM series ORDER BY sensor").fetchall():
            row = self._db.execute(f"{ROWS} WHERE entry.series = ? ORDER BY seq DESC LIMIT 1", (series,)).fetchone()
            if row is not None:
                rows.append(to_row(row))
        return rows

    def rows_after(self, seq: int, most: int = 10_000) -> list[Row]:
        """Entries after this number, in order."""
        return [to_row(row) for row in self._db.execute(f"{ROWS} WHERE seq > ? ORDER BY seq LIMIT ?", (seq, most))]

    def newest(self) -> int:
        """The newest number, 0 in an empty log."""
        return int(self._db.execute("SELECT max(seq) FROM entry").fetchone()[0] or 0)

    def export(self) -> Iterator[tuple[int, str, Row, str]]:
        """Every entry in order: epoch, the time it was logged with, the entry, and whether it is receipted, held or waiting."""
        progress = self._progress()
        by_id = {state.id: state for state in progress.epochs.values()}
        for epoch_id, original, *columns in self._db.execute(
            ROWS.replace("SELECT ", "SELECT entry.epoch, original_ms, ") + "ORDER BY seq"
        ):
            state, row = by_id[epoch_id], to_row(tuple(columns))
            delivery = next((why for why, ranges in state.settled.items() if row.seq in ranges), "waiting")
            if row.seq in progress.held:
                delivery = "held"
            yield state.epoch, "" if original is None else str(original), row, delivery

    def _progress(self) -> Progress:
        return load_progress(self._db)


@contextmanager
def inspect_log(path: Path) -> Iterator[Inspector]:
    """Open this log for reading only. Raises InspectError."""
    if not path.exists():
        raise InspectError(f"{path}: there is no log yet; `aryk gateway run` makes it")
    db = None
    try:
        db = connect_readonly(path)
        version = db.execute("PRAGMA user_version").fetchone()[0]
        if version != VERSION:
            raise InspectError(f"{path}: a log of version {version}; this program reads version {VERSION}")
        yield Inspector(db)
    except sqlite3.Error as error:
        raise InspectError(f"{path}: {error}") from error
    finally:
        if db is not None:
            db.close()

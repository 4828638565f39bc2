"""Reads a spool that another ingest left behind: locked meanwhile, so that nobody drains it."""

import fcntl
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ingest.change import Letter, Row
from ingest.received import parse_ranges
from ingest.schema import BUSY_TIMEOUT_S, ROW_COLUMNS, SCHEMA_VERSION
from wire.reasons import Reason

_LETTER = (
    "id, reason, detail, topic, content_type, received_ms,"
    " (SELECT payload FROM payloads WHERE digest = letters.digest), digest, gateway, epoch, ranges, sensor, count, last_ms"
)


class NotASpoolError(Exception):
    """The file is no spool, or is in use."""


class OldSpool:
    """Its rows and letters, in order."""

    def __init__(self, db: sqlite3.Connection) -> None:
        self._db = db

    def rows(self, after: int, most: int) -> list[Row]:
        """The next rows."""
        query = f"SELECT {ROW_COLUMNS} FROM spool WHERE id > ? ORDER BY id LIMIT ?"
        return [Row(*fields) for fields in self._db.execute(query, (after, most))]

    def letters(self, after: int, most: int) -> list[tuple[int, Letter]]:
        """The next letters with their ids."""
        query = f"SELECT {_LETTER} FROM letters WHERE id > ? ORDER BY id LIMIT ?"
        return [(row[0], _letter(row[1:])) for row in self._db.execute(query, (after, most))]


def _letter(row: tuple[object, ...]) -> Letter:
    reason, detail, topic, kind, received_ms, payload, name, gateway, epoch, ranges, sensor, count, last_ms = row
    return Letter(
        Reason(str(reason)),
        str(detail),
        str(topic),
        None if kind is None else str(kind),
        int(str(received_ms)),
        bytes(payload) if isinstance(payload, bytes) else b"",
        str(name),
        str(gateway),
        None if epoch is None else int(str(epoch)),
        parse_ranges(str(ranges)),
        str(sensor),
        int(str(count)),
        int(str(last_ms)),
    )


def is_sqlite(path: Path) -> bool:
    """Whether this file is a database of SQLite's. Raises OSError."""
    with path.open("rb") as file:
        return file.read(16) == b"SQLite format 3\0"


@contextmanager
def open_old_spool(path: Path) -> Iterator[OldSpool]:
    """Open it for reading. Raises NotASpoolError, OSError."""
    with path.with_suffix(".lock").open("a") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            raise NotASpoolError(f"{path} is in use by a running ingest: stop that one first") from error
        db = sqlite3.connect(
            f"{path.absolute().as_uri()}?mode=ro", uri=True, timeout=BUSY_TIMEOUT_S, check_same_thread=False
        )
        try:
            version = db.execute("PRAGMA user_version").fetchone()[0]
            if not 1 <= version <= SCHEMA_VERSION:
                raise NotASpoolError(f"{path} has schema version {version}, this ingest reads 1 to {SCHEMA_VERSION}")
            db.execute("SELECT 1 FROM spool LIMIT 1")
            yield OldSpool(db)
        except (sqlite3.Error, ValueError) as error:
            raise NotASpoolError(f"{path} cannot be read as a spool: {error}") from error
        finally:
            db.close()

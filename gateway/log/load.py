"""Checks a log's file and reads what is settled and held in it."""

import sqlite3
from pathlib import Path

from gateway.log.progress import RECEIPT, EpochState, Progress
from gateway.log.schema import VERSION

_DAMAGED = {sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB}
_UNREADABLE = {sqlite3.SQLITE_IOERR_READ, sqlite3.SQLITE_IOERR_SHORT_READ, sqlite3.SQLITE_IOERR_CORRUPTFS}
"""The card or disk has bad places."""


class LogError(Exception):
    """The log cannot be used, and a new one would not help."""


class LogFullError(LogError):
    """The disk has no room to open the log; once it has, all is well."""


def check(db: sqlite3.Connection, path: Path, gateway: str) -> None:
    """Raises LogError or, when the file is damaged, sqlite3.DatabaseError."""
    verdict = db.execute("PRAGMA quick_check(1)").fetchone()[0]
    if verdict != "ok":
        raise DamagedError(verdict)
    version = db.execute("PRAGMA user_version").fetchone()[0]
    if version != VERSION:
        raise LogError(f"{path}: a log of version {version}; this program reads version {VERSION}")
    row = db.execute("SELECT value FROM meta WHERE key = 'gateway'").fetchone()
    if row is None or row[0] != gateway:
        raise LogError(f"{path}: the log of gateway {row[0] if row else '?'}, not of {gateway}")


class DamagedError(sqlite3.DatabaseError):
    """The file opens, but does not hang together."""


def is_damage(error: BaseException | None) -> bool:
    """Whether this says that the file is damaged, so that trying again is of no use."""
    code = getattr(error, "sqlite_errorcode", 0)
    return isinstance(error, DamagedError) or code & 0xFF in _DAMAGED or code in _UNREADABLE


def load_progress(db: sqlite3.Connection) -> Progress:
    """What is settled and held, as the file has it. Raises sqlite3.DatabaseError."""
    try:
        return _load(db)
    except sqlite3.OperationalError as error:
        if error.sqlite_errorcode == sqlite3.SQLITE_ERROR:  # no such table, no such column
            raise DamagedError(str(error)) from error
        raise
    except (ValueError, TypeError) as error:
        raise DamagedError(f"what is settled makes no sense: {error}") from error


def _load(db: sqlite3.Connection) -> Progress:
    progress = Progress()
    epochs = db.execute("SELECT id, epoch, first FROM epoch ORDER BY id").fetchall()
    ends = [first for _, _, first in epochs[1:]]
    newest = db.execute("SELECT max(seq) FROM entry").fetchone()[0] or 0
    for at, (number, epoch, given) in enumerate(epochs):
        last = ends[at] - 1 if at < len(ends) else max(newest, given - 1)
        kept = db.execute("SELECT min(seq) FROM entry WHERE seq BETWEEN ? AND ?", (given, last)).fetchone()[0]
        state = EpochState(number, epoch, given, last + 1 if kept is None else kept, last)
        for why, first, until in db.execute("SELECT why, first, last FROM settled WHERE epoch = ?", (number,)):
            state.settled.setdefault(why, state.settled[RECEIPT]).add(first, until)
            state.done.add(first, until)
        for first, until in db.execute("SELECT first, last FROM stamp WHERE epoch = ?", (number,)):
            state.stamped.add(first, until)
        progress.open_epoch(state)
    for (seq,) in db.execute("SELECT seq FROM entry WHERE final = 0 ORDER BY seq"):
        progress.held.add(seq)
    return progress

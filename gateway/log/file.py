"""Opens the log's file: one process at a time, checked, a damaged one set aside, a new epoch at each opening."""

import fcntl
import logging
import os
import sqlite3
from pathlib import Path
from typing import IO

from gateway.clock import Clock
from gateway.log.log import Log
from gateway.log.progress import RECEIPT, EpochState, Progress
from gateway.log.rows import NewRecord
from gateway.log.schema import VERSION, connect, create
from gateway.log.writer import LogUnavailableError
from wire.names import EPOCH_BITS

log = logging.getLogger("gateway.log")

FILE = "log.sqlite"
_DAMAGED = {sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB}


class LogError(Exception):
    """The log cannot be used, and a new one would not help."""


def log_path(state: Path, gateway: str) -> Path:
    """Where this gateway's log stands under a state folder."""
    return state / "gateway" / gateway / FILE


def open_log(state: Path, gateway: str, clock: Clock, *, reserve_bytes: int = 0) -> Log:
    """Open this gateway's log, or make it. A file that is damaged is set aside, which the new log tells in a record.

    Raises LogError when another process has it open, when it is another gateway's, or of a newer version.
    """
    path = log_path(state, gateway)
    path.parent.mkdir(parents=True, exist_ok=True)
    lock = _lock(path)
    try:
        records: tuple[NewRecord, ...] = ()
        try:
            db = _open(path, gateway)
        except sqlite3.DatabaseError as error:
            if not _is_damage(error):
                raise LogError(f"{path}: {error}") from error
            aside = set_aside(path, clock.now().ms)
            log.error("%s is damaged (%s): set aside as %s, a new log begins", path, error, aside.name)
            body = {"event": "log_set_aside", "file": aside.name, "error": str(error)[:200]}
            records = (NewRecord("event", body),)
            db = _open(path, gateway)
        try:
            progress = load_progress(db)
            begin_epoch(db, progress, clock)
            return Log(path, db, connect(path), progress, clock, lock, records, reserve_bytes)
        except (sqlite3.Error, LogUnavailableError) as error:
            db.close()
            raise LogError(f"{path}: {error}") from error
    except BaseException:
        lock.close()
        raise


def _lock(path: Path) -> IO[str]:
    lock = path.with_name("lock").open("w")
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        lock.close()
        raise LogError(f"{path}: another process has this log open") from error
    return lock


def _open(path: Path, gateway: str) -> sqlite3.Connection:
    db = connect(path)
    try:
        if db.execute("SELECT count(*) FROM sqlite_master").fetchone()[0] == 0:
            create(db, gateway)
        check(db, path, gateway)
    except BaseException:
        db.close()
        raise
    return db


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


def _is_damage(error: sqlite3.DatabaseError) -> bool:
    code = getattr(error, "sqlite_errorcode", 0)
    return isinstance(error, DamagedError) or code & 0xFF in _DAMAGED


def set_aside(path: Path, ms: int) -> Path:
    """Rename the file and its write-ahead log, never over another one."""
    number = ms // 1000
    while (aside := path.with_name(f"{path.name}.corrupt-{number}")).exists():
        number += 1
    for suffix in ("-wal", "-shm", ""):
        part = path.with_name(path.name + suffix)
        if part.exists():
            part.rename(aside.with_name(aside.name + suffix))
    return aside


def load_progress(db: sqlite3.Connection) -> Progress:
    """What is settled and held, as the file has it."""
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


def begin_epoch(db: sqlite3.Connection, progress: Progress, clock: Clock) -> None:
    """Draw the epoch of this opening; epochs that never held anything, or nothing any more, are forgotten."""
    newest = max((state.last for state in progress.epochs.values()), default=0)
    epoch = int.from_bytes(os.urandom(EPOCH_BITS // 8), "big")
    db.execute("BEGIN IMMEDIATE")
    for state in list(progress.epochs.values()):
        if state.first > state.last:
            for table in ("epoch WHERE id", "settled WHERE epoch", "stamp WHERE epoch"):
                db.execute(f"DELETE FROM {table} = ?", (state.id,))
            progress.forget(state.epoch)
    db.execute("INSERT OR IGNORE INTO boot (boot) VALUES (?)", (clock.boot,))
    boot = db.execute("SELECT id FROM boot WHERE boot = ?", (clock.boot,)).fetchone()[0]
    number = db.execute(
        "INSERT INTO epoch (epoch, first, boot, opened_ms) VALUES (?, ?, ?, ?)",
        (epoch, newest + 1, boot, clock.now().ms),
    ).lastrowid
    db.execute("DELETE FROM boot WHERE id <> ? AND id NOT IN (SELECT boot FROM epoch)", (boot,))
    db.execute("COMMIT")
    assert number is not None
    progress.open_epoch(EpochState(number, epoch, newest + 1, newest + 1, newest), current=True)

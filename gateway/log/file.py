"""Opens the log's file: one process at a time, checked, a damaged one set aside, a new epoch at each opening."""

import errno
import fcntl
import logging
import os
import shutil
import sqlite3
from contextlib import ExitStack, closing
from pathlib import Path
from typing import IO

from gateway.clock import Clock
from gateway.log.aside import corrupt_of, remove, salvaged_files, set_aside
from gateway.log.ballast import Ballast
from gateway.log.load import LogError, LogFullError, check, is_damage, load_progress
from gateway.log.log import Log
from gateway.log.progress import EpochState, Progress
from gateway.log.rows import NewRecord
from gateway.log.salvaged import SalvagedLog, open_salvaged
from gateway.log.schema import connect, create
from gateway.log.writer import LogUnavailableError
from wire.names import EPOCH_BITS

__all__ = [
    "FILE",
    "LogError",
    "LogFullError",
    "begin_epoch",
    "check",
    "load_progress",
    "log_path",
    "open_log",
    "set_aside",
]

log = logging.getLogger("gateway.log")

FILE = "log.sqlite"
FULL_BYTES = 256 * 1024
"""With less than this nothing can be opened: SQLite's shared memory alone takes 32 kB."""


def log_path(state: Path, gateway: str) -> Path:
    """Where this gateway's log stands under a state folder."""
    return state / "gateway" / gateway / FILE


def open_log(state: Path, gateway: str, clock: Clock, *, reserve_bytes: int = 0) -> Log:
    """Open this gateway's log, or make it. A file that is damaged is set aside, which the new log tells in a record.

    Raises LogFullError when the disk is too full even for that, LogError when another process has the log open, when it is
    another gateway's, or of a newer version.
    """
    path = log_path(state, gateway)
    ballast = Ballast(path.parent, reserve_bytes)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        lock = _lock(path)
    except OSError as error:
        if error.errno == errno.ENOSPC:
            raise LogFullError(f"{path}: the disk is full") from error
        raise
    try:
        records: tuple[NewRecord, ...] = ()
        while True:
            try:
                return _open_once(path, gateway, clock, lock, records, reserve_bytes)
            except (sqlite3.Error, LogUnavailableError) as error:
                cause = error if isinstance(error, sqlite3.Error) else error.__cause__
                if is_damage(cause) and not records:
                    aside = set_aside(path, clock.now().ms)
                    log.error("%s is damaged (%s): set aside as %s, a new log begins", path, error, aside.name)
                    body = {"event": "log_set_aside", "file": aside.name, "error": str(error)[:200]}
                    records = (NewRecord("event", body),)
                elif _no_room(path, cause):
                    if not ballast.let_go():
                        raise LogFullError(f"{path}: the disk is full") from error
                else:
                    raise LogError(f"{path}: {error}") from error
    except BaseException:
        lock.close()
        raise


def _open_once(
    path: Path, gateway: str, clock: Clock, lock: IO[str], records: tuple[NewRecord, ...], reserve_bytes: int
) -> Log:
    """Raises sqlite3.Error, LogUnavailableError, LogError."""
    with ExitStack() as opened:
        db = opened.enter_context(closing(connect(path)))
        if db.execute("SELECT count(*) FROM sqlite_master").fetchone()[0] == 0:
            create(db, gateway)
        check(db, path, gateway)
        progress = load_progress(db)
        begin_epoch(db, progress, clock)
        uplink_db = opened.enter_context(closing(connect(path)))
        salvaged = _open_salvaged(path, gateway, progress, clock)
        for old in salvaged:
            opened.callback(old.close)
        whole = Log(path, gateway, db, uplink_db, progress, clock, lock, records, reserve_bytes, salvaged)
        opened.pop_all()
        return whole


def _open_salvaged(path: Path, gateway: str, progress: Progress, clock: Clock) -> list[SalvagedLog]:
    """What was salvaged earlier. A salvaged log that is damaged itself is salvaged (again)."""
    out: list[SalvagedLog] = []
    known = set(progress.epochs)
    for salvaged in salvaged_files(path.parent):
        try:
            old = open_salvaged(salvaged, gateway, known)
        except (sqlite3.Error, LogError) as error:
            if isinstance(error, sqlite3.Error) and not is_damage(error):
                raise
            log.error("%s is damaged (%s)", salvaged, error)
            if corrupt_of(salvaged).exists():
                remove([salvaged])
            else:
                set_aside(salvaged, clock.now().ms)
            continue
        known.update(old.progress.epochs)
        out.append(old)
    return out


def _no_room(path: Path, error: BaseException | None) -> bool:
    """Whether it failed for want of room: SQLite says so in several ways."""
    code = getattr(error, "sqlite_errorcode", 0) & 0xFF
    if code == sqlite3.SQLITE_FULL:
        return True
    return code in (sqlite3.SQLITE_IOERR, sqlite3.SQLITE_CANTOPEN) and shutil.disk_usage(path.parent).free < FULL_BYTES


def _lock(path: Path) -> IO[str]:
    lock = path.with_name("lock").open("a")
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        lock.close()
        raise LogError(f"{path}: another process has this log open") from error
    return lock


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

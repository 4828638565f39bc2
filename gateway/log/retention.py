"""Takes old entries away in small steps: what was delivered long ago, and when the disk is short the oldest first."""

import os
import sqlite3
from pathlib import Path

from gateway.log.progress import EpochState, Progress
from wire.ranges import Range, coalesce

STEP = 500
"""Rows taken in one transaction."""
_STAMPS_A_LIFE = 30
_STAMP_EVERY_S = (60.0, 86400.0)


def stamp_every_s(keep_s: float) -> float:
    """How often what was newly delivered is stamped with the time: the grain of the retention."""
    least, most = _STAMP_EVERY_S
    return min(max(keep_s / _STAMPS_A_LIFE, least), most)


def stamp(db: sqlite3.Connection, progress: Progress, now_ms: int) -> int:
    """Note the time for all that is settled and not yet stamped. `now_ms` must be trusted. The answer is how many ranges."""
    new: list[tuple[EpochState, Range]] = []
    with progress.lock:
        for state in progress.epochs.values():
            for first, last in state.done:
                new += [(state, one) for one in state.stamped.missing(max(first, state.first), last)]
    if new:
        db.execute("BEGIN IMMEDIATE")
        db.executemany("INSERT INTO stamp VALUES (?, ?, ?, ?)", [(now_ms, state.id, *one) for state, one in new])
        db.execute("COMMIT")
        with progress.lock:
            for state, one in new:
                state.stamped.add(*one)
    return len(new)


def trim(db: sqlite3.Connection, progress: Progress, older_than_ms: int) -> int:
    """Take away one step of what was stamped before then; the answer is how many rows, 0 when nothing is left to take."""
    row = db.execute(
        "SELECT rowid, epoch, first, last FROM stamp WHERE ms < ? ORDER BY epoch, first LIMIT 1", (older_than_ms,)
    ).fetchone()
    if row is None:
        return 0
    rowid, epoch_id, first, last = row
    state = next((one for one in progress.epochs.values() if one.id == epoch_id), None)
    upto = min(last, first + STEP - 1)
    if state is None or upto >= progress.last:
        # The newest row stays: the next number is counted from it.
        upto = min(upto, progress.last - 1)
    db.execute("BEGIN IMMEDIATE")
    gone = db.execute("DELETE FROM entry WHERE seq BETWEEN ? AND ?", (first, upto)).rowcount
    if upto >= last or upto < first:
        db.execute("DELETE FROM stamp WHERE rowid = ?", (rowid,))
    else:
        db.execute("UPDATE stamp SET first = ? WHERE rowid = ?", (upto + 1, rowid))
    db.execute("COMMIT")
    if state is not None:
        _move_first(db, progress, state)
    return max(1, gone)


def drop_oldest(db: sqlite3.Connection, progress: Progress, upto: int, *, delivered: bool) -> list[tuple[int, Range]]:
    """Take away one step of the oldest entries up to this number; the answer names them by epoch, none when none is left.

    Of what was delivered everything goes; of what was not, readings only: records are few, and tell what went.
    """
    with progress.lock:
        states = [(state, _kept(state, delivered)) for state in progress.epochs.values()]
    for state, ranges in states:
        for first, last in ranges:
            found = db.execute(
                "SELECT seq FROM entry WHERE seq BETWEEN ? AND ? AND (? OR series IS NOT NULL) ORDER BY seq LIMIT ?",
                (first, min(last, upto), delivered, STEP),
            ).fetchall()
            gone = coalesce(seq for (seq,) in found)
            if not gone:
                continue
            db.execute("BEGIN IMMEDIATE")
            db.executemany("DELETE FROM entry WHERE seq BETWEEN ? AND ?", gone)
            db.execute("COMMIT")
            with progress.lock:
                for one in gone:
                    progress.held.remove(*one)
            _move_first(db, progress, state)
            return [(state.epoch, one) for one in gone]
    return []


def _kept(state: EpochState, delivered: bool) -> list[Range]:
    if not delivered:
        return state.pending()
    return [(max(first, state.first), last) for first, last in state.done if last >= state.first]


def _move_first(db: sqlite3.Connection, progress: Progress, state: EpochState) -> None:
    kept = db.execute("SELECT min(seq) FROM entry WHERE seq BETWEEN ? AND ?", (state.given, state.last)).fetchone()[0]
    progress.trimmed(state.epoch, state.last + 1 if kept is None else kept)


def room_bytes(db: sqlite3.Connection, path: Path) -> int:
    """What can still be written: free disk space, and pages that are free within the file."""
    disk = os.statvfs(path.parent)
    free_pages = db.execute("PRAGMA freelist_count").fetchone()[0]
    page_bytes = db.execute("PRAGMA page_size").fetchone()[0]
    return int(disk.f_bavail * disk.f_frsize + free_pages * page_bytes)

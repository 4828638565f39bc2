"""Takes old entries away in small steps: what was delivered long ago, and when the disk is short the oldest first."""

import os
import sqlite3
from pathlib import Path

from gateway.log.progress import EpochState, Progress
from gateway.log.rows import NewRecord
from gateway.log.thinning import HOUR_MS, Kept, Removal, drop, is_thinned, thin
from wire.names import epoch_text
from wire.ranges import Range, RangeSet, coalesce

STEP = 500
"""Rows taken in one transaction."""
THINNED_AT_ONCE = 5_000
"""Whole hours are thinned together up to this many readings; an hour that has more by itself goes up to the next limit."""
MOST_THINNED = 20_000
"""2 MB of changed pages: well within the room that is left."""
NEWEST = 10_000
"""Among so many entries is one of the newest hour."""
MOST_RANGES = 300
"""In one record: 8 kB at most."""
MOST_NAMED = 50
"""Sensors named in one record."""
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


def forget_stamps(db: sqlite3.Connection, progress: Progress) -> None:
    """Count all ages from the next stamp on: the clock that gave the old ones was not the one of now."""
    db.execute("DELETE FROM stamp")
    with progress.lock:
        for state in progress.epochs.values():
            state.stamped = RangeSet()


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
    if progress.current is not None:
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
        move_first(db, progress, state)
    return max(1, gone)


def drop_delivered(db: sqlite3.Connection, progress: Progress, upto: int) -> int:
    """Take away one step of the oldest that need not be sent, up to this number; how many, 0 when nothing is left to take."""
    with progress.lock:
        states = [(state, list(state.done)) for state in progress.epochs.values()]
    for state, ranges in states:
        for first, last in ranges:
            found = db.execute(
                "SELECT seq FROM entry WHERE seq BETWEEN ? AND ? ORDER BY seq LIMIT ?",
                (max(first, state.first), min(last, upto), STEP),
            ).fetchall()
            if found:
                delete(db, progress, state, coalesce(seq for (seq,) in found))
                return len(found)
    return 0


def delete(db: sqlite3.Connection, progress: Progress, state: EpochState, ranges: list[Range]) -> None:
    """Take these entries away, in one transaction."""
    db.execute("BEGIN IMMEDIATE")
    try:
        db.executemany("DELETE FROM entry WHERE seq BETWEEN ? AND ?", ranges)
        db.execute("COMMIT")
    except BaseException:
        if db.in_transaction:
            db.execute("ROLLBACK")
        raise
    with progress.lock:
        for one in ranges:
            progress.held.remove(*one)
    move_first(db, progress, state)


def oldest_to_thin(db: sqlite3.Connection, progress: Progress, upto: int) -> tuple[EpochState, Removal] | None:
    """The oldest readings that are to be thinned, of those that are not settled; None when all are."""
    raw = [number for number, sensor in db.execute("SELECT id, sensor FROM series") if not is_thinned(sensor)]
    among = f"final = 1 AND series IN ({','.join(map(str, raw))})"
    whole_until_ms = 1 << 62
    if progress.current is not None:  # the hour that is not over is not thinned yet
        newest = db.execute(
            f"SELECT max(ms) FROM entry WHERE {among} AND seq > ?", (progress.last - NEWEST,)
        ).fetchone()[0]
        whole_until_ms = 0 if newest is None else newest - newest % HOUR_MS
    for state, ranges in _pending(progress):
        readings = _readings(db, ranges, upto, f"{among} ORDER BY seq", MOST_THINNED)
        until_ms = whole_until_ms
        if len(readings) >= MOST_THINNED and readings[-1].hour_ms != readings[0].hour_ms:
            until_ms = min(until_ms, readings[-1].hour_ms)  # this one was cut
        removal = thin(readings, least=THINNED_AT_ONCE, whole_until_ms=until_ms)
        if removal is not None:
            return state, removal
    return None


def oldest_to_drop(db: sqlite3.Connection, progress: Progress, upto: int) -> tuple[EpochState, Removal] | None:
    """The oldest readings of all that are not settled, thinned ones too; never records, which are few and tell what went."""
    for state, ranges in _pending(progress):
        removal = drop(_readings(db, ranges, upto, "series IS NOT NULL ORDER BY ms", THINNED_AT_ONCE // 10))
        if removal is not None:
            return state, removal
    return None


def _pending(progress: Progress) -> list[tuple[EpochState, list[Range]]]:
    with progress.lock:
        return [(state, state.pending()) for state in progress.epochs.values()]


def _readings(db: sqlite3.Connection, ranges: list[Range], upto: int, among: str, most: int) -> list[Kept]:
    out: list[Kept] = []
    for first, last in ranges:
        if first > upto or len(out) >= most:
            break
        found = db.execute(
            "SELECT seq, sensor, quantity, unit, ms, value, flag FROM entry JOIN series ON series.id = entry.series "
            f"WHERE seq BETWEEN ? AND ? AND {among} LIMIT ?",
            (first, min(last, upto), most - len(out)),
        )
        out.extend(Kept(*row) for row in found)
    return out


def gap_bodies(epoch: int, removal: Removal, *, why: str = "disk_full") -> list[NewRecord]:
    """The records that tell it."""
    sensors = removal.sensors[:MOST_NAMED]
    return [
        NewRecord(
            "gap",
            {
                "reason": why,
                "epoch": epoch_text(epoch),
                "ranges": [list(one) for one in ranges],
                "from_ms": removal.from_ms,
                "to_ms": removal.to_ms,
                "sensors": sensors,
                "kept": "hourly" if removal.instead else "nothing",
            },
        )
        for ranges in in_pieces(removal.ranges)
    ]


def in_pieces(ranges: list[Range]) -> list[list[Range]]:
    """Few enough for one record each."""
    return [ranges[at : at + MOST_RANGES] for at in range(0, len(ranges), MOST_RANGES)]


def move_first(db: sqlite3.Connection, progress: Progress, state: EpochState) -> None:
    """Find out what the first entry is that is still kept of this epoch."""
    kept = db.execute("SELECT min(seq) FROM entry WHERE seq BETWEEN ? AND ?", (state.given, state.last)).fetchone()[0]
    progress.trimmed(state.epoch, state.last + 1 if kept is None else kept)


def room_bytes(db: sqlite3.Connection, path: Path) -> int:
    """What can still be written: free disk space, pages that are free within the file, and the write-ahead log over again."""
    disk = os.statvfs(path.parent)
    wal = path.with_name(path.name + "-wal")
    wal_bytes = wal.stat().st_size if wal.exists() else 0
    free_pages = db.execute("PRAGMA freelist_count").fetchone()[0]
    page_bytes = db.execute("PRAGMA page_size").fetchone()[0]
    return int(disk.f_bavail * disk.f_frsize + free_pages * page_bytes + wal_bytes)

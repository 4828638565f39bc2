"""Appends scans: identity is given here, and from the commit on a reading exists."""

import json
import sqlite3

from gateway.clock import Clock
from gateway.log.progress import Progress
from gateway.log.rows import Commit, NewRecord, Scan
from gateway.readings import Reading
from gateway.times import Anchor, settle
from wire.flags import Flag

_INSERT = (
    "INSERT INTO entry (seq, epoch, series, ms, value, flag, raw, boot_ns, original_ms, final, kind, body) "
    "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
)
MAX_BODY_BYTES = 16 * 1024


class LogUnavailableError(Exception):
    """Nothing was logged, and later it may work again. `reason` is disk_full or log_error."""

    def __init__(self, reason: str, detail: str) -> None:
        super().__init__(detail)
        self.reason = reason


class Writer:
    """One connection, used by one thread."""

    def __init__(self, db: sqlite3.Connection, progress: Progress, clock: Clock) -> None:
        self._db = db
        self._progress = progress
        self._clock = clock
        self._series: dict[tuple[str, str, str], int] = {
            (sensor, quantity, unit): number
            for number, sensor, quantity, unit in db.execute("SELECT id, sensor, quantity, unit FROM series")
        }

    def append(self, scan: Scan, anchor: Anchor | None) -> Commit:
        """Commit a scan. Its time is final at once when there is a fresh anchor. Raises LogUnavailableError, sqlite3.Error."""
        current = self._progress.current
        assert current is not None
        first = seq = current.last + 1
        ms, final = scan.moment.ms, False
        if anchor is not None and anchor.boot == self._clock.boot and anchor.fresh_at(scan.moment.boot_ns):
            ms, final = settle(anchor.offset_ms, scan.moment.ms, scan.moment.boot_ns), True
        original = scan.moment.ms if ms != scan.moment.ms else None
        added: dict[tuple[str, str, str], int] = {}
        try:
            self._db.execute("BEGIN IMMEDIATE")
            # Records first: a gap tells what was before these readings.
            for record in scan.records:
                free_ms = next_free_record_ms(self._db, record.kind, ms) if final else ms
                rest = (scan.moment.boot_ns, original, final, record.kind, body_text(record))
                self._db.execute(_INSERT, (seq, current.id, None, free_ms, None, None, None, *rest))
                seq += 1
            for reading in scan.readings:
                series = self._series_id(reading, added)
                free_ms = next_free_ms(self._db, series, ms) if final else ms
                flag = moved_flag(reading.flag) if free_ms != ms else reading.flag
                columns = (seq, current.id, series, free_ms, reading.value, flag, reading.raw)
                self._db.execute(_INSERT, (*columns, scan.moment.boot_ns, original, final, None, None))
                seq += 1
            self._db.execute("COMMIT")
        except BaseException as error:
            if self._db.in_transaction:
                self._db.execute("ROLLBACK")
            reason = passing_reason(error)
            if reason is not None:
                raise LogUnavailableError(reason, str(error)) from error
            raise
        self._series.update(added)
        self._progress.committed(first, seq - 1, self._clock.monotonic_s(), final)
        return Commit(first, seq - 1, self._clock.monotonic_s())

    def _series_id(self, reading: Reading, added: dict[tuple[str, str, str], int]) -> int:
        key = (reading.sensor, reading.quantity, reading.unit)
        number = self._series.get(key) or added.get(key)
        if number is None:
            number = self._db.execute("INSERT INTO series (sensor, quantity, unit) VALUES (?, ?, ?)", key).lastrowid
            assert number is not None
            added[key] = number
        return number


def next_free_ms(db: sqlite3.Connection, series: int, ms: int) -> int:
    """This millisecond, or the next one in which the series has no reading yet."""
    taken = "SELECT 1 FROM entry WHERE series = ? AND ms = ? AND final = 1"
    while db.execute(taken, (series, ms)).fetchone() is not None:
        ms += 1
    return ms


def next_free_record_ms(db: sqlite3.Connection, kind: str, ms: int) -> int:
    """The same for a record among those of its kind: the store keeps one of a gateway, a kind and a time."""
    taken = "SELECT 1 FROM entry WHERE kind = ? AND ms = ? AND final = 1"
    while db.execute(taken, (kind, ms)).fetchone() is not None:
        ms += 1
    return ms


def moved_flag(flag: int) -> int:
    """The flag of a reading whose time is not quite its own: suspect, unless it is worse already."""
    return int(Flag.SUSPECT) if flag in (Flag.PASS, Flag.NOT_EVALUATED) else flag


def body_text(record: NewRecord) -> str:
    """The body as it is kept. Raises ValueError when it is no JSON or too long."""
    text = json.dumps(record.body, separators=(",", ":"), allow_nan=False, ensure_ascii=False)
    if len(text) > MAX_BODY_BYTES:
        raise ValueError(f"a record of {len(text)} characters, at most {MAX_BODY_BYTES}")
    return text


_PASSING = {
    sqlite3.SQLITE_FULL: "disk_full",
    sqlite3.SQLITE_IOERR: "log_error",
    sqlite3.SQLITE_BUSY: "log_error",
    sqlite3.SQLITE_LOCKED: "log_error",
    sqlite3.SQLITE_READONLY: "log_error",
    sqlite3.SQLITE_CANTOPEN: "log_error",
}


def passing_reason(error: BaseException) -> str | None:
    """Why this may work later: the disk is full or went read-only, somebody else has the file locked. None: it will not."""
    return _PASSING.get(getattr(error, "sqlite_errorcode", -1) & 0xFF) if isinstance(error, sqlite3.Error) else None

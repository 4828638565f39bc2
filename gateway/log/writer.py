"""Appends scans: identity is given here, and from the commit on a reading exists."""

import json
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from gateway.clock import Clock
from gateway.log.gaps import RESTART, moved_gap
from gateway.log.progress import DROPPED, EpochState, Progress
from gateway.log.reader import write_settled
from gateway.log.rows import Commit, NewRecord, Scan
from gateway.log.thinning import Removal
from gateway.readings import Reading
from gateway.times import Anchor, moved_far, settle
from wire.flags import Flag

INSERT = (
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
            # A pause begins at the last reading before it, and that one's time may still have to be put right.
            final = not (self._progress.held and any(one.body.get("reason") == RESTART for one in scan.records))
            ms = settle(anchor.offset_ms, scan.moment.ms, scan.moment.boot_ns) if final else ms
        original = scan.moment.ms if ms != scan.moment.ms else None
        added: dict[tuple[str, str, str], int] = {}
        with self._transaction():
            # Records first: a gap tells what was before these readings.
            for record in scan.records:
                self._put_record(seq, current, record, scan.moment.boot_ns, ms, original, final=final)
                seq += 1
            for reading in scan.readings:
                self._put_reading(seq, current, reading, scan.moment.boot_ns, ms, original, added, final=final)
                seq += 1
        self._series.update(added)
        self._progress.committed(first, seq - 1, self._clock.monotonic_s(), final)
        return Commit(first, seq - 1, self._clock.monotonic_s())

    def remove(
        self, removal: Removal, state: EpochState | None, records: list[NewRecord], anchor: Anchor | None
    ) -> Commit:
        """Take readings of one epoch away, put what is kept of them in, and tell it in records: one transaction.

        Without `state` the readings are in another file: they go after this. Raises LogUnavailableError, sqlite3.Error.
        """
        current = self._progress.current
        assert current is not None
        now = self._clock.now()
        ms, final = now.ms, False
        if anchor is not None and anchor.boot == self._clock.boot and anchor.fresh_at(now.boot_ns):
            ms, final = settle(anchor.offset_ms, now.ms, now.boot_ns), True
        original = now.ms if ms != now.ms else None
        first = seq = current.last + 1
        added: dict[tuple[str, str, str], int] = {}
        with self._progress.settling:
            changes = [] if state is None else self._progress.settle(state.epoch, DROPPED, removal.ranges)
            try:
                with self._transaction():
                    for at_ms, reading in removal.instead:
                        self._put_reading(seq, current, reading, now.boot_ns, at_ms, None, added, final=True)
                        seq += 1
                    told = seq
                    for record in records:
                        self._put_record(seq, current, record, now.boot_ns, ms, original, final=final)
                        seq += 1
                    if state is not None:
                        self._db.executemany("DELETE FROM entry WHERE seq BETWEEN ? AND ?", removal.ranges)
                        write_settled(self._db, state.id, DROPPED, changes)
            except BaseException:
                if state is not None:
                    for one in removal.ranges:
                        self._progress.reopen(state.epoch, *one)
                raise
            with self._progress.lock:
                for one in removal.ranges if state is not None else ():
                    self._progress.held.remove(*one)
                self._progress.committed(first, seq - 1, self._clock.monotonic_s(), final=True)
                if not final and told < seq:
                    self._progress.held.add(told, seq - 1)
        self._series.update(added)
        return Commit(first, seq - 1, self._clock.monotonic_s())

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        try:
            self._db.execute("BEGIN IMMEDIATE")
            yield
            self._db.execute("COMMIT")
        except BaseException as error:
            if self._db.in_transaction:
                self._db.execute("ROLLBACK")
            reason = passing_reason(error)
            if reason is not None:
                raise LogUnavailableError(reason, str(error)) from error
            raise

    def _put_record(
        self,
        seq: int,
        epoch: EpochState,
        record: NewRecord,
        boot_ns: int,
        ms: int,
        original: int | None,
        *,
        final: bool,
    ) -> None:
        free_ms, body = ms, record.body
        if final:
            free_ms = next_free_record_ms(self._db, record.kind, ms)
            if record.kind == "gap":
                body = moved_gap(self._db, seq, body, 0 if original is None else ms - original)
        rest = (boot_ns, original, final, record.kind, body_of(body))
        self._db.execute(INSERT, (seq, epoch.id, None, free_ms, None, None, None, *rest))

    def _put_reading(
        self,
        seq: int,
        epoch: EpochState,
        reading: Reading,
        boot_ns: int,
        ms: int,
        original: int | None,
        added: dict[tuple[str, str, str], int],
        *,
        final: bool,
    ) -> None:
        series = self._series_id(reading, added)
        free_ms = next_free_ms(self._db, series, ms) if final else ms
        far = original is not None and moved_far(original, ms)
        flag = moved_flag(reading.flag) if far or free_ms != ms else reading.flag
        columns = (seq, epoch.id, series, free_ms, reading.value, flag, reading.raw)
        self._db.execute(INSERT, (*columns, boot_ns, original, final, None, None))

    @property
    def series_known(self) -> int:
        """How many series there are."""
        return len(self._series)

    @property
    def series(self) -> dict[int, tuple[str, str, str]]:
        """Sensor, quantity and unit of each series, by its row id."""
        return {number: key for key, number in self._series.items()}

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


def body_of(body: dict[str, Any]) -> str:
    """The body as it is kept. Raises ValueError when it is no JSON or too long."""
    text = json.dumps(body, separators=(",", ":"), allow_nan=False, ensure_ascii=False)
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

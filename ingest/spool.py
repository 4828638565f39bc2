"""The spool on disk: SQLite in WAL mode, every commit synced; one process, and one thread of it, writes.

A database that does not open, or whose pages are damaged, is a lost spool: it is set aside under another name and a new one
is begun, which the gateways refill from their logs.
"""

import fcntl
import json
import logging
import os
import sqlite3
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import IO, Self

from ingest.change import Change, Letter, Piece
from ingest.holding import Holding, Totals, read_holding
from ingest.received import ranges_text
from ingest.schema import (
    BUSY_TIMEOUT_S,
    CREATE,
    DEAD_PREFIX,
    FREE_MARGIN_BYTES,
    LETTER_BYTES,
    MOST_COUNTED,
    REPLAYED_KEPT,
    ROW_COLUMNS,
    SCHEMA_VERSION,
    UPGRADE_FROM_1,
    UPGRADE_FROM_2,
    WAL_BOUND_BYTES,
)

log = logging.getLogger(__name__)

VACUUM_AT_FREE_PAGES = 2048
"""8 MB: below this the file keeps its free pages, it will need them again soon."""
VACUUM_PAGES_A_STEP = 2048
"""A step takes some ten milliseconds, so that commits are not held up."""


class SpoolUnusableError(Exception):
    """The spool must be left alone: another process has it open, a newer ingest has written it, or it is not ours to open."""


class SpoolGoneError(SpoolUnusableError):
    """The file was deleted, replaced or unmounted under us: what is written now would be in no file."""


@dataclass(frozen=True, slots=True)
class Usage:
    """What the spool takes, after the last commit."""

    file_bytes: int
    free_bytes: int
    oldest_ms: int | None = None

    @property
    def disk_is_low(self) -> bool:
        """Whether intake must stop."""
        return self.free_bytes < WAL_BOUND_BYTES + FREE_MARGIN_BYTES


class Spool:
    """Open with `with`; all methods are for one thread at a time.

    `is_new`: the database was begun just now. `was_clean`: the last process set the value "clean" before it ended.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.is_new = False
        self.was_clean = True
        self.lost: Path | None = None
        self.totals = Totals()
        self._lock: IO[str] | None = None
        self._db: sqlite3.Connection | None = None
        self._inode: tuple[int, int] | None = None

    def __enter__(self) -> Self:
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            self._lock = self.path.with_suffix(".lock").open("a")
        except OSError as error:
            raise SpoolUnusableError(f"{error.filename} cannot be used: {error.strerror}") from error
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            self._lock.close()
            raise SpoolUnusableError(f"{self.path} is in use by another process") from error
        try:
            self._db = self._open()
            self._inode = self._inode_now()
        except BaseException:
            self._lock.close()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._db:
            self._db.close()
            self._db = None
        if self._lock:
            self._lock.close()

    def _inode_now(self) -> tuple[int, int]:
        try:
            found = self.path.stat()
        except OSError as error:
            raise SpoolGoneError(f"the spool {self.path} is gone while it is in use: {error.strerror}") from error
        return found.st_dev, found.st_ino

    @property
    def _open_db(self) -> sqlite3.Connection:
        if self._db is None:
            raise RuntimeError("the spool is not open")
        return self._db

    def _open(self) -> sqlite3.Connection:
        if self.path.exists():
            db = None
            try:
                db = _connect(self.path)
                if db.execute("SELECT count(*) FROM sqlite_schema").fetchone()[0] == 0:
                    return self._begin(db)  # killed before the first transaction
                self._check(db)
            except sqlite3.DatabaseError as error:
                if db:
                    db.close()
                if isinstance(error, sqlite3.OperationalError) and not _is_damage(error):
                    raise SpoolUnusableError(f"{self.path} cannot be used: {error}") from error
                self.lost = _set_file_aside(self.path)
                log.error("the spool is damaged (%s): set aside as %s, a new one is begun", error, self.lost)
            else:
                version = db.execute("PRAGMA user_version").fetchone()[0]
                if version < 2:
                    db.executescript(UPGRADE_FROM_1)
                if version < SCHEMA_VERSION:
                    db.executescript(UPGRADE_FROM_2)
                db.execute("UPDATE meta SET value = '0' WHERE key = 'clean'")
                return db
        return self._begin(_connect(self.path))

    def _begin(self, db: sqlite3.Connection) -> sqlite3.Connection:
        db.executescript(CREATE)
        _sync_folder(self.path.parent)
        self.is_new = True
        return db

    def _check(self, db: sqlite3.Connection) -> None:
        version = db.execute("PRAGMA user_version").fetchone()[0]
        if version > SCHEMA_VERSION:
            db.close()
            raise SpoolUnusableError(f"{self.path} has schema version {version}, this ingest reads {SCHEMA_VERSION}")
        row = db.execute("SELECT value FROM meta WHERE key = 'clean'").fetchone()
        self.was_clean = row is not None and row[0] == "1"
        if not self.was_clean:
            found = db.execute("PRAGMA quick_check(1)").fetchone()[0]
            if found != "ok":
                raise sqlite3.DatabaseError(found)

    # what a start needs

    def next_id(self) -> int:
        """An id above all that are in use."""
        query = "SELECT max(ifnull((SELECT max(id) FROM spool), 0), ifnull((SELECT max(id) FROM set_aside), 0))"
        return int(self._open_db.execute(query).fetchone()[0]) + 1

    def load(self) -> Holding:
        """What the database holds: what was received, and the totals."""
        holding = read_holding(self._open_db)
        self.totals = holding.totals
        return holding

    def meta(self, key: str) -> str | None:
        """A remembered value."""
        row = self._open_db.execute("SELECT value FROM meta WHERE key = ?", (key,)).fetchone()
        return None if row is None else str(row[0])

    def judge_suspects(self) -> set[str]:
        """Digests named by two deaths in a row. Call it once, after an unclean stop, before any mark is made."""
        db = self._open_db
        db.execute("BEGIN IMMEDIATE")
        db.execute("UPDATE suspects SET deaths = deaths + 1 WHERE in_hand = 1")
        db.execute("DELETE FROM suspects WHERE in_hand = 0 AND deaths < 2")
        db.execute("UPDATE suspects SET in_hand = 0")
        db.execute("COMMIT")
        return self.poison()

    def poison(self) -> set[str]:
        """Digests that are refused undecoded."""
        return {row[0] for row in self._open_db.execute("SELECT digest FROM suspects WHERE deaths >= 2")}

    # changing it

    def commit(self, changes: list[Change], now_ms: int) -> None:
        """Make these changes durable, all together. Raises sqlite3.Error, then none of them is.

        Raises SpoolGoneError when the file at our path is not the one that is open.
        """
        db = self._open_db
        if self._inode_now() != self._inode:
            raise SpoolGoneError(f"the spool {self.path} was replaced while it is in use")
        db.execute("BEGIN IMMEDIATE")
        letter_bytes = 0
        try:
            for change in changes:
                letter_bytes += _apply(db, change, now_ms)
            db.execute("COMMIT")
        except BaseException:
            if db.in_transaction:
                db.execute("ROLLBACK")
            raise
        for change in changes:
            self.totals.add(change)
        self.totals.letter_bytes += letter_bytes
        wal = self.path.with_name(self.path.name + "-wal")
        if wal.stat().st_size > WAL_BOUND_BYTES:  # a reader kept SQLite's own checkpoint from beginning anew
            db.execute("PRAGMA wal_checkpoint(TRUNCATE)")

    def tidy(self) -> bool:
        """Give free pages back to the disk, some at a time; True when there is more to give back."""
        db = self._open_db
        free = int(db.execute("PRAGMA freelist_count").fetchone()[0])
        if free <= VACUUM_AT_FREE_PAGES:
            return False
        db.executescript(f"PRAGMA incremental_vacuum({VACUUM_PAGES_A_STEP})")  # execute() would free one page
        return free - VACUUM_PAGES_A_STEP > VACUUM_AT_FREE_PAGES

    def oldest_ms(self) -> int | None:
        """When the oldest waiting message came."""
        row = self._open_db.execute("SELECT received_ms FROM spool ORDER BY id LIMIT 1").fetchone()
        return None if row is None else int(row[0])

    def usage(self) -> Usage:
        """Bytes taken and bytes left."""
        disk = os.statvfs(self.path.parent)
        size = sum(
            path.stat().st_size for path in (self.path, self.path.with_name(self.path.name + "-wal")) if path.exists()
        )
        return Usage(size, disk.f_bavail * disk.f_frsize, self.oldest_ms())


def _connect(path: Path) -> sqlite3.Connection:
    db = sqlite3.connect(path, isolation_level=None, check_same_thread=False, timeout=BUSY_TIMEOUT_S)
    db.execute("PRAGMA auto_vacuum = INCREMENTAL")  # counts for a new file only, and only before anything is written
    db.execute("PRAGMA journal_mode = WAL")
    db.execute("PRAGMA synchronous = FULL")
    db.execute(f"PRAGMA journal_size_limit = {WAL_BOUND_BYTES}")
    db.execute("PRAGMA cell_size_check = ON")
    db.execute("PRAGMA cache_size = -4096")
    return db


def _is_damage(error: sqlite3.Error) -> bool:
    return getattr(error, "sqlite_errorcode", None) in (
        sqlite3.SQLITE_CORRUPT,
        sqlite3.SQLITE_NOTADB,
        sqlite3.SQLITE_ERROR,
    )


def _set_file_aside(path: Path) -> Path:
    """Rename the database and its WAL; the first free name of path.damaged-1, -2 ..."""
    number = 1
    while (aside := path.with_name(f"{path.name}.damaged-{number}")).exists():
        number += 1
    for ending in ("-wal", "-shm", ""):
        part = path.with_name(path.name + ending)
        if part.exists():
            part.rename(aside.with_name(aside.name + ending))
    _sync_folder(path.parent)
    return aside


def _sync_folder(folder: Path) -> None:
    """Make the new name durable: SQLite syncs files, not folders."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _apply(db: sqlite3.Connection, change: Change, now_ms: int) -> int:
    """Carry a change out; how many bytes more the dead letters take after it."""
    letter_bytes = 0
    if change.rows:
        db.executemany(f"INSERT INTO spool ({ROW_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?)", change.rows)
    if change.trimmed:
        db.executemany("DELETE FROM spool WHERE id = ?", [(row_id,) for row_id in change.trimmed])
    for row_id, why in change.set_aside:
        db.execute(f"INSERT INTO set_aside SELECT {ROW_COLUMNS}, ?, ? FROM spool WHERE id = ?", (now_ms, why, row_id))
        db.execute("DELETE FROM spool WHERE id = ?", (row_id,))
    _move(db, "settled", change.settled_drop, change.settled_put)
    _move(db, "exported", change.exported_drop, change.exported_put)
    _move(db, "gone", change.gone_drop, change.gone_put)
    if change.letters_gone:
        letter_bytes -= _delete_letters(db, change.letters_gone)
    for letter in change.letters:
        letter_bytes += _insert_letter(db, letter)
        _count(db, [(DEAD_PREFIX + letter.reason.value, 1)])
    for letter in change.kept_letters:
        letter_bytes += _insert_letter(db, letter)
    for again in change.refused_again:
        db.execute(
            "UPDATE letters SET reason = ?2, detail = ?3, replays = replays + 1, replayed_ms = ?4 WHERE id = ?1",
            (again.letter, again.reason.value, again.detail, again.replayed_ms),
        )
    if change.replayed:
        db.executemany("INSERT INTO replayed VALUES (NULL, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", change.replayed)
        db.execute(f"DELETE FROM replayed WHERE id <= (SELECT max(id) FROM replayed) - {REPLAYED_KEPT}")
    if change.tallies:
        _count(db, [(name, min(number, MOST_COUNTED)) for name, number in change.tallies.items()])
    if change.repeated_letters:
        db.executemany(
            "UPDATE letters SET count = count + 1, last_ms = ?2 WHERE key = ?1",
            change.repeated_letters,
        )
    if change.counts:
        _count(db, [(name.value, number) for name, number in change.counts.items() if number])
    if change.marks:
        db.executemany(
            "INSERT INTO suspects VALUES (?, 0, 1) ON CONFLICT (digest) DO UPDATE SET in_hand = 1",
            [(digest,) for digest in change.marks],
        )
    if change.unmarks:
        db.executemany("DELETE FROM suspects WHERE digest = ?", [(digest,) for digest in change.unmarks])
    if change.meta:
        db.executemany("INSERT OR REPLACE INTO meta VALUES (?, ?)", list(change.meta.items()))
    return letter_bytes


def _move(db: sqlite3.Connection, table: str, drop: list[Piece], put: list[Piece]) -> None:
    """Take pieces out and put others in. One statement for all that is put in: each that runs may wait for the event loop."""
    if drop:
        stays = {piece[:3] for piece in put}
        db.executemany(
            f"DELETE FROM {table} WHERE gateway = ? AND epoch = ? AND first = ?",
            [piece[:3] for piece in drop if piece[:3] not in stays],
        )
    if put:
        db.execute(
            f"INSERT OR REPLACE INTO {table} SELECT json_extract(value, '$[0]'), json_extract(value, '$[1]'),"
            " json_extract(value, '$[2]'), json_extract(value, '$[3]') FROM json_each(?)",
            (json.dumps(put),),
        )


def _delete_letters(db: sqlite3.Connection, ids: list[int]) -> int:
    """Take letters away, and the payloads that no letter has any more; the bytes that they took."""
    size = 0
    digests: set[str] = set()
    for letter_id in ids:
        row = db.execute("SELECT bytes, digest FROM letters WHERE id = ?", (letter_id,)).fetchone()
        if row is not None:
            size += row[0]
            digests.add(row[1])
            db.execute("DELETE FROM letters WHERE id = ?", (letter_id,))
    db.executemany(
        "DELETE FROM payloads WHERE digest = ?1 AND NOT EXISTS (SELECT 1 FROM letters WHERE digest = ?1)",
        [(digest,) for digest in digests],
    )
    return size


def _insert_letter(db: sqlite3.Connection, letter: Letter) -> int:
    """Put a letter in; the bytes that it takes, its payload with the first letter that has it."""
    known = db.execute("SELECT 1 FROM letters WHERE digest = ? LIMIT 1", (letter.digest,)).fetchone()
    size = LETTER_BYTES + (0 if known else len(letter.payload))
    db.execute("INSERT OR IGNORE INTO payloads VALUES (?, ?)", (letter.digest, letter.payload))
    db.execute(
        "INSERT INTO letters (key, reason, detail, topic, content_type, received_ms, last_ms, count, gateway, epoch,"
        " ranges, sensor, readings, digest, bytes) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
        " ON CONFLICT (key) DO UPDATE SET count = count + 1, last_ms = excluded.last_ms",
        (
            letter.key,
            letter.reason.value,
            letter.detail,
            letter.topic,
            letter.content_type,
            letter.received_ms,
            letter.last_ms or letter.received_ms,
            letter.count,
            letter.gateway,
            letter.epoch,
            ranges_text(letter.ranges),
            letter.sensor,
            letter.readings,
            letter.digest,
            size,
        ),
    )
    return size


def _count(db: sqlite3.Connection, counts: list[tuple[str, int]]) -> None:
    # "WHERE true", or SQLite would take ON for a part of a join.
    db.execute(
        "INSERT INTO counters SELECT json_extract(value, '$[0]'), json_extract(value, '$[1]') FROM json_each(?) WHERE true"
        f" ON CONFLICT (name) DO UPDATE SET value = min(value + excluded.value, {MOST_COUNTED})",
        (json.dumps(counts),),
    )

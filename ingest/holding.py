"""Reads the spool's database: what it holds at a start, and its rows in order for the drain."""

import sqlite3
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from ingest.body import BodyError
from ingest.change import Change, Piece, Row
from ingest.group_body import messages_of
from ingest.received import Logs, parse_ranges
from ingest.schema import BUSY_TIMEOUT_S, DEAD_PREFIX, MOST_COUNTED, ROW_COLUMNS
from wire.names import MAX_EPOCH, MAX_SEQ
from wire.ranges import Range


@dataclass(slots=True)
class Totals:
    """What is in the database after the last commit, without asking it."""

    counters: dict[str, int] = field(default_factory=dict)
    rows: int = 0
    bytes: int = 0
    letters: int = 0
    letter_bytes: int = 0

    def add(self, change: Change) -> None:
        """This change was committed."""
        self.rows += len(change.rows) - len(change.trimmed) - len(change.set_aside)
        self.bytes += sum(len(row.body) for row in change.rows) - change.gone_bytes
        self.letters += len(change.letters) + len(change.kept_letters) - len(change.letters_gone)
        for name, number in change.counts.items():
            self.counters[name.value] = self.counters.get(name.value, 0) + number
        for tally, number in change.tallies.items():
            self.counters[tally] = min(self.counters.get(tally, 0) + number, MOST_COUNTED)
        for letter in change.letters:
            name_of = DEAD_PREFIX + letter.reason.value
            self.counters[name_of] = self.counters.get(name_of, 0) + 1


@dataclass(slots=True)
class Holding:
    """What was received, as the database knows it, and the totals. `damaged` rows are readable by nobody."""

    received: Logs = field(default_factory=Logs)
    settled: Logs = field(default_factory=Logs)
    exported: Logs = field(default_factory=Logs)
    gone: Logs = field(default_factory=Logs)
    """What gateways say they no longer have."""
    dead_keys: set[str] = field(default_factory=set)
    totals: Totals = field(default_factory=Totals)
    damaged: int = 0
    unreadable: int = 0
    """Other rows with a flipped bit, left out: what they named is received again. A letter is kept all the same."""


def read_holding(db: sqlite3.Connection) -> Holding:
    """Read all that a start needs. A row whose checksum is wrong is no receipt for anything."""
    holding = Holding()
    totals, received = holding.totals, holding.received
    factory, db.text_factory = db.text_factory, _lenient
    try:
        for gateway, epoch, first, last in _pieces(db, "settled", holding):
            holding.settled.of(gateway, epoch).add(first, last)
            received.of(gateway, epoch).add(first, last)
        for gateway, epoch, first, last in _pieces(db, "exported", holding):
            holding.exported.of(gateway, epoch).add(first, last)
            received.of(gateway, epoch).add(first, last)
        for gateway, epoch, first, last in _pieces(db, "gone", holding):
            holding.gone.of(gateway, epoch).add(first, last)
        for fields in db.execute(f"SELECT {ROW_COLUMNS} FROM spool ORDER BY id"):
            row = Row(*fields)
            totals.rows += 1
            totals.bytes += len(row.body) if isinstance(row.body, bytes) else 0
            try:
                messages = messages_of(row) if row.whole else None
            except (BodyError, ValueError):
                messages = None
            if messages is None:
                holding.damaged += 1
                continue
            for gateway, epoch, ranges, _ in messages:
                received.add(gateway, epoch, ranges)
        for gateway, epoch, ranges, key, size in db.execute("SELECT gateway, epoch, ranges, key, bytes FROM letters"):
            totals.letters += 1
            totals.letter_bytes += size if isinstance(size, int) else 0
            if epoch is None:
                holding.dead_keys.add(key)
                continue
            named = _ranges(gateway, epoch, ranges)
            if named is None:
                holding.unreadable += 1
            else:
                received.add(gateway, epoch, named)
        for name, value in db.execute("SELECT name, value FROM counters"):
            if isinstance(value, int):
                totals.counters[name] = value
            else:
                holding.unreadable += 1
    finally:
        db.text_factory = factory
    return holding


def _pieces(db: sqlite3.Connection, table: str, holding: Holding) -> Iterator[Piece]:
    for gateway, epoch, first, last in db.execute(f"SELECT gateway, epoch, first, last FROM {table}"):
        if _is_sound(gateway, epoch, first, last):
            yield gateway, epoch, first, last
        else:
            holding.unreadable += 1


def _ranges(gateway: object, epoch: object, text: object) -> list[Range] | None:
    """The ranges of a letter; None when they cannot be read."""
    try:
        named = parse_ranges(text) if isinstance(text, str) else None
    except ValueError:
        return None
    if named is None or not all(_is_sound(gateway, epoch, first, last) for first, last in named):
        return None
    return named


def _is_sound(gateway: object, epoch: object, first: object, last: object) -> bool:
    """A flipped bit turns numbers into others, and into other types; SQLite stores both."""
    if not (isinstance(gateway, str) and isinstance(epoch, int) and isinstance(first, int) and isinstance(last, int)):
        return False
    return 0 <= epoch <= MAX_EPOCH and 0 <= first <= last <= MAX_SEQ


class SpoolReader:
    """Reads the spool beside the thread that writes it."""

    def __init__(self, path: Path) -> None:
        self._one_at_a_time = threading.Lock()
        self._db = sqlite3.connect(
            f"file:{path}?mode=ro", uri=True, isolation_level=None, check_same_thread=False, timeout=BUSY_TIMEOUT_S
        )

    def after(self, row_id: int, most_rows: int, most_bytes: int) -> list[Row]:
        """The next rows in order: at least one if there is one, then as many as these bounds allow."""
        with self._one_at_a_time:
            try:
                return self._after(row_id, most_rows, most_bytes)
            except sqlite3.OperationalError:
                if self._db.text_factory is _lenient:
                    raise
                self._db.text_factory = _lenient  # a flipped bit in a text column; the checksum will say so
                return self._after(row_id, most_rows, most_bytes)

    def _after(self, row_id: int, most_rows: int, most_bytes: int) -> list[Row]:
        out: list[Row] = []
        size = 0
        cursor = self._db.execute(
            f"SELECT {ROW_COLUMNS} FROM spool WHERE id > ? ORDER BY id LIMIT ?", (row_id, most_rows)
        )
        for fields in cursor:
            row = Row(*fields)
            out.append(row)
            size += len(row.body) if isinstance(row.body, bytes) else 0
            if size >= most_bytes:
                break
        cursor.close()  # an open read would keep the WAL from being reused
        return out

    def holding(self) -> Holding:
        """What the database holds now, as one snapshot."""
        with self._one_at_a_time:
            self._db.execute("BEGIN")
            try:
                return read_holding(self._db)
            finally:
                self._db.execute("ROLLBACK")

    def close(self) -> None:
        """Close the connection."""
        with self._one_at_a_time:
            self._db.close()


def _lenient(text: bytes) -> str:
    return text.decode(errors="replace")

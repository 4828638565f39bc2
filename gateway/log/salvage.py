"""Salvages a damaged log: reads its pages one by one, and writes the rows that can be read into a log of their own.

Rows keep their identity. What was logged, was not settled and cannot be read is a hole, to be told in a `gap`. A row from a
page in which something else was amiss is salvaged with the flag suspect.
"""

import os
import shutil
import sqlite3
from collections.abc import Generator
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

from gateway.log.aside import Names, names_path, read_names
from gateway.log.pages import Page, Value, committed_pages, page_bytes, read_cells
from gateway.log.progress import DROPPED, REASONS
from gateway.log.schema import create
from gateway.log.writer import INSERT, moved_flag
from wire.flags import Flag
from wire.names import MAX_EPOCH, MAX_SEQ, is_id
from wire.ranges import Range, RangeSet

PAGES_A_STEP = 32
_FLAGS = {int(flag) for flag in Flag}
_Row = tuple[Value, ...]
_T = TypeVar("_T")


@dataclass(slots=True)
class Salvaged:
    """What came of it."""

    rows: int = 0
    suspect: int = 0
    nameless: int = 0
    """Rows that could be read, but of which epoch or sensor is not known any more."""
    holes: list[tuple[int, list[Range]]] = field(default_factory=list)
    """By epoch: what was logged, is not settled, and is lost."""

    @property
    def lost(self) -> int:
        """How many numbers are in the holes."""
        return sum(last - first + 1 for _, ranges in self.holes for first, last in ranges)


class _File:
    """The pages of a damaged file, those of its write-ahead log in place of older ones."""

    def __init__(self, path: Path) -> None:
        self._file = path.open("rb")
        self.page_bytes = page_bytes(self._file.read(100))
        wal = path.with_name(path.name + "-wal")
        self._newer = dict(committed_pages(wal.read_bytes())) if wal.exists() else {}
        pages = -(-path.stat().st_size // self.page_bytes)
        self.pages = max([pages, *self._newer])

    def page(self, number: int) -> bytes | None:
        """A page; the last one of a file that was cut short is filled with zeros."""
        newer = self._newer.get(number)
        if newer is not None:
            return newer
        if number < 1:
            return None
        try:
            data = os.pread(self._file.fileno(), self.page_bytes, (number - 1) * self.page_bytes)
        except OSError:
            return None  # a bad place of the card
        return data.ljust(self.page_bytes, b"\0") if data else None

    def cells(self, number: int, most: int | None = None) -> Page | None:
        """What a page holds, None when it holds no rows."""
        data = self.page(number)
        return None if data is None else read_cells(number, data, self.page, most)

    def close(self) -> None:
        """Close it."""
        self._file.close()


class Salvage:
    """One damaged file, taken step by step. `result` is complete once the steps are through."""

    def __init__(self, damaged: Path, target: Path, gateway: str, *, lean: bool = False) -> None:
        """`lean`: what was delivered already is left behind, for want of room."""
        self._damaged = damaged
        self._target = target
        self._gateway = gateway
        self._lean = lean
        self.result = Salvaged()
        self._names = Names()
        self._doubtful = Names()
        """From pages that are not whole, or kept beside the log: taken where nothing better is known."""
        self._boots: dict[int, _Row] = {}
        self._epoch_rows: dict[int, tuple[int, int]] = {}
        """By row id: the boot's row id, and when it was opened."""
        self._settled: dict[int, dict[str, RangeSet]] = {}
        self._seen = RangeSet()
        """Numbers that indexes name."""
        self._doubts: set[int] = set()

    def steps(self) -> Generator[None, None, None]:
        """Do one small step after the other. Raises OSError and sqlite3.Error: the disk is full, or cannot be read."""
        self._target.unlink(missing_ok=True)
        with closing(_File(self._damaged)) as file, closing(_new_log(self._target, self._gateway)) as db:
            for at in range(1, file.pages + 1, PAGES_A_STEP):
                for number in range(at, min(at + PAGES_A_STEP, file.pages + 1)):
                    self._learn(file, number)
                yield
            self._take_names()
            for at in range(1, file.pages + 1, PAGES_A_STEP):
                db.execute("BEGIN")
                for number in range(at, min(at + PAGES_A_STEP, file.pages + 1)):
                    self._copy(file, number, db)
                db.execute("COMMIT")
                yield
            self._finish(db)
        with self._target.open("rb") as whole:
            os.fsync(whole.fileno())

    # -- first round: what the numbers stand for, and what is settled

    def _learn(self, file: _File, number: int) -> None:
        page = file.cells(number, most=1)
        if page is None or (page.table and page.cells and len(page.cells[0][1]) == _ENTRY_COLUMNS):
            return  # readings: their turn comes
        page = file.cells(number)
        assert page is not None
        names = self._names if page.whole else self._doubtful
        for rowid, row in page.cells:
            if page.table:
                self._learn_row(names, rowid, row)
            else:
                self._learn_key(names, row, whole=page.whole)

    def _learn_row(self, names: Names, rowid: int, row: _Row) -> None:
        match row:
            case (None, int(epoch), int(first), int(boot), int(opened)) if 0 <= epoch <= MAX_EPOCH and first > 0:
                names.epochs[rowid] = (epoch, first)
                self._epoch_rows[rowid] = (boot, opened)
            case (None, str(sensor), str(quantity), str(unit)) if is_id(sensor) and is_id(quantity):
                names.series[rowid] = (sensor, quantity, unit)
            case (None, str(), _, _, _, _):
                self._boots[rowid] = row[1:]

    def _learn_key(self, names: Names, row: _Row, *, whole: bool) -> None:
        match row:
            case (int(epoch_id), str(why), int(first), int(last)) if why in REASONS and 0 < first <= last <= MAX_SEQ:
                if whole:
                    ranges = self._settled.setdefault(epoch_id, {})
                    ranges.setdefault(why, RangeSet()).add(first, last)
            case (str(sensor), str(quantity), str(unit), int(rowid)) if is_id(sensor) and is_id(quantity):
                names.series.setdefault(rowid, (sensor, quantity, unit))
            case (int(epoch), int(rowid)) if epoch != rowid and 0 <= epoch <= MAX_EPOCH:
                self._doubtful.epochs.setdefault(rowid, (epoch, 0))
            case (int() | str(), int(), int(seq)) if whole and 0 < seq <= MAX_SEQ:
                self._seen.add(seq)

    def _take_names(self) -> None:
        kept = read_names(names_path(self._damaged))
        for names in (kept, self._doubtful):
            self._names.epochs = _known(self._names.epochs, names.epochs)
            self._names.series = _known(self._names.series, names.series)

    # -- second round: the rows

    def _copy(self, file: _File, number: int, db: sqlite3.Connection) -> None:
        page = file.cells(number)
        if page is None or not page.table:
            return
        for seq, row in page.cells:
            if len(row) == _ENTRY_COLUMNS:
                entry = _entry(seq, row)
                if entry is not None:
                    self._put(db, entry, page.whole)

    def _put(self, db: sqlite3.Connection, entry: "_Entry", whole: bool) -> None:
        known = self._names.epochs.get(entry.epoch_id)
        if (
            known is None
            or entry.seq < known[1]
            or (entry.series is not None and entry.series not in self._names.series)
        ):
            self.result.nameless += 1
            return
        if self._lean and any(entry.seq in one for one in self._settled.get(entry.epoch_id, {}).values()):
            return
        before = db.execute("SELECT final FROM entry WHERE seq = ?", (entry.seq,)).fetchone()
        # Pages that were freed may hold a row as it was before its time was put right.
        if before is not None and (before[0], entry.seq not in self._doubts) >= (entry.final, whole):
            return
        row = list(entry.row)
        if not whole and entry.flag is not None:
            row[5] = moved_flag(entry.flag)
        try:
            db.execute(INSERT.replace("INSERT", "INSERT OR REPLACE" if before else "INSERT", 1), row)
        except sqlite3.IntegrityError:
            return  # what cannot stand beside the others is no row of this log: a hole
        self._doubts.discard(entry.seq)
        if not whole:
            self._doubts.add(entry.seq)

    def _finish(self, db: sqlite3.Connection) -> None:
        db.execute("BEGIN")
        found: dict[int, RangeSet] = {}
        for seq, epoch_id in db.execute("SELECT seq, epoch FROM entry ORDER BY seq"):
            found.setdefault(epoch_id, RangeSet()).add(seq)
            self.result.rows += 1
        self.result.suspect = len(self._doubts)
        for number, series in self._names.series.items():
            db.execute("INSERT OR IGNORE INTO series VALUES (?, ?, ?, ?)", (number, *series))
        firsts = self._firsts(found)
        newest = max([self._seen.highest or 0, *(rows.highest or 0 for rows in found.values())])
        for at, (epoch_id, first) in enumerate(firsts):
            last = firsts[at + 1][1] - 1 if at + 1 < len(firsts) else newest
            stray = "DELETE FROM entry WHERE epoch = ? AND NOT seq BETWEEN ? AND ?"
            if gone := db.execute(stray, (epoch_id, first, last)).rowcount:
                self._not_placed(gone)
                found[epoch_id] = RangeSet.of(_numbers(db, epoch_id))
            self._finish_epoch(db, epoch_id, first, last, found.get(epoch_id, RangeSet()))
        self._not_placed(db.execute("DELETE FROM entry WHERE epoch NOT IN (SELECT id FROM epoch)").rowcount)
        db.execute("COMMIT")

    def _not_placed(self, rows: int) -> None:
        self.result.rows -= rows
        self.result.nameless += rows

    def _firsts(self, found: dict[int, RangeSet]) -> list[tuple[int, int]]:
        """The epochs with the first number given in each; where that is not known, the first that was found."""
        out: list[tuple[int, int]] = []
        for epoch_id in sorted(self._names.epochs):
            first = self._names.epochs[epoch_id][1] or (found[epoch_id].lowest if epoch_id in found else None)
            if first is not None and (not out or first >= out[-1][1]):
                out.append((epoch_id, first))
        return out

    def _finish_epoch(self, db: sqlite3.Connection, epoch_id: int, first: int, last: int, found: RangeSet) -> None:
        epoch = self._names.epochs[epoch_id][0]
        boot, opened = self._epoch_rows.get(epoch_id, (0, 0))
        name, *rest = self._boots.get(boot) or (f"lost-{boot}", None, None, None, None)
        db.execute("INSERT OR IGNORE INTO boot VALUES (?, ?, ?, ?, ?, ?)", (boot, name, *rest))
        db.execute("INSERT OR IGNORE INTO epoch VALUES (?, ?, ?, ?, ?)", (epoch_id, epoch, first, boot, opened))
        settled = self._settled.get(epoch_id, {})
        done = found.copy()
        for ranges in settled.values():
            done.update(ranges)
        holes = done.missing(first, last) if last >= first else []
        if holes:
            self.result.holes.append((epoch, holes))
            settled.setdefault(DROPPED, RangeSet()).update(holes)
        for why, ranges in settled.items():
            db.executemany("INSERT INTO settled VALUES (?, ?, ?, ?)", [(epoch_id, why, *one) for one in ranges])


@dataclass(frozen=True, slots=True)
class _Entry:
    seq: int
    epoch_id: int
    series: int | None
    flag: int | None
    final: int
    row: _Row


_ENTRY_COLUMNS = 12


def _entry(seq: int, row: _Row) -> _Entry | None:
    """The row of the log in this cell, if it is one."""
    match row:
        case (None, int(epoch_id), int(series), int(), _, int(flag), _, int(), _, 0 | 1 as final, None, None) if (
            flag in _FLAGS
            and all(one is None or isinstance(one, (int, float)) for one in (row[4], row[6]))
            and (row[4] is None) == (flag == Flag.MISSING)
        ):
            entry = _Entry(seq, epoch_id, series, flag, int(final), (seq, *row[1:]))
        case (None, int(epoch_id), None, int(), None, None, None, int(), _, 0 | 1 as final, str(), str()):
            entry = _Entry(seq, epoch_id, None, None, int(final), (seq, *row[1:]))
        case _:
            return None
    return entry if 0 < seq <= MAX_SEQ and isinstance(row[8], (int, type(None))) else None


def _numbers(db: sqlite3.Connection, epoch_id: int) -> list[int]:
    return [seq for (seq,) in db.execute("SELECT seq FROM entry WHERE epoch = ?", (epoch_id,))]


def _known(better: dict[int, _T], worse: dict[int, _T]) -> dict[int, _T]:
    return {**worse, **better}


def _new_log(path: Path, gateway: str) -> sqlite3.Connection:
    db = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
    db.execute("PRAGMA auto_vacuum = FULL")  # what is taken away later gives its room back
    db.execute("PRAGMA journal_mode = OFF")  # half of it is worth nothing: it is begun anew
    db.execute("PRAGMA synchronous = OFF")
    create(db, gateway)
    return db


def must_be_lean(damaged: Path, reserve_bytes: int) -> bool:
    """Whether there is too little room for another file of that size."""
    return shutil.disk_usage(damaged.parent).free < reserve_bytes + 2 * damaged.stat().st_size

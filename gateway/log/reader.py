"""The uplink's side of the log: rows to send, and what has become of them."""

import json
import sqlite3
from collections.abc import Iterable
from typing import Any

from gateway.log.progress import RECEIPT, REFUSED, Progress
from gateway.log.rows import Row
from wire.ranges import Range

ROWS = (
    "SELECT seq, ms, sensor, quantity, unit, value, flag, raw, kind, body "
    "FROM entry LEFT JOIN series ON series.id = entry.series "
)

_Work = list[tuple[int, str, list[tuple[str, Range]]]]
"""How the table of what is settled changes: epoch's row, reason, changes."""


class Reader:
    """One connection, used by one thread."""

    def __init__(self, db: sqlite3.Connection, progress: Progress) -> None:
        self._db = db
        self._progress = progress

    def rows(self, ranges: Iterable[Range], most: int) -> list[Row]:
        """The first `most` entries in these ranges whose time is final, in order."""
        out: list[Row] = []
        for first, last in ranges:
            if len(out) >= most:
                break
            found = self._db.execute(
                ROWS + "WHERE seq BETWEEN ? AND ? AND final = 1 ORDER BY seq LIMIT ?", (first, last, most - len(out))
            )
            out.extend(to_row(row) for row in found)
        return out

    def present(self, first: int, last: int) -> list[int]:
        """Which of these numbers the log has."""
        return [seq for (seq,) in self._db.execute("SELECT seq FROM entry WHERE seq BETWEEN ? AND ?", (first, last))]

    def time_of(self, seq: int) -> int | None:
        """The time of an entry."""
        row = self._db.execute("SELECT ms FROM entry WHERE seq = ?", (seq,)).fetchone()
        return None if row is None else int(row[0])

    def receipt(self, durable: dict[int, list[Range]]) -> int:
        """The centre has these; the answer is how many of them were not settled before."""
        with self._progress.settling:
            with self._progress.lock:
                before = self._done()
                work = self._in_memory(RECEIPT, durable)
                new = self._done() - before
            self._on_disk(work)
        return new

    def _done(self) -> int:
        return sum(state.done.size for state in self._progress.epochs.values())

    def refuse(self, epoch: int, ranges: list[Range], digest: str, reason: str, detail: str, ms: int) -> None:
        """The centre will not take these, named by the digest of the message they were in."""
        self._db.execute("INSERT OR REPLACE INTO refused VALUES (?, ?, ?, ?)", (digest, ms, reason, detail[:500]))
        self._settle(REFUSED, {epoch: ranges})

    def reopen(self, epoch: int, ranges: list[Range]) -> None:
        """Send these again, as if they had never been receipted."""
        state = self._progress.epochs[epoch]
        stamps = "FROM stamp WHERE epoch = ? AND first <= ? AND last >= ?"
        work: _Work = []
        with self._progress.settling:
            for first, last in ranges:
                work += [(state.id, why, changes) for why, changes in self._progress.reopen(epoch, first, last).items()]
                for stamped in self._db.execute(f"SELECT first, last {stamps}", (state.id, last, first)).fetchall():
                    state.stamped.remove(*stamped)
                self._db.execute(f"DELETE {stamps}", (state.id, last, first))
            self._on_disk(work)

    def settle(self, why: str, epoch: int, ranges: list[Range]) -> None:
        """Mark ranges as settled for this reason."""
        self._settle(why, {epoch: ranges})

    def _settle(self, why: str, by_epoch: dict[int, list[Range]]) -> None:
        with self._progress.settling:
            self._on_disk(self._in_memory(why, by_epoch))

    def _in_memory(self, why: str, by_epoch: dict[int, list[Range]]) -> _Work:
        # Memory goes first: should the commit fail, these are only sent again after the next start. The lock is not held
        # over the commit, as the event loop takes it too.
        with self._progress.lock:
            return [
                (self._progress.epochs[epoch].id, why, changes)
                for epoch, ranges in by_epoch.items()
                if (changes := self._progress.settle(epoch, why, ranges))
            ]

    def _on_disk(self, work: _Work) -> None:
        if not any(changes for _, _, changes in work):
            return
        self._db.execute("BEGIN IMMEDIATE")
        try:
            for epoch_id, why, changes in work:
                write_settled(self._db, epoch_id, why, changes)
            self._db.execute("COMMIT")
        except BaseException:
            if self._db.in_transaction:
                self._db.execute("ROLLBACK")
            raise


def write_settled(db: sqlite3.Connection, epoch_id: int, why: str, changes: list[tuple[str, Range]]) -> None:
    """Change the table as `Progress.settle` says, within a transaction."""
    for sign, (first, last) in changes:
        if sign == "-":
            db.execute("DELETE FROM settled WHERE epoch = ? AND why = ? AND first = ?", (epoch_id, why, first))
        else:
            db.execute("INSERT OR REPLACE INTO settled VALUES (?, ?, ?, ?)", (epoch_id, why, first, last))


def to_row(row: tuple[object, ...]) -> Row:
    """An entry as it is selected here."""
    seq, ms, sensor, quantity, unit, value, flag, raw, kind, body = row
    assert isinstance(seq, int)
    assert isinstance(ms, int)
    return Row(
        seq,
        ms,
        str(sensor) if sensor is not None else None,
        str(quantity or ""),
        str(unit or ""),
        float(value) if isinstance(value, (int, float)) else None,
        flag if isinstance(flag, int) else 0,
        float(raw) if isinstance(raw, (int, float)) else None,
        str(kind or ""),
        _body(str(body)) if body is not None else None,
    )


def _body(text: str) -> dict[str, Any]:
    """A record's body; one that a bad card has spoiled is sent as it is found, and stops nothing."""
    try:
        body = json.loads(text)
    except ValueError:
        return {"damaged": text[:1000]}
    return body if isinstance(body, dict) else {"damaged": text[:1000]}

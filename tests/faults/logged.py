"""What a gateway's log file, and the centre's spool file, say: read with sqlite3 alone."""

import json
import sqlite3
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from wire.ranges import RangeSet


@dataclass(frozen=True, slots=True)
class Entry:
    """One row of a gateway's log: a reading (with a sensor) or a record (with a kind)."""

    epoch: int
    seq: int
    ms: int
    sensor: str
    quantity: str
    value: float | None
    flag: int
    final: bool
    kind: str
    body: dict[str, Any] | None
    original_ms: int | None


def log_files(folder: Path) -> list[Path]:
    """A gateway's log and those that were set aside."""
    return [
        path
        for path in sorted(folder.glob("log.sqlite*"))
        if not path.name.endswith(("-wal", "-shm")) and "journal" not in path.name
    ]


def readable_logs(folder: Path) -> list[Path]:
    """A gateway's log and those that were salvaged; what was set aside is damaged."""
    return [folder / "log.sqlite", *sorted(folder.glob("salvaged-*.sqlite"))]


def _query(path: Path, sql: str, *arguments: object) -> list[tuple[Any, ...]]:
    if not path.exists():
        return []
    db = sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True, timeout=10.0)
    try:
        return db.execute(sql, arguments).fetchall()
    finally:
        db.close()


def entries(path: Path) -> list[Entry]:
    """Every row of this log, in order."""
    rows = _query(
        path,
        "SELECT epoch.epoch, seq, ms, sensor, quantity, value, flag, final, kind, body, original_ms FROM entry"
        " JOIN epoch ON epoch.id = entry.epoch LEFT JOIN series ON series.id = entry.series ORDER BY seq",
    )
    return [
        Entry(
            epoch,
            seq,
            ms,
            sensor or "",
            quantity or "",
            value,
            flag or 0,
            bool(final),
            kind or "",
            json.loads(body) if body is not None else None,
            original_ms,
        )
        for epoch, seq, ms, sensor, quantity, value, flag, final, kind, body, original_ms in rows
    ]


def last_seq(path: Path) -> int:
    """The newest number in this log, 0 when it is empty."""
    rows = _query(path, "SELECT max(seq) FROM entry")
    return int(rows[0][0] or 0) if rows else 0


def settled(path: Path) -> RangeSet:
    """All numbers that need not be sent (again), for whatever reason. Numbers continue over the epochs of one log."""
    return RangeSet(_query(path, "SELECT first, last FROM settled ORDER BY first"))


def unsettled(path: Path, upto: int) -> int:
    """How many of the rows up to this number wait for a receipt."""
    done = settled(path)
    return sum(row[0] not in done for row in _query(path, "SELECT seq FROM entry WHERE seq <= ?", upto))


def epochs(path: Path) -> list[int]:
    """The epochs of this log, oldest first."""
    return [row[0] for row in _query(path, "SELECT epoch FROM epoch ORDER BY id")]


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """One of the centre's dead letters."""

    reason: str
    detail: str
    gateway: str
    epoch: int | None
    ranges: RangeSet
    sensor: str
    count: int
    payload: bytes
    topic: str


def dead_letters(spool: Path) -> list[DeadLetter]:
    """All dead letters, oldest first."""
    rows = _query(
        spool,
        "SELECT reason, detail, gateway, epoch, ranges, sensor, count, payload, topic FROM letters"
        " LEFT JOIN payloads ON payloads.digest = letters.digest ORDER BY letters.id",
    )
    return [
        DeadLetter(reason, detail, gateway, epoch, _ranges(ranges), sensor, count, payload or b"", topic)
        for reason, detail, gateway, epoch, ranges, sensor, count, payload, topic in rows
    ]


def _ranges(text: str) -> RangeSet:
    out = RangeSet()
    for part in text.split(",") if text else ():
        first, _, last = part.partition("-")
        out.add(int(first), int(last))
    return out


def spooled(spool: Path) -> int:
    """How many messages wait in the spool."""
    rows = _query(spool, "SELECT count(*) FROM spool")
    return int(rows[0][0]) if rows else 0


def counters(spool: Path) -> dict[str, int]:
    """The spool's counters."""
    return {str(name): int(value) for name, value in _query(spool, "SELECT name, value FROM counters")}


PARTS = ("stored", "repeated", "dead", "waiting", "exported", "set_aside")


def conserved(spool: Path) -> bool:
    """Whether received = stored + repeated + dead + waiting + exported + set aside."""
    found = counters(spool)
    return found.get("received", 0) == sum(found.get(part, 0) for part in PARTS)

"""What the log on disk says: is it sound, what waits for a receipt, how fast does it grow. Reads only, takes no lock."""

import sqlite3
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from doctor.checks import Check, Name, fail, ok, warn
from doctor.disk import size, span
from gateway.log.file import load_progress
from gateway.log.schema import VERSION, connect_readonly

DAY_MS = 86_400_000
LEAST_SPAN_MS = 60_000
LEAST_ENTRIES = 100
"""From less than this no rate is reckoned: an empty file has its size too."""
MOST_CHECKED_BYTES = 256 * 1024 * 1024
"""A larger file is not read through: it would take minutes of a small box's card."""
OLD_S = 3600.0


@dataclass(frozen=True, slots=True)
class LogState:
    """A log. `bytes_a_day` is the growth of the last day; None where it is too new to say."""

    file_bytes: int
    entries: int
    waiting: int
    held: int
    oldest_waiting_ms: int | None
    bytes_a_day: float | None
    span_ms: int
    damage: str | None
    checked: bool


def read_log(path: Path, now_ms: int) -> LogState:
    """Look into it. Raises sqlite3.Error."""
    file_bytes = sum(part.stat().st_size for part in (path, path.with_name(path.name + "-wal")) if part.exists())
    with closing(connect_readonly(path)) as db:
        version = db.execute("PRAGMA user_version").fetchone()[0]
        if version != VERSION:
            raise sqlite3.DatabaseError(f"a log of version {version}; this program reads version {VERSION}")
        checked = file_bytes <= MOST_CHECKED_BYTES
        verdict = str(db.execute("PRAGMA quick_check(1)").fetchone()[0]) if checked else "ok"
        progress = load_progress(db)
        pending = [one for state in progress.epochs.values() for one in state.pending()]
        waiting = sum(last - first + 1 for first, last in pending)
        oldest = None
        if pending:
            first, last = pending[0]
            row = db.execute(
                "SELECT ms FROM entry WHERE seq BETWEEN ? AND ? ORDER BY seq LIMIT 1", (first, last)
            ).fetchone()
            oldest = None if row is None else int(row[0])
        entries, span_ms, rate = _growth(db, file_bytes, now_ms)
        return LogState(
            file_bytes,
            entries,
            waiting,
            progress.held.size,
            oldest,
            rate,
            span_ms,
            None if verdict == "ok" else verdict,
            checked,
        )


def _growth(db: sqlite3.Connection, file_bytes: int, now_ms: int) -> tuple[int, int, float | None]:
    """Entries, the time they span, and bytes a day."""
    first, last = db.execute("SELECT min(seq), max(seq) FROM entry").fetchone()
    if first is None:
        return 0, 0, None
    entries = last - first + 1
    span_ms = _ms_at(db, last) - _ms_at(db, first)
    since_ms = now_ms - DAY_MS
    low, high = first, last
    while low < high:  # times grow with the numbers, but for a clock that was put right
        middle = (low + high) // 2
        low, high = (middle + 1, high) if _ms_at(db, middle) < since_ms else (low, middle)
    day_ms = min(DAY_MS, now_ms - _ms_at(db, low))
    if day_ms < LEAST_SPAN_MS or entries < LEAST_ENTRIES:
        return entries, span_ms, None
    return entries, span_ms, (last - low + 1) * (file_bytes / entries) * DAY_MS / day_ms


def _ms_at(db: sqlite3.Connection, seq: int) -> int:
    return int(db.execute("SELECT ms FROM entry WHERE seq >= ? ORDER BY seq LIMIT 1", (seq,)).fetchone()[0])


def judge(state: LogState, path: Path, now_ms: int) -> list[Check]:
    """What it means."""
    checks: list[Check] = []
    if state.damage is not None:
        checks.append(
            fail(
                Name.LOG,
                f"{path} is damaged: {state.damage}.",
                "keep a copy of it; the gateway sets it aside at its next start and begins a new one",
            )
        )
    aside = sorted(path.parent.glob(path.name + ".corrupt-*[0-9]"))
    if aside:
        checks.append(
            warn(
                Name.LOG,
                f"{len(aside)} damaged logs were set aside: {', '.join(one.name for one in aside[:3])}.",
                "copy them to a safe place; the disk or card may be dying",
            )
        )
    held = f", {state.held} held until the time is known" if state.held else ""
    checks.append(_waiting(state, held, now_ms))
    return checks


def _waiting(state: LogState, held: str, now_ms: int) -> Check:
    unread = "" if state.checked else "; too large to be read through here"
    log = f"{state.entries} entries in {size(state.file_bytes)}{unread}"
    if not state.waiting:
        return ok(Name.LOG, f"the log holds {log}; the centre has receipted all of them{held}.")
    age_s = 0.0 if state.oldest_waiting_ms is None else (now_ms - state.oldest_waiting_ms) / 1000
    says = (
        f"the log holds {log}; {state.waiting} wait for a receipt, the oldest for {span(age_s)}{held}. "
        "They stay until they are receipted."
    )
    if age_s > OLD_S:
        return warn(Name.LOG, says, "see what the checks of the broker and the centre say")
    return ok(Name.LOG, says)

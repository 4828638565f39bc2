"""What the spool on disk says: is it sound, what waits, how old is it, how fast does it grow. Reads only, takes no lock."""

import sqlite3
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from doctor.checks import Check, Name, fail, ok, warn
from doctor.disk import size, span
from ingest.body import BodyError
from ingest.caretaker import exports_folder
from ingest.change import PARTS, Count, Row
from ingest.exports import ENDING
from ingest.group_body import bodies_of
from ingest.schema import SCHEMA_VERSION

DAY_MS = 86_400_000
LEAST_SPAN_MS = 600_000
"""From less than this no rate is reckoned: a spool that is drained holds a moment's readings only."""
ROWS_READ, BYTES_READ = 1_000, 8_000_000
"""The oldest so many are read whole: a row is a message, or some hundred that came together."""
MOST_CHECKED_BYTES = 256 * 1024 * 1024
OLD_S = 600.0
MANY_EXPORT_BYTES = 1_000_000_000
"""Twice the letters that the spool itself keeps by default."""
_ROW = "id, received_ms, gateway, epoch, ranges, readings, body, crc"


@dataclass(frozen=True, slots=True)
class SpoolState:
    """A spool. Times in milliseconds; `bytes_a_day` None where too little waits to say."""

    file_bytes: int
    rows: int
    readings: int
    oldest_received_ms: int | None
    oldest_reading_ms: int | None
    bytes_a_day: float | None
    damaged_rows: int
    set_aside: int
    letters: int
    reasons: dict[str, int]
    counters: dict[str, int]
    damage: str | None
    checked: bool

    @property
    def conserved(self) -> bool:
        """Whether all that was received is accounted for."""
        parts = sum(self.counters.get(part.value, 0) for part in PARTS)
        return self.counters.get(Count.RECEIVED.value, 0) == parts


def read_spool(path: Path) -> SpoolState:
    """Look into it. Raises sqlite3.Error."""
    file_bytes = sum(part.stat().st_size for part in (path, path.with_name(path.name + "-wal")) if part.exists())
    with closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True, isolation_level=None)) as db:
        db.text_factory = lambda text: text.decode(errors="replace")
        version = db.execute("PRAGMA user_version").fetchone()[0]
        if version != SCHEMA_VERSION:
            raise sqlite3.DatabaseError(f"a spool of version {version}; this program reads version {SCHEMA_VERSION}")
        checked = file_bytes <= MOST_CHECKED_BYTES
        verdict = str(db.execute("PRAGMA quick_check(1)").fetchone()[0]) if checked else "ok"
        db.execute("BEGIN")  # one picture of it all
        first, last, rows, readings = db.execute(
            "SELECT min(received_ms), max(received_ms), count(*), total(readings) FROM spool"
        ).fetchone()
        oldest_reading_ms, damaged, waiting_bytes, rows_read = _oldest(db)
        span_ms = (last - first) if rows else 0
        in_bytes = waiting_bytes * rows / rows_read if rows_read else 0.0
        return SpoolState(
            file_bytes=file_bytes,
            rows=rows,
            readings=int(readings),
            oldest_received_ms=first,
            oldest_reading_ms=oldest_reading_ms,
            bytes_a_day=in_bytes * DAY_MS / span_ms if span_ms >= LEAST_SPAN_MS else None,
            damaged_rows=damaged,
            set_aside=db.execute("SELECT count(*) FROM set_aside").fetchone()[0],
            letters=db.execute("SELECT count(*) FROM letters").fetchone()[0],
            reasons=dict(db.execute("SELECT reason, count(*) FROM letters GROUP BY reason ORDER BY 2 DESC")),
            counters=dict(db.execute("SELECT name, value FROM counters")),
            damage=None if verdict == "ok" else verdict,
            checked=checked,
        )


def _oldest(db: sqlite3.Connection) -> tuple[int | None, int, float, int]:
    """Of the oldest rows: the earliest reading's time, how many are damaged, their bytes, and how many were read."""
    earliest: int | None = None
    damaged, taken, read = 0, 0.0, 0
    for fields in db.execute(f"SELECT {_ROW} FROM spool ORDER BY id LIMIT ?", (ROWS_READ,)):
        if taken >= BYTES_READ:
            break
        read += 1
        row = Row(*fields)
        if not row.whole:
            damaged += 1
            continue
        taken += len(row.body) + len(row.ranges) + 60
        try:
            bodies = [body for _, body in bodies_of(row)]
        except (BodyError, ValueError):
            damaged += 1
            continue
        times = [min(one.time_ms) for body in bodies for one in body.series if one.time_ms]
        times += [time_ms for body in bodies for _, time_ms, _, _ in body.records]
        if times:
            earliest = min(times) if earliest is None else min(earliest, *times)
    return earliest, damaged, taken, read


def judge(state: SpoolState, path: Path, running: bool, now_ms: int) -> list[Check]:
    """What it means."""
    checks: list[Check] = []
    keep = "keep a copy of it; ingest sets it aside at its next start, and the gateways send again what it held"
    if state.damage is not None:
        checks.append(fail(Name.SPOOL, f"{path} is damaged: {state.damage}.", keep))
    if state.damaged_rows:
        said = f"{state.damaged_rows} of the oldest rows in the spool are damaged."
        mend = "nothing to do: ingest sets them aside and asks the gateways again; but look after this disk"
        checks.append(fail(Name.SPOOL, said, mend))
    aside = sorted(path.parent.glob(path.name + ".damaged-*[0-9]"))
    if aside or state.set_aside:
        files = f", and the files {', '.join(one.name for one in aside[:3])}" if aside else ""
        checks.append(
            warn(
                Name.SPOOL,
                f"{state.set_aside} damaged messages were set aside{files}; their readings were asked for again.",
                "look after this disk",
            )
        )
    if not state.conserved:
        parts = ", ".join(f"{name} {count}" for name, count in sorted(state.counters.items()) if "." not in name)
        checks.append(
            fail(Name.SPOOL, f"what was received is not accounted for: {parts}.", "keep a copy of the spool; tell us")
        )
    checks.append(_waiting(state, running, now_ms))
    checks.append(_letters(state))
    checks += _exports(exports_folder(path))
    return checks


def _waiting(state: SpoolState, running: bool, now_ms: int) -> Check:
    unread = "; too large to be read through here" if not state.checked else ""
    if not state.rows or state.oldest_received_ms is None:
        return ok(Name.SPOOL, f"nothing waits for the store; the file has {size(state.file_bytes)}{unread}.")
    age_s = (now_ms - state.oldest_received_ms) / 1000
    says = f"{state.readings} readings wait for the store, the oldest for {span(age_s)}, in {size(state.file_bytes)}{unread}."
    if age_s > OLD_S:
        mend = "see what the check of the store says" if running else "start ingest"
        return warn(Name.SPOOL, f"{says} They stay until they are stored.", mend)
    return ok(Name.SPOOL, says)


def _exports(folder: Path) -> list[Check]:
    """Files of letters that left the spool are nobody's but the operator's, and a hostile gateway fills the disk with them."""
    sizes = [one.stat().st_size for one in folder.glob(f"*{ENDING}")]
    if sum(sizes) < MANY_EXPORT_BYTES:
        return []
    return [
        warn(
            Name.DEAD_LETTERS,
            f"{len(sizes)} files of exported dead letters take {size(sum(sizes))} in {folder}; ingest never deletes them.",
            "see who sends them (aryk ingest dead-letters stats); move the files to another disk, or delete what nobody needs",
        )
    ]


def _letters(state: SpoolState) -> Check:
    if not state.letters:
        return ok(Name.DEAD_LETTERS, "there are no dead letters.")
    listed = ", ".join(f"{count} {reason}" for reason, count in list(state.reasons.items())[:4])
    return warn(
        Name.DEAD_LETTERS,
        f"{state.letters} dead letters wait for somebody to look at them: {listed}.",
        "aryk ingest dead-letters list; mend the cause, then replay them",
    )

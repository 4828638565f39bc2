"""What the log knows of its newest entries, and the times that a gap names: they move with the gap's own."""

import json
import sqlite3
from typing import Any

from gateway.log.rows import Last

RESTART = "restart"


def last_entry(db: sqlite3.Connection, sensors: list[str]) -> Last | None:
    """The newest entry of any of these sensors, tried and failed counted too."""
    row = db.execute(
        "SELECT ms, boot_ns, boot.boot FROM entry JOIN epoch ON epoch.id = entry.epoch JOIN boot ON boot.id = epoch.boot"
        f" WHERE seq = (SELECT max(seq) FROM entry WHERE series IN ({_SERIES}))",
        (json.dumps(sensors),),
    ).fetchone()
    return None if row is None else Last(*row)


def moved_gap(db: sqlite3.Connection, seq: int, body: dict[str, Any], shift_ms: int) -> dict[str, Any]:
    """The body of a gap with this number whose own time is put right by so much; one over a restart begins at the last reading.

    A gap that names numbers has the times of readings that were in the log, and these do not move.
    """
    start, end = body.get("from_ms"), body.get("to_ms")
    if "ranges" in body or not isinstance(start, int) or not isinstance(end, int):
        return body
    start, end = start + shift_ms, end + shift_ms
    if body.get("reason") == RESTART and isinstance(body.get("sensors"), list):
        last = _last_ms(db, [str(one) for one in body["sensors"]], seq)
        start = start if last is None else min(last, end)
    return {**body, "from_ms": start, "to_ms": end}


_SERIES = "SELECT id FROM series WHERE sensor IN (SELECT value FROM json_each(?))"


def _last_ms(db: sqlite3.Connection, sensors: list[str], before: int) -> int | None:
    row = db.execute(
        f"SELECT ms FROM entry WHERE seq < ? AND series IN ({_SERIES}) ORDER BY seq DESC LIMIT 1",
        (before, json.dumps(sensors)),
    ).fetchone()
    return None if row is None else int(row[0])

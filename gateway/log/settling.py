"""Makes held times final: from the boot clock where the centre was reached in that boot, else between known neighbours."""

import json
import sqlite3
from dataclasses import dataclass

from gateway.clock import Moment
from gateway.log.gaps import RESTART, moved_gap
from gateway.log.progress import Progress
from gateway.log.writer import body_of, moved_flag, next_free_ms, next_free_record_ms
from gateway.times import Anchor, Placed, Span, moved_far, place, settle

STEP = 500
"""Rows in one transaction, so that the sampler never waits long for the file."""

_HELD = "FROM entry JOIN epoch ON epoch.id = entry.epoch JOIN boot ON boot.id = epoch.boot WHERE final = 0 "
_RESTART = f"(kind IS 'gap' AND body LIKE '%\"reason\":\"{RESTART}\"%')"


@dataclass(frozen=True, slots=True)
class _Held:
    seq: int
    series: int | None
    moment: Moment
    flag: int | None
    kind: str | None
    body: str | None
    offset_ms: int | None
    placed: Placed | None


def settle_held(db: sqlite3.Connection, progress: Progress, anchor: Anchor) -> int:
    """Settle up to `STEP` held rows; the answer is how many, 0 when no more can be settled. Interrupted, it goes on later.

    Rows of boots in which the centre was reached come first, as they are the known neighbours of the others; gaps over a
    restart come last, as they begin at the last reading before them.
    """
    db.execute("UPDATE boot SET offset_ms = ? WHERE boot = ?", (anchor.offset_ms, anchor.boot))
    if not progress.held:
        return 0
    known = _load(db, f"AND boot.offset_ms IS NOT NULL AND NOT {_RESTART}")
    if known:
        return _apply(db, progress, known)
    _place_lost_boots(db, anchor)
    rows = _load(db, f"AND boot.boot <> ? AND NOT {_RESTART}", anchor.boot) or _load(db, f"AND {_RESTART}")
    return _apply(db, progress, rows)


def _load(db: sqlite3.Connection, condition: str, *arguments: str) -> list[_Held]:
    found = db.execute(
        "SELECT seq, series, ms, boot_ns, flag, kind, body, boot.offset_ms, placed_ms, placed_ns, shrink "
        f"{_HELD} {condition} AND (boot.offset_ms IS NOT NULL OR placed_ms IS NOT NULL) ORDER BY seq LIMIT {STEP}",
        arguments,
    )
    return [
        _Held(seq, series, Moment(ms, ns), flag, kind, body, offset, None if at is None else Placed(at, origin, shrink))
        for seq, series, ms, ns, flag, kind, body, offset, at, origin, shrink in found
    ]


def _place_lost_boots(db: sqlite3.Connection, anchor: Anchor) -> None:
    """Give each boot that ended without contact and has held rows its place; those between the same neighbours together."""
    lost = db.execute(
        f"SELECT boot.id, min(seq), max(seq) {_HELD} AND boot.offset_ms IS NULL AND placed_ms IS NULL AND boot.boot <> ? "
        "GROUP BY boot.id ORDER BY min(seq)",
        (anchor.boot,),
    ).fetchall()
    groups: dict[tuple[int | None, int], list[tuple[int, Span]]] = {}
    for boot, first, last in lost:
        after = _edge(db, "seq < ? AND final = 1 ORDER BY seq DESC", first)
        before = _edge(db, "seq > ? AND final = 1 ORDER BY seq", last)
        start_ms, start_ns = db.execute("SELECT ms, boot_ns FROM entry WHERE seq = ?", (first,)).fetchone()
        end_ns = db.execute("SELECT boot_ns FROM entry WHERE seq = ?", (last,)).fetchone()[0]
        span = Span(Moment(start_ms, start_ns), max(0, end_ns - start_ns) // 1_000_000)
        groups.setdefault((after, anchor.true_ms(0) if before is None else before), []).append((boot, span))
    for (after, before), boots in groups.items():
        for (boot, _), placed in zip(boots, place([span for _, span in boots], after, before), strict=True):
            db.execute(
                "UPDATE boot SET placed_ms = ?, placed_ns = ?, shrink = ? WHERE id = ?",
                (placed.ms, placed.origin_ns, placed.shrink, boot),
            )


def _edge(db: sqlite3.Connection, condition: str, seq: int) -> int | None:
    row = db.execute(f"SELECT ms FROM entry WHERE {condition} LIMIT 1", (seq,)).fetchone()
    return None if row is None else int(row[0])


def _apply(db: sqlite3.Connection, progress: Progress, rows: list[_Held]) -> int:
    if not rows:
        return 0
    db.execute("BEGIN IMMEDIATE")
    try:
        for row in rows:
            _write(db, row)
        db.execute("COMMIT")
    except BaseException:
        if db.in_transaction:
            db.execute("ROLLBACK")
        raise
    with progress.lock:
        for row in rows:
            progress.held.remove(row.seq)
    return len(rows)


def _write(db: sqlite3.Connection, row: _Held) -> None:
    flag, body = row.flag, row.body
    estimated = row.offset_ms is None
    ms = _final_ms(row)
    if row.series is not None:
        free_ms = next_free_ms(db, row.series, ms)
        if flag is not None and (estimated or free_ms != ms or moved_far(row.moment.ms, ms)):
            flag = moved_flag(flag)
        ms = free_ms
    elif row.kind is not None:
        if row.kind == "gap" and body is not None:
            body = body_of(moved_gap(db, row.seq, json.loads(body), ms - row.moment.ms))
        ms = next_free_record_ms(db, row.kind, ms)
    original = row.moment.ms if ms != row.moment.ms else None
    db.execute(
        "UPDATE entry SET ms = ?, original_ms = ?, flag = ?, body = ?, final = 1 WHERE seq = ?",
        (ms, original, flag, body, row.seq),
    )


def _final_ms(row: _Held) -> int:
    if row.offset_ms is not None:
        return settle(row.offset_ms, row.moment.ms, row.moment.boot_ns)
    assert row.placed is not None
    return row.placed.time_of(row.moment.boot_ns)


def offset_of(db: sqlite3.Connection, boot: str) -> int | None:
    """The last anchor of this boot, an earlier process's too: true time minus boot clock."""
    row = db.execute("SELECT offset_ms FROM boot WHERE boot = ?", (boot,)).fetchone()
    return None if row is None else row[0]

"""Opens logs for tests, and looks into their files."""

import sqlite3
from pathlib import Path
from typing import Any

from gateway.clock import Clock, ManualClock
from gateway.log import Log, open_log
from gateway.log.file import log_path
from gateway.times import Anchor
from wire.ranges import Range

GATEWAY = "gw-1"


def opened(state: Path, clock: Clock | None = None, **more: Any) -> Log:
    return open_log(state, GATEWAY, clock or ManualClock(), **more)


def anchor_of(clock: ManualClock, skew_ms: int = 0) -> Anchor:
    """What a hello answered at once gives, the centre's clock being `skew_ms` ahead of ours."""
    now = clock.now()
    return Anchor(clock.boot, now.ms + skew_ms - now.boot_ns // 1_000_000, now.boot_ns, 0.1, skew_ms)


def query(state: Path, sql: str) -> list[tuple[Any, ...]]:
    db = sqlite3.connect(log_path(state, GATEWAY))
    try:
        return db.execute(sql).fetchall()
    finally:
        db.close()


def pending(log: Log) -> list[Range]:
    return [one for _, ranges in log.progress.pending() for one in ranges]

"""Reads which serve numbers a gateway has logged, from its log file.

The file's tables are the gateway's; what is used of them is checked against a real one by a test.
"""

import sqlite3
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

from simulator.ledger.rows import LedgerError

_COUNTS = """
SELECT series.sensor, entry.value, entry.epoch, entry.seq
FROM entry JOIN series ON series.id = entry.series
WHERE series.quantity = 'count' AND entry.value IS NOT NULL
"""
_EPOCHS = "SELECT id, epoch FROM epoch"
_GATEWAY = "SELECT value FROM meta WHERE key = 'gateway'"


class LoggedReading(NamedTuple):
    """The identity of a logged serve number."""

    gateway: str
    epoch: int
    seq: int


Logged = dict[tuple[str, int], LoggedReading]
"""By the sensor that counts the serves, and the serve number."""


def read_logs(paths: Iterable[Path]) -> Logged:
    """The serve numbers in these logs, also while a gateway writes them. Raises LedgerError."""
    out: Logged = {}
    for path in paths:
        try:
            db = sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True, timeout=10.0)
            try:
                (gateway,) = db.execute(_GATEWAY).fetchone()
                epochs = dict(db.execute(_EPOCHS))
                for sensor, value, epoch, seq in db.execute(_COUNTS):
                    out[sensor, int(value)] = LoggedReading(gateway, epochs.get(epoch, epoch), seq)
            finally:
                db.close()
        except (sqlite3.Error, TypeError) as error:
            raise LedgerError(f"{path} is not a gateway's log: {error}") from error
    return out

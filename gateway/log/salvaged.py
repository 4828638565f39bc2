"""A log that was salvaged from a damaged file: nothing is added to it, its rows are sent as they are, and one day it goes."""

import sqlite3
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from gateway.log.aside import corrupt_of, remove
from gateway.log.load import check, load_progress
from gateway.log.progress import DROPPED, EpochState, Progress
from gateway.log.reader import Reader
from gateway.log.retention import delete, in_pieces
from gateway.log.rows import NewRecord
from gateway.log.salvage import Salvaged
from gateway.log.schema import connect
from wire.names import epoch_text
from wire.ranges import Range


@dataclass(slots=True)
class SalvagedLog:
    """Open, used by the uplink's thread."""

    path: Path
    db: sqlite3.Connection
    progress: Progress
    reader: Reader

    @property
    def since_ms(self) -> int:
        """When the damaged file was set aside."""
        return int(self.path.stem.removeprefix("salvaged-")) * 1000

    def is_empty(self) -> bool:
        """Whether nothing is left in it."""
        return self.db.execute("SELECT 1 FROM entry LIMIT 1").fetchone() is None

    @property
    def unsettled(self) -> bool:
        """Whether something of it is still to be sent."""
        return self.progress.unsettled()[0] > 0

    def close(self) -> None:
        """Close the file."""
        self.db.close()

    def let_go_of_original(self) -> bool:
        """For want of room, take away the damaged file that this came from; False when that is gone."""
        original = corrupt_of(self.path)
        there = original.exists()
        remove([original])
        return there

    def drop(self, state: EpochState, ranges: list[Range]) -> int:
        """These are told to be gone: take them away, and give their room back. How many there were."""
        self.reader.settle(DROPPED, state.epoch, ranges)
        delete(self.db, self.progress, state, ranges)
        self.db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        return sum(last - first + 1 for first, last in ranges)

    def remove(self) -> None:
        """Close it, and take it away, with the damaged file that it came from."""
        self.close()
        remove([self.path, corrupt_of(self.path)])


def open_salvaged(path: Path, gateway: str, known: Iterable[int]) -> SalvagedLog:
    """Open it; epochs that are known from elsewhere are passed over. Raises sqlite3.Error, LogError."""
    db = connect(path)
    try:
        check(db, path, gateway)
        progress = load_progress(db)
    except BaseException:
        db.close()
        raise
    for epoch in known:
        progress.forget(epoch)
    return SalvagedLog(path, db, progress, Reader(db, progress))


def salvage_records(damaged: Path, result: Salvaged) -> list[NewRecord]:
    """What is to be told of it: a gap for the holes of each epoch, and how it went as a whole."""
    gaps = [
        NewRecord(
            "gap",
            {
                "reason": "damaged",
                "epoch": epoch_text(epoch),
                "ranges": [list(one) for one in piece],
                "file": damaged.name,
            },
        )
        for epoch, ranges in result.holes
        for piece in in_pieces(ranges)
    ]
    event = {
        "event": "log_salvaged",
        "file": damaged.name,
        "rows": result.rows,
        "suspect": result.suspect,
        "nameless": result.nameless,
        "lost": result.lost,
    }
    return [*gaps, NewRecord("event", event)]
